/** The encoder's part of a job: a ragged context as it is, and what the encoder sees of time, from f64 to f32. */
import type { Ragged } from '../../latent/batch.ts';
import type { ModelSpec } from '../../latent/spec.ts';
import type { JobPlan } from './arena.ts';
import type { CellValues } from './job.ts';

/** Of what no kernel reads. */
const NOWHERE = 0;

export function planContext(plan: JobPlan, spec: ModelSpec, context: Ragged): CellValues {
  const { kind, clock } = spec.encoder;
  const gaps_at = clock === 'gap' || kind === 'ode-rnn' ? planGaps(plan, context) : NOWHERE;
  return {
    samples: context.offsets.length - 1,
    offsets_at: plan.input(context.offsets),
    values_at: plan.input(context.values),
    mask_at: plan.input(context.mask),
    clock_at: clock === 'gap' ? gaps_at : planElapsed(plan, context),
    gaps_at,
  };
}

/** [N] time to the sample's next observation, which is read before; 0 at its last. */
function planGaps(plan: JobPlan, { offsets, times }: Ragged): number {
  return plan.filled(times.length, ({ floats }, at) => {
    for (let b = 0; b + 1 < offsets.length; b++) {
      const last = offsets[b + 1] - 1;
      for (let row = offsets[b]; row < last; row++) floats[at + row] = times[row + 1] - times[row];
      if (last >= offsets[b]) floats[at + last] = 0;
    }
  });
}

/** [N] time since the sample's first observation. */
function planElapsed(plan: JobPlan, { offsets, times }: Ragged): number {
  return plan.filled(times.length, ({ floats }, at) => {
    for (let b = 0; b + 1 < offsets.length; b++) {
      const start = times[offsets[b]];
      for (let row = offsets[b]; row < offsets[b + 1]; row++) floats[at + row] = times[row] - start;
    }
  });
}
