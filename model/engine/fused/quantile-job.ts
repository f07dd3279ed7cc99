/** Quantiles of many mixtures of normals as one job of the kernels. */
import type { MixtureRows, QuantileLevels } from '../quantile.ts';
import { JobPlan, runJob } from './arena.ts';
import { QUANTILE_JOB } from './job.ts';
import type { Kernels } from './kernel-library.ts';

/** [N, Q], as `RowQuantiles` says. */
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
