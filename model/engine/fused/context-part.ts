/** The encoder's part of a job: a ragged context as it is, and what the encoder sees of time, from f64 to f32. */
import type { Ragged } from '../../latent/batch.ts';
import type { ModelSpec } from '../../latent/spec.ts';
import type { JobPlan } from './arena.ts';
import type { CellValues } from './job.ts';

export function planContext(plan: JobPlan, spec: ModelSpec, context: Ragged): CellValues {
  const { offsets, times } = context;
  const gaps = gapsOf(offsets, times);
  return {
    samples: offsets.length - 1,
    offsets_at: plan.input(offsets),
    values_at: plan.input(context.values),
    mask_at: plan.input(context.mask),
    clock_at: plan.input(spec.encoder.clock === 'gap' ? gaps : elapsedOf(offsets, times)),
    gaps_at: plan.input(gaps),
  };
}

/** [N] time to the sample's next observation, which is read before; 0 at its last. */
function gapsOf(offsets: Int32Array, times: Float64Array): Float32Array {
  const gaps = new Float32Array(times.length);
  for (let b = 0; b + 1 < offsets.length; b++) {
    for (let row = offsets[b]; row + 1 < offsets[b + 1]; row++) gaps[row] = times[row + 1] - times[row];
  }
  return gaps;
}

/** [N] time since the sample's first observation. */
function elapsedOf(offsets: Int32Array, times: Float64Array): Float32Array {
  const elapsed = new Float32Array(times.length);
  for (let b = 0; b + 1 < offsets.length; b++) {
    for (let row = offsets[b]; row < offsets[b + 1]; row++) elapsed[row] = times[row] - times[offsets[b]];
  }
  return elapsed;
}
