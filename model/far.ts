/**
 * How a forecast ends. Up to the trained horizon the model's word stands. From there to the reach the predictive
 * distribution goes over smoothly into the long-run distribution of the series, and no quantile's distance from the median
 * ever shrinks: what is said of a time is at least as uncertain as what is said of any time between the horizon and it.
 * Distances are taken on a fixed grid of leads, so that the answer at a time does not depend on the other times asked.
 */

import { NORMAL } from './law.ts';
import type { LongRun } from './long-run.ts';
import { lawsOf, type Mixture } from './mixture.ts';

/** The path is integrated to so many horizons from the data. */
export const REACH_HORIZONS = 4;
const GRID_STEPS = 24;

/** [G+1] ms from the data: horizon … reach. */
export function farLeads(horizonMs: number): number[] {
  const span = (REACH_HORIZONS - 1) * horizonMs;
  return Array.from({ length: GRID_STEPS + 1 }, (_, i) => horizonMs + (i / GRID_STEPS) * span);
}

/** The weight of the long-run distribution: 0 up to the horizon, 1 from the reach on, its slope 0 at both ends. */
export function longRunWeight(leadMs: number, horizonMs: number): number {
  const share = (leadMs - horizonMs) / ((REACH_HORIZONS - 1) * horizonMs);
  const x = Math.min(Math.max(share, 0), 1);
  return x * x * (3 - 2 * x);
}

/** The mixture with the long-run normal as one more component. */
export function blend(mixture: Mixture, longRun: LongRun, weight: number): Mixture {
  if (weight === 0) return mixture;
  const { weights, means, scales, laws } = mixture;
  const shares = appended(weights, weight);
  for (let k = 0; k < weights.length; k++) shares[k] *= 1 - weight;
  return {
    weights: shares,
    means: appended(means, longRun.mean),
    scales: appended(scales, longRun.scale),
    ...(laws && { laws: [...lawsOf(mixture), NORMAL] }),
  };
}

function appended(values: Float64Array, last: number): Float64Array {
  const all = new Float64Array(values.length + 1);
  all.set(values);
  all[values.length] = last;
  return all;
}

/**
 * A factor that narrows must not narrow the long-run distribution, which is the series' own; one that widens is kept, or
 * the interval would shrink on the way.
 */
export function farFactor(factor: number, weight: number): number {
  return factor >= 1 ? factor : factor + (1 - factor) * weight;
}

/** The largest distance so far, a grid lead. */
export function envelope(distances: readonly number[]): number[] {
  let most = 0;
  return distances.map((d) => {
    most = Math.max(most, d);
    return most;
  });
}

/** @param values at `farLeads`; linear between, the last one from the reach on */
export function onGrid(values: readonly number[], leadMs: number, horizonMs: number): number {
  const place = ((leadMs - horizonMs) / ((REACH_HORIZONS - 1) * horizonMs)) * GRID_STEPS;
  const below = Math.min(Math.max(Math.floor(place), 0), GRID_STEPS);
  const above = Math.min(below + 1, GRID_STEPS);
  return values[below] + Math.min(place - below, 1) * (values[above] - values[below]);
}
