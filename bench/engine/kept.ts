/**
 * Results of the last run, row by row, so that a long contest can be run in parts: ratios are of one row, and a row is measured as a
 * whole. In the ignored folder `.cache`.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RowResult } from './contest.ts';
import { ROWS } from './rows.ts';

const FILE = join(import.meta.dirname, '../../.cache/bench-engine.json');

type KeptRow = Omit<RowResult, 'row'>;

export function keepResults(results: readonly RowResult[], file = FILE): void {
  const kept: Record<string, KeptRow> = {};
  for (const { row, ...rest } of results) kept[row.id] = rest;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(kept));
}

/** The fresh rows, and those measured before in the places of the others, in the order of the table. */
export function withKept(fresh: readonly RowResult[], file = FILE): RowResult[] {
  const kept: Readonly<Record<string, KeptRow>> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  return ROWS.flatMap((row) => {
    const measured = fresh.find((result) => result.row.id === row.id);
    if (measured !== undefined) return [measured];
    return Object.hasOwn(kept, row.id) ? [{ ...kept[row.id], row }] : [];
  });
}
