/** Programs in C that measure what a core gives, compiled for this very machine. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FLAGS = [
  '-std=gnu11',
  '-O3',
  '-march=native',
  '-mprefer-vector-width=512',
  '-ffp-contract=fast',
  '-fno-math-errno',
];

/** Runs of a program, spread over some seconds: a busy machine is not busy all the time. */
const RUNS = 12;

/** What the program of this folder prints, run by run; nothing without a compiler. */
export function runNative(source: string, ...flags: readonly string[]): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'odecast-bench-'));
  try {
    const program = join(folder, 'program');
    const built = spawnSync('cc', [...FLAGS, ...flags, '-o', program, join(import.meta.dirname, source)]);
    if (built.status !== 0) return [];
    const runs = Array.from({ length: RUNS }, () => spawnSync(program, { encoding: 'utf8' }));
    return runs.flatMap(({ status, stdout }) => (status === 0 ? [stdout] : []));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
