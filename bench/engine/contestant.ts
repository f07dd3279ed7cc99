/**
 * One contestant: a process of its own that times a variant of a row when it is asked, pinned to one core where `taskset` is
 * there. Only one is asked at a time.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Answer, Hello, Question } from './serve.ts';

const PEERS = join(import.meta.dirname, '../peers/engine');
const OURS = join(import.meta.dirname, 'ours.ts');

export interface Command {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

export const OUR_ENGINES = ['native', 'wasm-relaxed', 'wasm-plain'] as const;

export function ourCommand(engine: string): Command {
  const flags = engine === 'wasm-relaxed' ? relaxedFlags() : [];
  return { name: engine, command: process.execPath, args: [...flags, '--import', 'tsx', OURS, engine] };
}

/** Node 20 has relaxed SIMD, but behind a flag, which later ones no longer know. */
const relaxedFlags = (): string[] =>
  Number(process.versions.node.split('.')[0]) < 22 ? ['--experimental-wasm-relaxed-simd'] : [];

/** What each interpreter can run of JAX, PyTorch, torchode and torchdiffeq. */
export function peerCommands(interpreters: readonly string[]): Command[] {
  return interpreters.flatMap((python) => [
    ...(canImport(python, 'jax, diffrax') ? [peerCommand(python, 'jax_peer.py')] : []),
    ...['torch', 'torchode', 'torchdiffeq']
      .filter((name) => canImport(python, name))
      .map((name) => peerCommand(python, 'torch_peer.py', name)),
  ]);
}

const peerCommand = (python: string, script: string, ...args: string[]): Command => ({
  name: args[0] ?? 'jax',
  command: python,
  args: [join(PEERS, script), ...args],
});

/** An import that fails says so; one that is not there is only absent. */
function canImport(python: string, modules: string): boolean {
  return spawnSync(python, ['-c', `import ${modules}`]).status === 0;
}

export interface Contestant extends Hello {
  ask(question: Question): Promise<Answer>;
  close(): void;
}

/** @throws Error with its last words when the process ends before it says hello */
export async function startContestant({ name, command, args }: Command): Promise<Contestant> {
  const [program, ...rest] = [...pinned(), command, ...args];
  const child = spawn(program, rest, { stdio: 'pipe' });
  const words = lastWords(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`${name} ended: ${words()}`);
    return JSON.parse(value);
  };
  const hello: Hello = await next();
  return {
    ...hello,
    ask: async (question) => {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return next();
    },
    close: () => child.stdin.end(),
  };
}

/** The last core: the first takes the machine's interrupts. */
const pinned = (): string[] =>
  spawnSync('taskset', ['--version']).status === 0 ? ['taskset', '-c', String(cpus().length - 1)] : [];

function lastWords(child: ChildProcessWithoutNullStreams): () => string {
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  return () => said.trim().split('\n').slice(-3).join(' ') || `exit status ${child.exitCode}`;
}
