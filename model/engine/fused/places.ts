/** Where between two knots a time lies. In f64: times far from 0 keep their fraction. */
import { MAX_KNOTS } from '../../latent/knots.ts';
import type { JobPlan } from './arena.ts';

/**
 * left_at: [N] the knot at or before each time, in units of the spacing, may be negative. u_at: [N] 0 ≤ u < 1 of the way to
 * the next.
 */
export function planPlaces(
  plan: JobPlan,
  times: Float64Array,
  spacing: number,
): { readonly left_at: number; readonly u_at: number } {
  const left_at = plan.filled(times.length, ({ ints }, at) => {
    for (let i = 0; i < times.length; i++) ints[at + i] = Math.floor(times[i] / spacing);
  });
  const u_at = plan.filled(times.length, ({ floats }, at) => {
    for (let i = 0; i < times.length; i++) floats[at + i] = times[i] / spacing - Math.floor(times[i] / spacing);
  });
  return { left_at, u_at };
}

/** Whether a time is too far for any solve. */
export function beyondReach(times: Float64Array, spacing: number): boolean {
  for (const time of times) {
    const left = Math.floor(time / spacing);
    if (left >= MAX_KNOTS || left < -MAX_KNOTS) return true;
  }
  return false;
}
