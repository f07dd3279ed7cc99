/** The solution inside an accepted step. */
import type { Method, OutputWeights, Segment } from './method.ts';
import type { StateSpace } from './state-space.ts';

/** Cubic Hermite interpolation (Hairer, Nørsett, Wanner II.6, eq. 6.7): both ends and their slopes. */
export function hermiteWeights(theta: number, h: number, endIndex: number): OutputWeights {
  const slopes = new Array<number>(endIndex + 1).fill(0);
  slopes[0] = h * theta * (1 - theta) * (1 - theta);
  slopes[endIndex] = h * theta * theta * (theta - 1);
  return { end: theta * theta * (3 - 2 * theta), slopes };
}

/** Slope i weighs h·Σₖ weights[i][k]·θᵏ⁺¹. */
export function polynomialWeights(weights: readonly (readonly number[])[], theta: number, h: number): OutputWeights {
  return { end: 0, slopes: weights.map((row) => h * row.reduceRight((sum, weight) => (sum + weight) * theta, 0)) };
}

/** y at t + θ·h. The segment must have been prepared for output. */
export function interpolate<S>(space: StateSpace<S>, method: Method, segment: Segment<S>, theta: number, into?: S): S {
  const { y, y1, slopes, h } = segment;
  if (theta <= 0) return space.combine(y, [], [], into);
  if (theta >= 1) return space.combine(y1, [], [], into);
  const weights = method.outputWeights(theta, h);
  return space.combine(y, [-weights.end, weights.end, ...weights.slopes], [y, y1, ...slopes], into);
}

/** y at t within the segment; its ends are met exactly. */
export function valueAt<S>(space: StateSpace<S>, method: Method, segment: Segment<S>, t: number, into?: S): S {
  const theta = t === segment.t1 ? 1 : (t - segment.t) / segment.h;
  return interpolate(space, method, segment, theta, into);
}

/** y at a time that the segments span. */
export function interpolateAt<S>(
  space: StateSpace<S>,
  method: Method,
  segments: readonly Segment<S>[],
  t: number,
  into?: S,
): S {
  return valueAt(space, method, segmentAt(segments, t), t, into);
}

/** The segment that holds t, by bisection; where the field jumps, the one after the jump. */
function segmentAt<S>(segments: readonly Segment<S>[], t: number): Segment<S> {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { h, t1 } = segments[middle];
    if (Math.sign(h) * (t - t1) <= 0) high = middle;
    else low = middle + 1;
  }
  return segments[low];
}

/** Frees segments that were handed over; neighbours share states. */
export function disposeSegments<S>(space: StateSpace<S>, segments: Segment<S>[]): void {
  const states = new Set(segments.splice(0).flatMap(({ y, y1, slopes }) => [y, y1, ...slopes]));
  for (const state of states) space.dispose(state);
}
