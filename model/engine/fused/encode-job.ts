/** Posteriors of contexts as one job of the kernels. */
import type { Posterior, Ragged } from '../../latent/batch.ts';
import type { ModelSpec } from '../../latent/spec.ts';
import { JobPlan, runJob } from './arena.ts';
import { planContext } from './context-part.ts';
import { ENCODE_JOB } from './job.ts';
import type { Kernels } from './kernel-library.ts';
import { type ModelTables, planModel } from './model-cells.ts';

export function encodeContexts(
  kernels: Kernels,
  spec: ModelSpec,
  tables: ModelTables,
  parameters: Float32Array,
  context: Ragged,
): Posterior {
  const plan = new JobPlan();
  const size = (context.offsets.length - 1) * spec.latentSize;
  const values = {
    model: planModel(plan, kernels, tables, parameters),
    context: planContext(plan, spec, context),
    mean_at: plan.room(size),
    log_variance_at: plan.room(size),
  };
  runJob(kernels, plan, { operation: 'encode', cells: ENCODE_JOB, values });
  const part = (at: number) => kernels.floats.slice(at, at + size);
  return { mean: part(values.mean_at), logVariance: part(values.log_variance_at) };
}
