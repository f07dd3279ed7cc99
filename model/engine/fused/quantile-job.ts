/** Quantiles of many mixtures of normals as one job of the kernels. What they are quantiles of, and in which units, the caller knows. */
import { JobPlan, runJob } from './arena.ts';
import { QUANTILE_JOB } from './job.ts';
import type { Kernels } from './kernel-library.ts';

/** N rows of K components. In units in which a row's mean is near 0 and its deviation near 1, nothing is lost in floats. */
export interface MixtureRows {
  /** K ≥ 1 */
  readonly components: number;
  /** [N, K] */
  readonly means: Float32Array;
  /** [N, K] > 0 */
  readonly scales: Float32Array;
  /** [K] of all rows, or [N, K]; a row's add up to 1. */
  readonly weights: Float32Array;
}

/** [Q] of the levels asked. */
export interface QuantileLevels {
  /** The smaller of the level's two tails. */
  readonly tails: Float32Array;
  /** The standard normal's quantile of the level: below 0 where the lower tail is the smaller. */
  readonly probits: Float32Array;
}

/**
 * [N, Q] To 1e-5 of each mixture's deviation, or to 1e-6 of its tail where its density is next to nothing; NaN in rows with
 * numbers that are not finite, or with scales that are not above 0.
 */
export function rowQuantiles(
  kernels: Kernels,
  { components, means, scales, weights }: MixtureRows,
  { tails, probits }: QuantileLevels,
): Float32Array {
  const plan = new JobPlan();
  const [rows, levels] = [means.length / components, tails.length];
  const values = {
    rows,
    components,
    levels,
    means_at: plan.input(means),
    scales_at: plan.input(scales),
    weights_at: plan.input(weights),
    weights_step: weights.length === components ? 0 : components,
    tails_at: plan.input(tails),
    probits_at: plan.input(probits),
    out_at: plan.room(rows * levels),
  };
  runJob(kernels, plan, { operation: 'quantile', cells: QUANTILE_JOB, values });
  return kernels.floats.slice(values.out_at, values.out_at + rows * levels);
}
