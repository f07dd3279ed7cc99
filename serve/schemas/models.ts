/** Versions of a model as they are answered: what the artifact's header tells, less what only the forecaster needs. */
import { z } from 'zod';
import { isoTime } from './common.ts';

const ratios = z.record(z.string(), z.number()).readonly();

const scores = z
  .object({
    rmse: z.number(),
    mae: z.number(),
    mase: z.number(),
    crps: z.number(),
    coverage: ratios.meta({ description: 'Share of held-out values inside the interval, by level' }),
    width: ratios.meta({ description: 'Mean width of the interval, by level, in scales of the channel' }),
    count: z.int(),
  })
  .readonly()
  .meta({ id: 'Scores' });

const baseline = z.object({ rmse: z.number(), mae: z.number(), crps: z.number() }).readonly();

export const modelSchema = z
  .object({
    version: z.string(),
    aliases: z.array(z.enum(['champion', 'challenger', 'previous'])),
    createdAt: isoTime,
    trainedThrough: isoTime.meta({ description: 'Event time of the newest observation it has learnt' }),
    window: z.object({ contextMs: z.number(), maxObservations: z.int(), horizonMs: z.number() }).readonly(),
    latentSize: z.int(),
    solver: z
      .object({
        method: z.string(),
        knotSpacing: z.number(),
        rtol: z.number(),
        atol: z.number(),
        gradient: z.string(),
      })
      .readonly(),
    training: z.object({
      seed: z.int(),
      steps: z.int(),
      windows: z.int(),
      seconds: z.number(),
      engine: z.string(),
      gradient: z.string(),
      lossCurve: z.array(z.tuple([z.number(), z.number()])).meta({ description: '[step, loss], oldest first' }),
    }),
    evaluation: z
      .object({
        interpolation: scores,
        extrapolation: scores,
        baselines: z.record(z.string(), baseline).readonly(),
        windows: z.int(),
      })
      .readonly(),
  })
  .meta({ id: 'Model' });

export type ModelAnswer = z.output<typeof modelSchema>;

export const modelsSchema = z.object({
  stream: z.string(),
  live: z.string().nullable().meta({ description: 'The version that answers now' }),
  models: z.array(modelSchema),
});
