/**
 * Bytes that a step allocates. A process of its own runs with a young generation so large that it is never collected on the
 * way: then what the heap has grown by is what was allocated, garbage included. A short solve warms up; the difference of a
 * long and a short one, over the difference of their steps, is the figure, so that what a solve allocates once drops out.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { markdownTable } from '../report.ts';
import type { Goal } from './goal.ts';

export interface Allocation {
  readonly who: string;
  readonly steps: number;
  /** Heap of V8, a step: boxed numbers and closures as well as arrays. */
  readonly heapBytes: number;
  /** Buffers outside of it, a step. */
  readonly bufferBytes: number;
  /** States made by the solver's space, a step: what the library itself could have reused. */
  readonly states: number;
}

const YOUNG_MB = 512;

export function measureAllocation(steps: number): Allocation[] {
  const flags = ['--expose-gc', `--max-semi-space-size=${YOUNG_MB}`, `--min-semi-space-size=${YOUNG_MB}`];
  const script = join(import.meta.dirname, 'allocation-child.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, '--import', 'tsx', script, String(steps)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`bench/ode/allocation-child.ts failed: ${stderr}`);
  return JSON.parse(stdout);
}

export function allocationTable(allocations: readonly Allocation[]): string {
  const rows = allocations.map(({ who, steps, heapBytes, bufferBytes, states }) => [
    who,
    steps.toLocaleString('en-US'),
    heapBytes.toFixed(1),
    bufferBytes.toFixed(1),
    states.toFixed(3),
  ]);
  return markdownTable([['solver', 'steps', 'heap bytes a step', 'buffer bytes a step', 'states a step'], ...rows]);
}

export function allocationGoals(allocations: readonly Allocation[]): Goal[] {
  const ours = allocations.filter(({ who }) => who !== BY_HAND);
  const [heap, states] = [Math.max(...ours.map((row) => row.heapBytes)), Math.max(...ours.map((row) => row.states))];
  const buffers = Math.max(...ours.map(({ bufferBytes }) => bufferBytes));
  return [
    {
      what: 'arrays that a step makes, on Float64Array',
      goal: 'none after the first step',
      measured: `${states.toFixed(3)} states, ${buffers.toFixed(1)} bytes of buffers`,
      met: states < 0.001 && buffers < 1,
    },
    {
      what: 'bytes of any kind that a step allocates, boxed numbers included',
      goal: 'none after the first step',
      measured: `at most ${heap.toFixed(0)} bytes`,
      met: heap < 1,
    },
  ];
}

export const BY_HAND = 'dopri5 by hand';
