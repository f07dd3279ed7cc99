/** States as `Float64Array`s on the host, updated in place: after its first step a solve allocates no array. */
import { denseLinearization } from './dense-jacobian.ts';
import { Float64Stages, type Measure } from './float64-stages.ts';
import type { StateSpace } from './state-space.ts';
import { type Tolerance, toleranceAt } from './tolerance.ts';

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

/** How a space measures an error; absent: plain rms. Each array has one entry a component. */
export interface HostNorm {
  readonly kind?: 'rms' | 'max';
  /** How much each component's error counts. */
  readonly weights?: ArrayLike<number>;
  /** Multiples of the controller's rtol and atol for each component. */
  readonly rtolScale?: ArrayLike<number>;
  readonly atolScale?: ArrayLike<number>;
}

function measureRms(error: Vector, y0: Vector, y1: Vector, tolerance: Tolerance, result: { ratio: number }): void {
  const { rtol, atol } = tolerance;
  if (typeof rtol !== 'number' || typeof atol !== 'number') {
    measureEach(error, y0, y1, tolerance, result);
    return;
  }
  let sum = 0;
  for (let i = 0; i < error.length; i++) {
    const ratio = error[i] / (atol + rtol * Math.max(Math.abs(y0[i]), Math.abs(y1[i])));
    sum += ratio * ratio;
  }
  result.ratio = error.length === 0 ? 0 : Math.sqrt(sum / error.length);
}

const measureEach = createMeasure({});

function createMeasure({ kind = 'rms', weights, rtolScale, atolScale }: HostNorm): Measure {
  return (error, y0, y1, { rtol, atol }, result) => {
    let worst = 0;
    let sum = 0;
    for (let i = 0; i < error.length; i++) {
      const size = Math.max(Math.abs(y0[i]), Math.abs(y1[i]));
      const absolute = toleranceAt(atol, i) * (atolScale?.[i] ?? 1);
      const ratio =
        (Math.abs(error[i]) * (weights?.[i] ?? 1)) / (absolute + toleranceAt(rtol, i) * (rtolScale?.[i] ?? 1) * size);
      // Math.max keeps a NaN, as a sum does.
      worst = Math.max(worst, ratio);
      sum += ratio * ratio;
    }
    result.ratio = kind === 'max' ? worst : Math.sqrt(sum / Math.max(1, error.length));
  };
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

function spaceWith(measure: Measure): StateSpace<Float64Array> {
  return {
    residence: 'host',
    combine,
    zeros: (like) => new Float64Array(like.length),
    errorRatio: (error, y0, y1, rtol, atol) => {
      const result = { ratio: 0 };
      measure(error, y0, y1, { rtol, atol }, result);
      return result.ratio;
    },
    isFinite: isFiniteState,
    components: (state) => state.length,
    dot,
    sameShape: (a, b) => a.length === b.length,
    scope: (work) => work(),
    dispose: () => {},
    createStages: (table, like) => new Float64Stages(table, like.length, measure),
    createLinearization: (like) => denseLinearization(like.length),
  };
}

export const float64Space: StateSpace<Float64Array> = spaceWith(measureRms);

/** `float64Space` with another norm: the largest component, weights, tolerances of each component's own. */
export function float64SpaceWith(norm: HostNorm): StateSpace<Float64Array> {
  return spaceWith(createMeasure(norm));
}
