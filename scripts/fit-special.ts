/**
 * Where the coefficients in `model/kernels/special.h` and `tanh-table.h` come from: minimax fits, in doubles, of a polynomial
 * or a rational function to a function given as data below. Coefficients become floats one at a time, each refit without the
 * ones that are fixed by then, so that the last ones make up for the rounding of the first.
 *
 * Run by hand: npx tsx scripts/fit-special.ts [name …]. What a kernel's error is, in floats, the tests measure.
 */

import { pathToFileURL } from 'node:url';

type Term = (x: number) => number;

interface Fit {
  /** (fixed(x) + Σ pᵢ·numerator[i](x)) / (1 + Σ qⱼ·denominator[j](x)) ≈ target(x) */
  readonly numerator: readonly Term[];
  readonly denominator: readonly Term[];
  readonly fixed: Term;
  readonly target: Term;
  /** The error is measured as a share of this. */
  readonly size: Term;
  readonly from: number;
  readonly to: number;
}

interface Solution {
  /** p, then q */
  readonly coefficients: readonly number[];
  /** The largest error, as a share of `size`. */
  readonly error: number;
}

const GRID = 800;
const ROUNDS = 400;

/**
 * Lawson's iteration: least squares whose weights grow where the error is large, until it is as large everywhere; a denominator
 * is divided out by its last value (Sanathanan & Koerner).
 */
function fitMinimax(fit: Fit): Solution {
  const grid = chebyshevPoints(GRID, fit.from, fit.to);
  const n = fit.numerator.length;
  const table = grid.map((x) => tabulate(fit, x));
  const weights = new Float64Array(GRID).fill(1);
  const below = new Float64Array(GRID).fill(1);
  let best: Solution = { coefficients: [], error: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS; round++) {
    const rows = table.map(({ row }, i) => row.map((v) => (v * Math.sqrt(weights[i])) / below[i]));
    const coefficients = leastSquares(rows);
    const errors = table.map(({ row }, i) => {
      below[i] = 1 + fit.denominator.reduce((sum, term, j) => sum + coefficients[n + j] * term(grid[i]), 0);
      return Math.abs(row.reduce((sum, v, j) => sum + v * (coefficients[j] ?? -1), 0) / below[i]);
    });
    const error = Math.max(...errors);
    if (error < best.error) best = { coefficients, error };
    let total = 0;
    for (let i = 0; i < GRID; i++) total += weights[i] *= errors[i];
    for (let i = 0; i < GRID; i++) weights[i] *= GRID / total;
  }
  return best;
}

/** Of the equation Σ p·numerator − target·Σ q·denominator = target − fixed, all as shares of the size. */
function tabulate({ numerator, denominator, fixed, target, size }: Fit, x: number): { row: number[] } {
  const [aim, unit] = [target(x), 1 / size(x)];
  const above = numerator.map((term) => term(x) * unit);
  const under = denominator.map((term) => -aim * term(x) * unit);
  return { row: [...above, ...under, (aim - fixed(x)) * unit] };
}

/** By Householder reflections; the last column is the right side. */
function leastSquares(rows: number[][]): number[] {
  const n = rows[0].length - 1;
  for (let k = 0; k < n; k++) reflect(rows, k);
  const solution = new Array<number>(n).fill(0);
  for (let k = n - 1; k >= 0; k--) {
    let rest = rows[k][n];
    for (let j = k + 1; j < n; j++) rest -= rows[k][j] * solution[j];
    solution[k] = rest / rows[k][k];
  }
  return solution;
}

function reflect(rows: number[][], k: number): void {
  let norm = 0;
  for (let i = k; i < rows.length; i++) norm += rows[i][k] ** 2;
  norm = rows[k][k] > 0 ? -Math.sqrt(norm) : Math.sqrt(norm);
  const normal = rows.map((row, i) => (i < k ? 0 : row[k]));
  normal[k] -= norm;
  const length = normal.reduce((sum, v) => sum + v * v, 0);
  if (length === 0) return;
  for (let j = k; j < rows[0].length; j++) {
    let dot = 0;
    for (let i = k; i < rows.length; i++) dot += normal[i] * rows[i][j];
    for (let i = k; i < rows.length; i++) rows[i][j] -= (2 * dot * normal[i]) / length;
  }
}

/** With the coefficients rounded to floats, the first of numerator and denominator first. */
function fitInFloats(fit: Fit): Solution {
  const n = fit.numerator.length;
  const total = n + fit.denominator.length;
  const order = Array.from({ length: total }, (_, i) => i).sort((a, b) => (a % n) - (b % n) || a - b);
  const fixed = new Map<number, number>();
  for (const next of order) {
    const free = order.filter((i) => !fixed.has(i));
    const { coefficients } = fitMinimax(withFixed(fit, fixed));
    const sorted = [...free].sort((a, b) => a - b);
    fixed.set(next, Math.fround(coefficients[sorted.indexOf(next)]));
  }
  const coefficients = Array.from({ length: total }, (_, i) => fixed.get(i) ?? 0);
  return { coefficients, error: worstError(fit, coefficients) };
}

/** The fit of what the fixed coefficients leave, both sides times the denominator's fixed part's share. */
function withFixed(fit: Fit, fixed: ReadonlyMap<number, number>): Fit {
  const n = fit.numerator.length;
  const sum = (terms: readonly Term[], offset: number) => (x: number) =>
    terms.reduce((total, term, i) => total + (fixed.get(i + offset) ?? 0) * term(x), 0);
  const [above, below] = [sum(fit.numerator, 0), sum(fit.denominator, n)];
  const scaled = (term: Term) => (x: number) => term(x) / (1 + below(x));
  return {
    ...fit,
    numerator: fit.numerator.filter((_, i) => !fixed.has(i)).map(scaled),
    denominator: fit.denominator.filter((_, j) => !fixed.has(j + n)).map(scaled),
    fixed: scaled((x) => fit.fixed(x) + above(x)),
  };
}

function worstError(fit: Fit, coefficients: readonly number[]): number {
  const n = fit.numerator.length;
  const errors = chebyshevPoints(4 * GRID, fit.from, fit.to).map((x) => {
    const above = fit.numerator.reduce((sum, term, i) => sum + coefficients[i] * term(x), fit.fixed(x));
    const below = fit.denominator.reduce((sum, term, j) => sum + coefficients[n + j] * term(x), 1);
    return Math.abs((above / below - fit.target(x)) / fit.size(x));
  });
  return Math.max(...errors);
}

function chebyshevPoints(count: number, from: number, to: number): number[] {
  return Array.from(
    { length: count },
    (_, i) => (from + to) / 2 - ((to - from) / 2) * Math.cos((Math.PI * i) / (count - 1)),
  );
}

const power =
  (n: number): Term =>
  (x) =>
    x ** n;
const powers = (from: number, to: number, step: number) =>
  Array.from({ length: (to - from) / step + 1 }, (_, i) => power(from + i * step));

const TINY = 1e-3;

/** P(Z > a)·e^(a²/2) of a standard normal: its series, and beyond 3 Laplace's continued fraction. */
export function scaledTail(a: number): number {
  if (a > 3) {
    let fraction = a;
    for (let k = 60; k > 0; k--) fraction = a + k / fraction;
    return 1 / fraction / Math.sqrt(2 * Math.PI);
  }
  let [term, sum] = [a, a];
  for (let k = 1; k < 60; k++) {
    term *= (a * a) / (2 * k + 1);
    sum += term;
  }
  return Math.exp((a * a) / 2) / 2 - sum / Math.sqrt(2 * Math.PI);
}

const FITS: Readonly<Record<string, Fit>> = {
  /** eʳ = 1 + r + r²·P(r) */
  exp: {
    numerator: powers(2, 6, 1),
    denominator: [],
    fixed: (r) => 1 + r,
    target: Math.exp,
    size: Math.exp,
    from: -Math.LN2 / 2,
    to: Math.LN2 / 2,
  },
  /** 2·tanh(x/2) = x·(1 + x²·A(x²)) / (1 + x²·B(x²)); in tanh x a share of its error counts as one cosh x-th of that */
  tanh: {
    numerator: powers(3, 5, 2),
    denominator: powers(2, 6, 2),
    fixed: (x) => x,
    target: (x) => 2 * Math.tanh(x / 2),
    size: (x) => 2 * Math.tanh(x / 2) * Math.min(Math.cosh(x), 3000),
    from: TINY,
    to: 9,
  },
  /** log(1 + f) = f − f²/2 + f³·P(f) */
  log: {
    numerator: powers(3, 10, 1),
    denominator: [],
    fixed: (f) => f - f * f * 0.5,
    target: Math.log1p,
    size: (f) => Math.abs(Math.log1p(f)) + 1e-9,
    from: Math.SQRT1_2 - 1,
    to: Math.SQRT2 - 1,
  },
  /** P(Z > a)·e^(a²/2) = (½ + a·P(a)) / (1 + a·Q(a)) */
  tail: {
    numerator: powers(1, 4, 1),
    denominator: powers(1, 5, 1),
    fixed: () => 0.5,
    target: scaledTail,
    size: scaledTail,
    from: 0,
    to: 13.2,
  },
  /** sin 2πr = 2πr + r³·S(r²) */
  sine: {
    numerator: powers(3, 7, 2),
    denominator: [],
    fixed: (r) => 2 * Math.PI * r,
    target: (r) => Math.sin(2 * Math.PI * r),
    size: (r) => Math.sin(2 * Math.PI * r),
    from: TINY,
    to: 1 / 8,
  },
  /** cos 2πr = 1 + r²·C(r²) */
  cosine: {
    numerator: powers(2, 8, 2),
    denominator: [],
    fixed: () => 1,
    target: (r) => Math.cos(2 * Math.PI * r),
    size: () => 1,
    from: 0,
    to: 1 / 8,
  },
};

/**
 * |x| is in part k where SCALE·|x| + ½ is: eight parts to a power of two, from ½ on, so that they are the wider the flatter tanh
 * is. In each, tanh is a polynomial of |x|; the last, from 8.4 on, is 1.
 */
const PARTS = 32;
const PARTS_A_DOUBLING = 8;
const SCALE = 5 / 6;
const DEGREE = 4;

function beginningOf(part: number): number {
  const [doublings, rest] = [Math.floor(part / PARTS_A_DOUBLING), part % PARTS_A_DOUBLING];
  return ((2 ** doublings * (1 + rest / PARTS_A_DOUBLING)) / 2 - 1 / 2) / SCALE;
}

/** The first is x and a small rest. */
function tanhPart(k: number): Fit {
  const first = k === 0;
  return {
    numerator: powers(first ? 2 : 0, DEGREE, 1),
    denominator: [],
    fixed: (x) => (first ? x : 0),
    target: Math.tanh,
    size: Math.tanh,
    from: first ? TINY : beginningOf(k),
    to: beginningOf(k + 1),
  };
}

/** [degree + 1] */
function tanhCoefficients(k: number): readonly number[] {
  if (k === PARTS - 1) return [1, 0, 0, 0, 0];
  const { coefficients } = fitInFloats(tanhPart(k));
  return k === 0 ? [0, 1, ...coefficients] : coefficients;
}

/** [degree + 1][parts]: the coefficients of each power in all parts. */
function tanhTable(): number[][] {
  const parts = Array.from({ length: PARTS }, (_, k) => tanhCoefficients(k));
  return Array.from({ length: DEGREE + 1 }, (_, power) => parts.map((part) => part[power]));
}

function printTable(): void {
  for (const row of tanhTable()) console.log(`    {${row.map(float).join(', ')}},`);
}

const float = (v: number) => `${Math.fround(v).toPrecision(9)}f`;

function printFit(name: string): void {
  const best = fitMinimax(FITS[name]);
  const { coefficients, error } = fitInFloats(FITS[name]);
  const n = FITS[name].numerator.length;
  console.log(`${name}: error 2^${Math.log2(best.error).toFixed(2)}, in floats 2^${Math.log2(error).toFixed(2)}`);
  console.log('  p', coefficients.slice(0, n).map(float).join(', '));
  if (coefficients.length > n) console.log('  q', coefficients.slice(n).map(float).join(', '));
}

function main(names: readonly string[]): void {
  for (const name of names) {
    if (name === 'tanh-table') printTable();
    else printFit(name);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  main(process.argv.length > 2 ? process.argv.slice(2) : [...Object.keys(FITS), 'tanh-table']);
}
