/**
 * A job laid out in the kernels' arena: its descriptor, its inputs, room for its results, and the work space behind them.
 * Places are planned first and written when the arena is large enough, because growing it forgets what it held.
 */
import { require } from '../engine-error.ts';
import { type Cells, type CellValues, DONE, NO_ROOM, type Operation, operationCode, writeCells } from './job.ts';
import type { Kernels } from './kernel-library.ts';

/** A cache line: every part of the arena begins on one. */
const LINE_CELLS = 16;

/** An arena that must grow grows by a half more than asked: a stream of slowly longer batches grows it seldom. */
const HEADROOM = 1.5;

const padded = (cells: number): number => Math.ceil(cells / LINE_CELLS) * LINE_CELLS;

type Input = Float32Array | Int32Array | Uint8Array;

/** Writes an input from the cell `at` on. */
type Fill = (kernels: Kernels, at: number) => void;

/** The plan of one job. */
export class JobPlan {
  readonly #inputs: { readonly at: number; readonly fill: Fill }[] = [];
  #next = 0;

  /** Where the values will lie. `spare` cells behind them may be read by whole vectors. */
  input(values: Input, spare = 0): number {
    return this.filled(Math.ceil(values.byteLength / 4) + spare, (kernels, at) => copyInto(kernels, at, values));
  }

  /** Where an input will lie that is computed in its place. All of its cells must be written: the arena is not clean. */
  filled(cells: number, fill: Fill): number {
    const at = this.room(cells);
    this.#inputs.push({ at, fill });
    return at;
  }

  /** Room for results or whatever a kernel writes first. */
  room(cells: number): number {
    const at = this.#next;
    this.#next += padded(cells);
    return at;
  }

  get cells(): number {
    return this.#next;
  }

  write(kernels: Kernels): void {
    for (const { at, fill } of this.#inputs) fill(kernels, at);
  }
}

function copyInto({ floats, ints }: Kernels, at: number, values: Input): void {
  if (values instanceof Float32Array) floats.set(values, at);
  else if (values instanceof Int32Array) ints.set(values, at);
  else new Uint8Array(ints.buffer, ints.byteOffset + 4 * at, values.length).set(values);
}

export interface JobDescription {
  readonly operation: Operation;
  readonly cells: Cells;
  /** All but the work space. */
  readonly values: CellValues;
}

/** Runs a planned job; grows the arena when the job says that its work space is too small. */
export function runJob(kernels: Kernels, plan: JobPlan, { operation, cells, values }: JobDescription): void {
  const job = plan.room(cells.length);
  const start = plan.cells;
  for (let attempt = 0; attempt < 2; attempt++) {
    const scratch = { at: start, cells: Math.max(0, kernels.ints.length - start), needed: 0 };
    if (scratch.cells === 0) kernels.reserve(start + LINE_CELLS);
    plan.write(kernels);
    writeCells(kernels, job, cells, { ...values, scratch });
    const outcome = kernels.run(operationCode(operation), job);
    if (outcome === DONE) return;
    require(outcome === NO_ROOM, 'bad-batch', () =>
      `The kernels know no operation ${operation}; run npm run build:kernels.`);
    const needed = kernels.ints[job + cells.indexOf('scratch.needed')];
    require(needed > 0, 'bad-batch', () => 'The batch needs more memory than can be addressed; take smaller batches.');
    kernels.reserve(Math.ceil(HEADROOM * (start + needed)));
  }
  throw new RangeError(`Job ${operation} asked for more room twice.`);
}
