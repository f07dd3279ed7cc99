/** Runs the built `odecast` as a process of its own, on a temporary folder and a free loopback port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const MAIN = join(import.meta.dirname, '../../dist/cli/main.js');

export interface Odecast {
  readonly child: ChildProcess;
  /** Everything it has written so far. */
  readonly output: () => string;
  /** Resolves with the exit code, or the signal's name. */
  readonly exit: Promise<number | string>;
}

export function runOdecast(args: readonly string[], environment: Record<string, string> = {}, cwd?: string): Odecast {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd && { cwd }),
  });
  let text = '';
  const keep = (chunk: Buffer) => {
    text += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exit = new Promise<number | string>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
  );
  return { child, output: () => text, exit };
}

/** Sends a signal and waits; the milliseconds that the end took. Fails the test after `limitMs`, killing the process. */
export async function stop(odecast: Odecast, signal: NodeJS.Signals, limitMs: number): Promise<number> {
  const from = performance.now();
  odecast.child.kill(signal);
  const timer = setTimeout(() => odecast.child.kill('SIGKILL'), limitMs);
  const ended = await odecast.exit;
  clearTimeout(timer);
  if (ended === 'SIGKILL' && signal !== 'SIGKILL')
    throw new Error(`still alive ${limitMs} ms after ${signal}:\n${odecast.output()}`);
  return performance.now() - from;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

export function temporaryFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `odecast-${name}-`));
}

/** Asks until `wanted` says yes. Throws with the last answer and the process's output when time is up or it has ended. */
export async function until<T>(
  ask: () => Promise<T>,
  wanted: (answer: T) => boolean,
  limitMs: number,
  odecast?: Odecast,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < deadline) {
    last = await ask().catch((error: unknown) => error);
    if (!(last instanceof Error) && wanted(last as T)) return last as T;
    if (odecast?.child.exitCode !== null && odecast) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(
    `not reached in ${limitMs} ms; last: ${JSON.stringify(last)?.slice(0, 500) ?? last}\n${odecast?.output() ?? ''}`,
  );
}
