/**
 * The Python interpreters whose packages take part: those that BENCH_ENGINE_PYTHON names (one or several, separated as in PATH), else
 * `.cache/bench-engine` and `.cache/bench-engine-2024`, made from `bench/peers/requirements-engine*.txt`.
 */
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

const CACHE = join(import.meta.dirname, '../../.cache');

export const HOW_TO_INSTALL =
  'No Python peers here: `python3.11 -m venv .cache/bench-engine && .cache/bench-engine/bin/pip install -r bench/peers/requirements-engine.txt`, ' +
  'and the same with `-2024` for an older JAX that is faster at the smallest sizes.';

export function findInterpreters(environment: NodeJS.ProcessEnv = process.env): string[] {
  const named = environment.BENCH_ENGINE_PYTHON;
  const candidates =
    named === undefined
      ? ['bench-engine', 'bench-engine-2024'].map((folder) => join(CACHE, folder, 'bin/python'))
      : named.split(delimiter);
  return candidates.filter((python) => spawnSync(python, ['-c', 'import numpy']).status === 0);
}
