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

/** An initial value problem whose exact solution nobody wrote down. */
export interface DetestProblem {
  readonly name: string;
  readonly y0: Float64Array;
  readonly slope: (t: number, y: Float64Array) => Float64Array;
}

function detest(
  name: string,
  y0: readonly number[],
  slope: (t: number, y: Float64Array) => readonly number[],
): DetestProblem {
  return { name, y0: Float64Array.from(y0), slope: (t, y) => Float64Array.from(slope(t, y)) };
}

const unit = (size: number): number[] => Array.from({ length: size }, (_, i) => (i === 0 ? 1 : 0));

/** y'ᵢ = yᵢ₋₁ − 2yᵢ + yᵢ₊₁ */
const diffusion = (_t: number, y: Float64Array): number[] =>
  Array.from(y, (value, i) => (y[i - 1] ?? 0) - 2 * value + (y[i + 1] ?? 0));

/** A radioactive chain: rate(i) is how fast the i-th decays into the next; the last does not decay. */
const chain =
  (rate: (i: number) => number) =>
  (_t: number, y: Float64Array): number[] =>
    Array.from(y, (value, i) => (i === 0 ? 0 : rate(i - 1) * y[i - 1]) - (i === y.length - 1 ? 0 : rate(i) * value));

/** Two bodies, relative motion, of the given eccentricity. */
function orbit(name: string, eccentricity: number): DetestProblem {
  const start = [1 - eccentricity, 0, 0, Math.sqrt((1 + eccentricity) / (1 - eccentricity))];
  return detest(name, start, (_t, [x, y, u, v]) => {
    const cube = (x * x + y * y) ** 1.5;
    return [u, v, -x / cube, -y / cube];
  });
}

/** Sun and five outer planets (C5): masses, then positions and velocities in astronomical units and hundreds of days. */
const GRAVITY = 2.95912208286;
const SUN = 1.00000597682;
const PLANETS = [0.000954786104043, 0.000285583733151, 0.0000437273164546, 0.0000517759138449, 0.00000277777777778];
const PLANETS_AT = [
  3.42947415189, 3.35386959711, 1.35494901715, 6.6414554255, 5.97156957878, 2.18231499728, 11.2630437207, 14.6952576794,
  6.27960525067, -30.1552268759, 1.65699966404, 1.43785752721, -21.123835338, 28.4465098142, 15.3882659679,
];
const PLANETS_BY = [
  -0.557160570446, 0.505696783289, 0.230578543901, -0.415570776342, 0.365682722812, 0.169143213293, -0.325325669158,
  0.189706021964, 0.087726532278, -0.024047625417, -0.287659532608, -0.117219543175, -0.176860753121, -0.216393453025,
  -0.014864789309,
];

/** Relative to the sun, which the planets pull along. */
function planets(_t: number, state: Float64Array): number[] {
  const at = (body: number, axis: number): number => state[3 * body + axis];
  const cube = (a: number, b?: number): number =>
    Math.hypot(...[0, 1, 2].map((axis) => at(a, axis) - (b === undefined ? 0 : at(b, axis)))) ** 3;
  const cubes = PLANETS.map((_, body) => cube(body));
  const acceleration = (body: number, axis: number): number => {
    const own = (-(SUN + PLANETS[body]) * at(body, axis)) / cubes[body];
    const others = PLANETS.map((mass, k) =>
      k === body ? 0 : mass * ((at(k, axis) - at(body, axis)) / cube(k, body) - at(k, axis) / cubes[k]),
    );
    return GRAVITY * others.reduce((sum, value) => sum + value, own);
  };
  return [...state.slice(15), ...PLANETS.flatMap((_, body) => [0, 1, 2].map((axis) => acceleration(body, axis)))];
}

/**
 * DETEST: the 25 non-stiff problems of Hull, Enright, Fellen and Sedgwick (SIAM J. Numer. Anal. 9, 1972), t from 0 to 20.
 * Classes: A single equations, B small systems, C moderate systems, D orbits, E higher order equations.
 */
export const DETEST: readonly DetestProblem[] = [
  detest('A1', [1], (_t, [y]) => [-y]),
  detest('A2', [1], (_t, [y]) => [-(y ** 3) / 2]),
  detest('A3', [1], (t, [y]) => [y * Math.cos(t)]),
  detest('A4', [1], (_t, [y]) => [(y / 4) * (1 - y / 20)]),
  detest('A5', [4], (t, [y]) => [(y - t) / (y + t)]),
  detest('B1', [1, 3], (_t, [a, b]) => [2 * (a - a * b), -(b - a * b)]),
  detest('B2', [2, 0, 1], (_t, [a, b, c]) => [-a + b, a - 2 * b + c, b - c]),
  detest('B3', [1, 0, 0], (_t, [a, b]) => [-a, a - b * b, b * b]),
  detest('B4', [3, 0, 0], (_t, [a, b, c]) => {
    const radius = Math.hypot(a, b);
    return [-b - (a * c) / radius, a - (b * c) / radius, a / radius];
  }),
  detest('B5', [0, 1, 1], (_t, [a, b, c]) => [b * c, -a * c, -0.51 * a * b]),
  detest(
    'C1',
    unit(10),
    chain(() => 1),
  ),
  detest(
    'C2',
    unit(10),
    chain((i) => i + 1),
  ),
  detest('C3', unit(10), diffusion),
  detest('C4', unit(51), diffusion),
  detest('C5', [...PLANETS_AT, ...PLANETS_BY], planets),
  orbit('D1', 0.1),
  orbit('D2', 0.3),
  orbit('D3', 0.5),
  orbit('D4', 0.7),
  orbit('D5', 0.9),
  // Bessel's equation of order one half, moved by one.
  detest('E1', [0.671396707141803, 0.09540051444747447], (t, [y, v]) => [
    v,
    -(v / (t + 1) + (1 - 0.25 / (t + 1) ** 2) * y),
  ]),
  detest('E2', [2, 0], (_t, [y, v]) => [v, (1 - y * y) * v - y]),
  detest('E3', [0, 0], (t, [y, v]) => [v, y ** 3 / 6 - y + 2 * Math.sin(2.78535 * t)]),
  detest('E4', [30, 0], (_t, [, v]) => [v, 0.032 - 0.4 * v * v]),
  detest('E5', [0, 0], (t, [, v]) => [v, Math.sqrt(1 + v * v) / (25 - t)]),
];
