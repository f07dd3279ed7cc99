/** What several solver tests share: short ways to solve a problem, errors, and central differences. */
import { float64Space, noParameters, type SolveOptions, type VectorField } from '../../../model/ode/index.ts';
import type { ExactProblem } from '../../problems.ts';

export type HostOptions = SolveOptions<Float64Array, null>;

/** The problem's field, start and span, ready for `solve`. */
export function optionsFor(problem: ExactProblem, [t0, t1] = [problem.t0, problem.t1]) {
  const field = { evaluate: problem.slope };
  return { space: float64Space, field, parameters: null, parameterSpace: noParameters, y0: problem.exact(t0), t0, t1 };
}

export function linspace(from: number, to: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));
}

/** max |a − b| / max(1, |b|) over components; NaN if any is. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.max(0, ...Array.from(a, (value, i) => Math.abs(value - b[i]) / Math.max(1, Math.abs(b[i]))));
}

/** ∂f/∂x by central differences with one Richardson step: error O(δ⁴). */
export function differences(f: (x: Float64Array) => number, x: Float64Array, delta = 1e-3): Float64Array {
  const slope = (i: number, step: number): number => (f(bumped(x, i, step)) - f(bumped(x, i, -step))) / (2 * step);
  return x.map((_, i) => (4 * slope(i, delta / 2) - slope(i, delta)) / 3);
}

function bumped(x: Float64Array, i: number, step: number): Float64Array {
  return x.map((value, j) => (j === i ? value + step : value));
}

/**
 * A field of two components that depends on time, is not linear in y, and whose six parameters all matter:
 * tanh(W y + b·sin t) with W row-major, then b.
 */
export const neuralField: VectorField<Float64Array, Float64Array> = {
  evaluate: (t, y, p, into = new Float64Array(2)) => {
    for (let i = 0; i < 2; i++) into[i] = Math.tanh(activation(i, t, y, p));
    return into;
  },
  vjp: (t, y, p, g) => {
    const h = [0, 1].map((i) => g[i] * (1 - Math.tanh(activation(i, t, y, p)) ** 2));
    return {
      y: Float64Array.of(h[0] * p[0] + h[1] * p[2], h[0] * p[1] + h[1] * p[3]),
      parameters: Float64Array.of(
        h[0] * y[0],
        h[0] * y[1],
        h[1] * y[0],
        h[1] * y[1],
        h[0] * Math.sin(t),
        h[1] * Math.sin(t),
      ),
    };
  },
};

function activation(i: number, t: number, y: Float64Array, p: Float64Array): number {
  return p[2 * i] * y[0] + p[2 * i + 1] * y[1] + p[4 + i] * Math.sin(t);
}
