/**
 * The trainer as a child process: started, heard, restarted when it dies, stopped in good order. Both ends of the
 * channel are here.
 *
 *   parent ── {stop} ──▶ child      child ── TrainingReport ──▶ parent      channel closed ──▶ the child ends by itself
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { TrainingReport } from './training-report.ts';

export interface TrainerProcess {
  /** Resolves when it has ended; by force after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

export interface TrainerProcessParts {
  readonly main: string;
  readonly args: readonly string[];
  readonly onReport: (report: TrainingReport) => void;
  /** It ended although nobody asked it to; another is started after `waitMs`. */
  readonly onDeath: (how: string, waitMs: number) => void;
}

const STOP = 'stop';
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;

export function startTrainerProcess(parts: TrainerProcessParts): TrainerProcess {
  let child: ChildProcess | undefined;
  let stopping = false;
  let waitMs = FIRST_WAIT_MS;
  let timer: NodeJS.Timeout | undefined;
  const launch = () => {
    child = fork(parts.main, [...parts.args], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const complaint = tailOf(child);
    child.on('message', (report: TrainingReport) => {
      if (report.kind === 'published') waitMs = FIRST_WAIT_MS;
      parts.onReport(report);
    });
    child.once('exit', (code, signal) => {
      if (stopping) return;
      parts.onDeath(`${signal ?? `exit code ${code}`}${complaint()}`, waitMs);
      timer = setTimeout(launch, waitMs);
      waitMs = Math.min(LONGEST_WAIT_MS, 2 * waitMs);
    });
  };
  launch();
  return {
    stop: async (graceMs) => {
      stopping = true;
      clearTimeout(timer);
      if (child) await endChild(child, graceMs);
    },
  };
}

function endChild(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const force = setTimeout(() => child.kill('SIGKILL'), graceMs);
    child.once('exit', () => {
      clearTimeout(force);
      resolve();
    });
    if (child.connected) child.send(STOP);
  });
}

/** The last line that it wrote to stderr. */
function tailOf(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-2000);
  });
  return () => {
    const last = text.trim().split('\n').at(-1);
    return last ? `: ${last}` : '';
  };
}

/** In the child: tells the parent, and aborts when the parent says so or is gone. Undefined where there is no parent. */
export function parentChannel(): { report: (report: TrainingReport) => void; signal: AbortSignal } | undefined {
  if (!process.send) return undefined;
  const controller = new AbortController();
  process.on('message', (message) => message === STOP && controller.abort());
  process.on('disconnect', () => controller.abort());
  // Gone while this process still loaded its modules: nobody will say so any more.
  if (!process.connected) controller.abort();
  // Ctrl-C reaches the whole process group; the parent decides what it means.
  process.on('SIGINT', () => undefined);
  return { report: (report) => void (process.connected && process.send?.(report)), signal: controller.signal };
}
