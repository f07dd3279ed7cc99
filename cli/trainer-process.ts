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
  /** Default `BACK_OFF`. */
  readonly backOff?: BackOff;
}

/** The wait after a death doubles from the first to the longest, until a model is published. */
export interface BackOff {
  readonly firstMs: number;
  readonly longestMs: number;
}

export const BACK_OFF: BackOff = { firstMs: 1000, longestMs: 60_000 };
const STOP = 'stop';

export function startTrainerProcess(parts: TrainerProcessParts): TrainerProcess {
  const { firstMs, longestMs } = parts.backOff ?? BACK_OFF;
  let child: Child;
  let stopping = false;
  let waitMs = firstMs;
  let timer: NodeJS.Timeout | undefined;
  const onReport = (report: TrainingReport) => {
    if (report.kind === 'published') waitMs = firstMs;
    parts.onReport(report);
  };
  const launch = () => {
    child = forkChild(parts, onReport);
    void child.ended.then((how) => {
      if (stopping) return;
      parts.onDeath(how, waitMs);
      timer = setTimeout(launch, waitMs);
      waitMs = Math.min(longestMs, 2 * waitMs);
    });
  };
  launch();
  return {
    stop: async (graceMs) => {
      stopping = true;
      clearTimeout(timer);
      await endChild(child, graceMs);
    },
  };
}

interface Child {
  readonly process: ChildProcess;
  /** Resolves with how, in words; also where it could not be started. */
  readonly ended: Promise<string>;
}

function forkChild({ main, args }: TrainerProcessParts, onReport: (report: TrainingReport) => void): Child {
  // `advanced`: a loss of NaN arrives as NaN, where JSON would make it null.
  const child = fork(main, [...args], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], serialization: 'advanced' });
  const complaint = tailOf(child);
  child.on('message', onReport);
  const ended = new Promise<string>((resolve) => {
    // Also a message that could not be sent: then the end follows, or has been.
    child.on('error', (error) => child.pid === undefined && resolve(error.message));
    // Later than `exit`: by then all that it wrote has been read.
    child.once('close', (code, signal) => resolve(`${signal ?? `exit code ${code}`}${complaint()}`));
  });
  return { process: child, ended };
}

async function endChild({ process: child, ended }: Child, graceMs: number): Promise<void> {
  const force = setTimeout(() => child.kill('SIGKILL'), graceMs);
  if (child.connected) child.send(STOP);
  await ended;
  clearTimeout(force);
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

export interface ParentChannel {
  readonly report: (report: TrainingReport) => void;
  /** Aborts when the parent says so or is gone, and at SIGTERM, which a supervisor may send to each process of a tree. */
  readonly signal: AbortSignal;
  /** Lets go of the channel: an open one keeps the process from ending. */
  close(): void;
}

/** In the child. Undefined where there is no parent. */
export function parentChannel(): ParentChannel | undefined {
  if (!process.send) return undefined;
  const controller = new AbortController();
  const abort = () => controller.abort();
  process.on('message', (message) => message === STOP && abort());
  process.on('disconnect', abort).on('SIGTERM', abort);
  // Gone while this process still loaded its modules: nobody will say so any more.
  if (!process.connected) abort();
  // Ctrl-C reaches the whole process group; the parent decides what it means.
  process.on('SIGINT', () => undefined);
  return {
    // A report that cannot be sent is of no use to anybody: the parent is going.
    report: (report) => void (process.connected && process.send?.(report, undefined, undefined, () => undefined)),
    signal: controller.signal,
    close: () => {
      if (process.connected) process.disconnect();
    },
  };
}
