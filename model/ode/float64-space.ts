/** States as `Float64Array`s on the host, updated in place: after its first step a solve allocates no array. */
import { factorize } from './dense-lu.ts';
import type { Linearization, StateSpace } from './state-space.ts';

type Vector = Float64Array;

/** out = base + c·k, one pass for one term and for two: most of a solve is spent here, and passes are what costs. */
function add1(out: Vector, base: Vector, c: number, k: Vector): void {
  for (let i = 0; i < out.length; i++) out[i] = base[i] + c * k[i];
}

function add2(out: Vector, base: Vector, c: number, k: Vector, d: number, l: Vector): void {
  for (let i = 0; i < out.length; i++) out[i] = base[i] + c * k[i] + d * l[i];
}

function combine(y: Vector, coefficients: readonly number[], terms: readonly Vector[], into?: Vector): Vector {
  const out = into ?? new Float64Array(y.length);
  const count = coefficients.length;
  let base = y;
  let held = -1;
  for (let i = 0; i < count; i++) {
    if (coefficients[i] === 0) continue;
    if (held < 0) {
      held = i;
      continue;
    }
    add2(out, base, coefficients[held], terms[held], coefficients[i], terms[i]);
    base = out;
    held = -1;
  }
  if (held >= 0) add1(out, base, coefficients[held], terms[held]);
  else if (base !== out) out.set(y);
  return out;
}

function errorRatio(error: Float64Array, y0: Float64Array, y1: Float64Array, rtol: number, atol: number): number {
  let sum = 0;
  for (let i = 0; i < error.length; i++) {
    const ratio = error[i] / (atol + rtol * Math.max(Math.abs(y0[i]), Math.abs(y1[i])));
    sum += ratio * ratio;
  }
  return error.length === 0 ? 0 : Math.sqrt(sum / error.length);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function isFiniteState(state: Float64Array): boolean {
  for (let i = 0; i < state.length; i++) if (!Number.isFinite(state[i])) return false;
  return true;
}

const SQRT_EPSILON = Math.sqrt(Number.EPSILON);

/** ∂f/∂y by forward differences, one evaluation a component. Row-major. */
function jacobian(f: (y: Vector) => Vector, y: Vector, slope: Vector): Vector {
  const n = y.length;
  const matrix = new Float64Array(n * n);
  const moved = y.slice();
  for (let j = 0; j < n; j++) {
    moved[j] = y[j] + SQRT_EPSILON * Math.max(Math.abs(y[j]), 1e-4);
    const step = moved[j] - y[j];
    const ahead = f(moved);
    for (let i = 0; i < n; i++) matrix[i * n + j] = (ahead[i] - slope[i]) / step;
    moved[j] = y[j];
  }
  return matrix;
}

function linearize(f: (y: Vector) => Vector, y: Vector, slope: Vector): Linearization<Vector> {
  const n = y.length;
  const matrix = jacobian(f, y, slope);
  return {
    shifted: (scale) =>
      factorize(
        matrix.map((value, i) => (i % (n + 1) === 0 ? 1 : 0) - scale * value),
        n,
      ),
  };
}

export const float64Space: StateSpace<Float64Array> = {
  residence: 'host',
  combine,
  zeros: (like) => new Float64Array(like.length),
  errorRatio,
  isFinite: isFiniteState,
  dot,
  sameShape: (a, b) => a.length === b.length,
  scope: (work) => work(),
  dispose: () => {},
  linearize,
};
