/** The solver's algebra of states (`model/ode/state-space.ts`) over matrices on a device. */
import type { StateSpace } from '../../ode/state-space.ts';
import { type ToleranceOf, toleranceAt } from '../../ode/tolerance.ts';
import type { Matrix } from './matrix.ts';
import type { Ops } from './ops.ts';

export function tensorSpace(ops: Ops): StateSpace<Matrix> {
  return {
    residence: 'device',
    combine: (y, coefficients, terms) => (isCopy(coefficients) ? ops.copy(y) : ops.combine(y, coefficients, terms)),
    zeros: (like) => ops.upload(new Float32Array(like.rows * like.columns), like.rows, like.columns),
    // The numbers come to the host once a step: fewer operations than a norm on the device, and summed in f64.
    errorRatio: (error, y0, y1, rtol, atol) =>
      errorRatio(ops.download(error), ops.download(y0), ops.download(y1), rtol, atol),
    components: ({ rows, columns }) => rows * columns,
    isFinite: (state) => ops.download(state).every(Number.isFinite),
    dot: (a, b) => dot(ops.download(a), ops.download(b)),
    sameShape: (a, b) => a.rows === b.rows && a.columns === b.columns,
    scope: (work) => ops.scope(work),
    dispose: (state) => ops.release(state),
  };
}

const isCopy = (coefficients: readonly number[]): boolean => coefficients.every((c) => c === 0);

function errorRatio(
  error: Float32Array,
  y0: Float32Array,
  y1: Float32Array,
  rtol: ToleranceOf,
  atol: ToleranceOf,
): number {
  let sum = 0;
  for (let i = 0; i < error.length; i++) {
    const ratio = error[i] / (toleranceAt(atol, i) + toleranceAt(rtol, i) * Math.max(Math.abs(y0[i]), Math.abs(y1[i])));
    sum += ratio * ratio;
  }
  return Math.sqrt(sum / Math.max(1, error.length));
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
