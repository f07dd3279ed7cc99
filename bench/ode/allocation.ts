/**
 * Bytes that a step allocates. A process of its own runs with a young generation so large that it is never collected on the
 * way: then what the heap has grown by is what was allocated, garbage included. It is looked at twice within one long solve,
 * halfway and near its end, after the same solve has run often enough for the engine to have compiled it: what a solve
 * allocates once, and what compiling does, drops out.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { markdownTable } from '../report.ts';
import type { Goal } from './goal.ts';

export interface Allocation {
  readonly who: string;
  /** Between the two looks. */
  readonly steps: number;
  /** Heap of V8, a step: boxed numbers, closures, and arrays of up to eight numbers. */
  readonly heapBytes: number;
  /** Buffers outside of it, a step. */
  readonly bufferBytes: number;
}

const YOUNG_MB = 512;

export function measureAllocation(steps: number): Allocation[] {
  const flags = [`--max-semi-space-size=${YOUNG_MB}`, `--min-semi-space-size=${YOUNG_MB}`];
  const script = join(import.meta.dirname, 'allocation-child.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, '--import', 'tsx', script, String(steps)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`bench/ode/allocation-child.ts failed: ${stderr}`);
  return JSON.parse(stdout);
}

export function allocationTable(allocations: readonly Allocation[]): string {
  const rows = allocations.map(({ who, steps, heapBytes, bufferBytes }) => [
    who,
    steps.toLocaleString('en-US'),
    heapBytes.toFixed(1),
    bufferBytes.toFixed(1),
  ]);
  return markdownTable([['solver', 'steps', 'heap bytes a step', 'buffer bytes a step'], ...rows]);
}

/** Bytes of a boxed number. */
const BOX = 16;

export function allocationGoals(allocations: readonly Allocation[]): Goal[] {
  const ours = allocations.filter(({ who }) => who !== BY_HAND && !who.endsWith(MANY_FIELDS));
  const heap = Math.max(...ours.map((row) => row.heapBytes + row.bufferBytes));
  return [
    {
      what: 'bytes of any kind that a step allocates on Float64Array, boxed numbers included',
      goal: 'none after the first step',
      measured: `at most ${heap.toFixed(1)} bytes`,
      // Fewer than one box in ten steps: the engine itself, compiling beside.
      met: heap < BOX / 10,
    },
  ];
}

export const BY_HAND = 'dopri5 by hand';
export const MANY_FIELDS = ', after 25 other fields';
