/**
 * The Dormand–Prince pair as one would write it for a single use: every stage spelled out, buffers made once, the integral
 * controller of `solve`'s `integral()`, no options, nothing saved but the end. The measure of what the library's generality
 * costs, and the same steps to rounding.
 */
import type { PlanarProblem } from './planar-problems.ts';

type Field = PlanarProblem['evaluate'];
type Vector = ReturnType<Float64Array['slice']>;

export interface HandWrittenResult {
  readonly y: Float64Array;
  readonly steps: number;
}

export function handWrittenDopri5(
  f: Field,
  y0: Float64Array,
  end: number,
  tolerance: number,
  firstStep: number,
): HandWrittenResult {
  const n = y0.length;
  const make = (): Vector => new Float64Array(n);
  const [k2, k3, k4, k5, k6, w] = [make(), make(), make(), make(), make(), make()];
  let [y, y1, k1, k7] = [y0.slice(), make(), make(), make()];
  let [t, length, steps, rejected] = [0, firstStep, 0, false];
  f(0, y, null, k1);
  while (t < end) {
    const last = length * 1.01 >= end - t;
    const t1 = last ? end : t + length;
    const h = t1 - t;
    for (let i = 0; i < n; i++) w[i] = y[i] + h * (k1[i] / 5);
    f(t + h / 5, w, null, k2);
    for (let i = 0; i < n; i++) w[i] = y[i] + h * ((3 / 40) * k1[i] + (9 / 40) * k2[i]);
    f(t + 0.3 * h, w, null, k3);
    for (let i = 0; i < n; i++) w[i] = y[i] + h * ((44 / 45) * k1[i] - (56 / 15) * k2[i] + (32 / 9) * k3[i]);
    f(t + 0.8 * h, w, null, k4);
    for (let i = 0; i < n; i++)
      w[i] =
        y[i] + h * ((19372 / 6561) * k1[i] - (25360 / 2187) * k2[i] + (64448 / 6561) * k3[i] - (212 / 729) * k4[i]);
    f(t + (8 / 9) * h, w, null, k5);
    for (let i = 0; i < n; i++)
      w[i] =
        y[i] +
        h *
          ((9017 / 3168) * k1[i] -
            (355 / 33) * k2[i] +
            (46732 / 5247) * k3[i] +
            (49 / 176) * k4[i] -
            (5103 / 18656) * k5[i]);
    f(t1, w, null, k6);
    for (let i = 0; i < n; i++)
      y1[i] =
        y[i] +
        h *
          ((35 / 384) * k1[i] + (500 / 1113) * k3[i] + (125 / 192) * k4[i] - (2187 / 6784) * k5[i] + (11 / 84) * k6[i]);
    f(t1, y1, null, k7);
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const error =
        h *
        ((71 / 57600) * k1[i] -
          (71 / 16695) * k3[i] +
          (71 / 1920) * k4[i] -
          (17253 / 339200) * k5[i] +
          (22 / 525) * k6[i] -
          (1 / 40) * k7[i]);
      const ratio = error / (tolerance + tolerance * Math.max(Math.abs(y[i]), Math.abs(y1[i])));
      sum += ratio * ratio;
    }
    const ratio = Math.sqrt(sum / n);
    const factor = 0.9 * Math.max(ratio, 1e-10) ** -0.2;
    if (ratio <= 1) {
      t = t1;
      [y, y1, k1, k7] = [y1, y, k7, k1];
      length = h * Math.min(rejected ? 1 : 10, Math.max(0.2, factor));
      rejected = false;
      steps++;
    } else {
      length = h * Math.max(0.2, factor);
      rejected = true;
    }
  }
  return { y, steps };
}
