/** Initial value problems with exact solutions, for solvers' tests and benches. Definitions, not measurements. */

export interface ExactProblem {
  readonly name: string;
  readonly t0: number;
  readonly t1: number;
  readonly slope: (t: number, y: Float64Array) => Float64Array;
  readonly exact: (t: number) => Float64Array;
}

/** A scalar problem from plain functions. */
function scalar(
  name: string,
  [t0, t1]: readonly [number, number],
  slope: (t: number, y: number) => number,
  exact: (t: number) => number,
): ExactProblem {
  return {
    name,
    t0,
    t1,
    slope: (t, y) => Float64Array.of(slope(t, y[0])),
    exact: (t) => Float64Array.of(exact(t)),
  };
}

/** Numbers in [0, 1) from a seed: mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Matrix = readonly (readonly number[])[];

export function times(matrix: Matrix, vector: ArrayLike<number>): Float64Array {
  return Float64Array.from(matrix, (row) => row.reduce((sum, value, j) => sum + value * vector[j], 0));
}

/** exp(A·t)·v by scaling the step and summing the series to machine precision. */
export function exponentialAction(matrix: Matrix, t: number, vector: ArrayLike<number>): Float64Array {
  const norm = Math.max(...matrix.map((row) => row.reduce((sum, value) => sum + Math.abs(value), 0)));
  const pieces = Math.max(1, Math.ceil(norm * Math.abs(t)));
  let state = Float64Array.from(vector);
  for (let piece = 0; piece < pieces; piece++) {
    let term = state;
    for (let k = 1; k < 30; k++) {
      term = times(matrix, term).map((value) => (value * t) / pieces / k);
      state = state.map((value, i) => value + term[i]);
    }
  }
  return state;
}

function antisymmetric(size: number, seed: number): Matrix {
  const random = seededRandom(seed);
  const upper = Array.from({ length: size }, () => Array.from({ length: size }, () => random() - 0.5));
  return upper.map((row, i) => row.map((value, j) => (value - upper[j][i]) / 2));
}

const ROTATION = antisymmetric(10, 7);
const ONES = new Float64Array(10).fill(1);

/** The problems of `measures.md`, in its order. */
export const EXACT_PROBLEMS: readonly ExactProblem[] = [
  scalar(
    'constant',
    [1, 8],
    (t, y) => 0.2 + (y - (0.2 * t + 3)) ** 5,
    (t) => 0.2 * t + 3,
  ),
  scalar(
    'sine',
    [1, 8],
    (t, y) => (2 * y) / t + t ** 4 * Math.sin(2 * t) - t ** 2 + 4 * t ** 3,
    (t) =>
      t ** 2 * (2 * t ** 2 - t + 1 + Math.cos(2 * t) / 4 + (t * Math.sin(2 * t)) / 2 - (t ** 2 * Math.cos(2 * t)) / 2),
  ),
  {
    name: 'linear',
    t0: 1,
    t1: 8,
    slope: (_t, y) => times(ROTATION, y),
    exact: (t) => exponentialAction(ROTATION, t, ONES),
  },
  scalar(
    'exponential',
    [0, 2],
    (_t, y) => y,
    (t) => 2 * Math.exp(t),
  ),
  scalar(
    'free fall',
    [0, 10],
    (_t, v) => 9.8 - 0.196 * v,
    (t) => 50 - 2 * Math.exp(-0.196 * t),
  ),
  scalar(
    'sine squared',
    [0, 8],
    (t, y) => y * Math.sin(t) ** 2,
    (t) => 2 * Math.exp(t / 2 - Math.sin(2 * t) / 4),
  ),
  {
    // y'' + 2 y' + 5 y = 10 as a system; y(0) = 3, y'(0) = 0.
    name: 'second order',
    t0: 0,
    t1: 5,
    slope: (_t, [y, v]) => Float64Array.of(v, 10 - 2 * v - 5 * y),
    exact: (t) => {
      const decay = Math.exp(-t);
      return Float64Array.of(2 + decay * (Math.cos(2 * t) + Math.sin(2 * t) / 2), decay * -2.5 * Math.sin(2 * t));
    },
  },
];

export function exactProblem(name: string): ExactProblem {
  const found = EXACT_PROBLEMS.find((problem) => problem.name === name);
  if (found === undefined) throw new Error(`no problem called ${name}`);
  return found;
}
