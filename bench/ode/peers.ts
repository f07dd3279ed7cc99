/**
 * The Python solvers, where they are: `bench/peers/requirements.txt` installed for the interpreter that BENCH_PYTHON names,
 * for `.cache/bench-python`, or for `python3`, the first of these that has SciPy.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PEERS = join(import.meta.dirname, '../peers');
const ROOT = join(import.meta.dirname, '../..');

export const HOW_TO_INSTALL =
  'Install the peers: `python3 -m venv .cache/bench-python && .cache/bench-python/bin/pip install -r bench/peers/requirements.txt`.';

/** An interpreter that can import SciPy, or undefined. */
export function findPython(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = environment.BENCH_PYTHON;
  const candidates = named === undefined ? [join(ROOT, '.cache/bench-python/bin/python'), 'python3'] : [named];
  return candidates.find((python) => spawnSync(python, ['-c', 'import scipy']).status === 0);
}

/** One solver at one tolerance over all of DETEST. */
export interface PeerRun {
  readonly solver: string;
  readonly tolerance: number;
  readonly evaluations: number;
  /** The state at the end of each problem. */
  readonly ends: readonly (readonly number[])[];
}

export interface PeerRuns {
  readonly versions: Readonly<Record<string, string>>;
  readonly runs: readonly PeerRun[];
}

/** @throws if the script fails: a broken peer is not an absent one */
export function runDetestPeers(python: string, tolerances: readonly number[]): PeerRuns {
  const options = { encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
  const { status, stdout, stderr } = spawnSync(python, [join(PEERS, 'detest.py'), ...tolerances.map(String)], options);
  if (status !== 0) throw new Error(`bench/peers/detest.py failed: ${stderr}`);
  return JSON.parse(stdout);
}

export interface Timing {
  readonly steps: number;
  readonly seconds: number;
}

/** A Python that stays, so that each round of a comparison runs next to the others of that round. */
export interface TimedPeer {
  time(problem: string, end: number, tolerance: number): Promise<Timing>;
  close(): void;
}

export function startTimedPeer(python: string): TimedPeer {
  const child = spawn(python, [join(PEERS, 'overhead.py')]);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    time: async (problem, end, tolerance) => {
      child.stdin.write(`${problem} ${end} ${tolerance}\n`);
      const { value, done } = await answers.next();
      if (done === true) throw new Error(`bench/peers/overhead.py ended: ${lastWords(child)}`);
      return JSON.parse(value);
    },
    close: () => child.stdin.end(),
  };
}

function lastWords(child: ChildProcessWithoutNullStreams): string {
  return String(child.stderr.read() ?? `exit status ${child.exitCode}`);
}
