/** The solution inside an accepted step, at no extra evaluations. */
import type { Method, OutputWeights, Segment } from './method.ts';
import type { StateSpace } from './state-space.ts';

/** Cubic Hermite interpolation (Hairer, Nørsett, Wanner II.6, eq. 6.7): third order from both ends and their slopes. */
export function hermiteWeights(theta: number, h: number, stages: number): OutputWeights {
  const weights = new Array<number>(stages).fill(0);
  weights[0] = h * theta * (1 - theta) * (1 - theta);
  return { end: theta * theta * (3 - 2 * theta), stages: weights, endSlope: h * theta * theta * (theta - 1) };
}

/** y at t + θ·h. The segment's end slope must be there if the method needs it. */
export function interpolate<S>(space: StateSpace<S>, method: Method, segment: Segment<S>, theta: number, into?: S): S {
  const { y, y1, stages, endSlope } = segment;
  if (theta <= 0) return space.combine(y, [], [], into);
  if (theta >= 1) return space.combine(y1, [], [], into);
  const weights = method.outputWeights(theta, segment.h);
  const coefficients = [-weights.end, weights.end, ...weights.stages];
  const terms = [y, y1, ...stages];
  if (weights.endSlope !== 0 && endSlope !== undefined) {
    coefficients.push(weights.endSlope);
    terms.push(endSlope);
  }
  return space.combine(y, coefficients, terms, into);
}
