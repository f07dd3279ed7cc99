/** States as `Float64Array`s on the host, updated in place: after its first step a solve allocates no array. */
import type { StateSpace } from './state-space.ts';

function accumulate(out: Float64Array, coefficient: number, term: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] += coefficient * term[i];
}

function combine(
  y: Float64Array,
  coefficients: readonly number[],
  terms: readonly Float64Array[],
  into?: Float64Array,
): Float64Array {
  const out = into ?? new Float64Array(y.length);
  if (out !== y) out.set(y);
  for (let i = 0; i < coefficients.length; i++) {
    if (coefficients[i] !== 0) accumulate(out, coefficients[i], terms[i]);
  }
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
};
