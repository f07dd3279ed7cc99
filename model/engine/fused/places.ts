/** Where between two knots a time lies. In f64: times far from 0 keep their fraction. */
import type { Ragged } from '../../latent/batch.ts';
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
  const u_at = plan.room(times.length);
  const left_at = plan.filled(times.length, ({ ints, floats }, at) => {
    for (let i = 0; i < times.length; i++) {
      const place = times[i] / spacing;
      const left = Math.floor(place);
      ints[at + i] = left;
      floats[u_at + i] = place - left;
    }
  });
  return { left_at, u_at };
}

/** Whether a sample's last row is too far for any solve. Rows are sorted by time, none is before model time 0. */
export function beyondReach({ offsets, times }: Pick<Ragged, 'offsets' | 'times'>, spacing: number): boolean {
  for (let b = 0; b + 1 < offsets.length; b++) {
    if (offsets[b] === offsets[b + 1]) continue;
    if (Math.floor(times[offsets[b + 1] - 1] / spacing) >= MAX_KNOTS) return true;
  }
  return false;
}
