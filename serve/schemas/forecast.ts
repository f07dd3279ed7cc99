/** The forecast query and its answer. */
import { z } from 'zod';
import type { Limits } from '../app-parts.ts';
import { durationSchema, isoTime, knownFields, timeSchema } from './common.ts';

export const DEFAULT_QUANTILES = [0.05, 0.5, 0.95];
export const DEFAULT_SAMPLES = 32;
/** Points of a `horizon` that is given without `step` and `points`. */
export const DEFAULT_POINTS = 32;
const MAX_QUANTILES = 99;

const historyRow = knownFields({
  time: timeSchema,
  values: z
    .record(z.string(), z.number().nullable())
    .meta({ description: 'Values by channel; null or absent: not observed' }),
}).meta({ id: 'HistoryRow' });

export function forecastQuerySchema(limits: Limits) {
  return knownFields({
    stream: z.string().meta({ description: 'Name of the stream' }),
    series: z.string().min(1).optional().meta({ description: 'The series; optional where `history` is given' }),
    times: z
      .array(timeSchema)
      .min(1, 'must hold at least one time')
      .optional()
      .meta({ description: `Times in any order, at most ${limits.timesPerQuery}; answered in the same order` }),
    from: timeSchema.optional().meta({ description: 'With `to` and `step`: a regular grid' }),
    to: timeSchema.optional().meta({ description: 'Last time of the grid, included where it is on it' }),
    step: durationSchema.optional().meta({ description: 'Of the grid, or between the points of `horizon`' }),
    horizon: durationSchema.optional().meta({ description: 'How far past the last event used' }),
    points: z
      .int()
      .min(1)
      .optional()
      .meta({
        description: `Equally spaced points of \`horizon\` where no \`step\` is given; default ${DEFAULT_POINTS}`,
      }),
    quantiles: z
      .array(z.number().gt(0, 'must lie between 0 and 1').lt(1, 'must lie between 0 and 1'))
      .max(MAX_QUANTILES)
      .default(DEFAULT_QUANTILES),
    samples: z
      .int()
      .min(1)
      .max(limits.samples)
      .default(DEFAULT_SAMPLES)
      .meta({ description: 'Posterior samples that the answer is computed from' }),
    returnSamples: z.boolean().default(false).meta({ description: 'Whether the sampled paths are wanted too' }),
    channels: z.array(z.string()).min(1).optional().meta({ description: 'Default: all, in the order of the stream' }),
    history: z
      .array(historyRow)
      .min(1, 'must hold at least one observation')
      .optional()
      .meta({ description: 'Forecast from these observations instead of what is stored' }),
    asOf: timeSchema.optional().meta({ description: 'Answer as if no event after this time had been seen' }),
    maxStalenessMs: z
      .number()
      .min(0)
      .optional()
      .meta({ description: 'Refuse (409) where the newest event is older than this, counted from now or from `asOf`' }),
  }).meta({ id: 'ForecastQuery' });
}

export type ForecastInput = z.output<ReturnType<typeof forecastQuerySchema>>;

export function forecastBatchSchema(limits: Limits) {
  return knownFields({
    queries: z
      .array(z.unknown())
      .min(1, 'must hold at least one query')
      .meta({ description: `At most ${limits.queriesPerBatch} forecast queries` }),
  });
}

const numbers = z.array(z.number());

const channelForecastSchema = z
  .object({
    mean: numbers,
    quantiles: z.record(z.string(), numbers).meta({ description: 'By quantile as asked, e.g. "0.05"' }),
    samples: z.array(numbers).optional().meta({ description: '[sample][time] of the mean path' }),
  })
  .meta({ id: 'ChannelForecast' });

export const modelRefSchema = z
  .object({ version: z.string(), alias: z.string(), trainedThrough: isoTime, engine: z.string() })
  .meta({ id: 'ModelRef' });

export const forecastAnswerSchema = z
  .object({
    stream: z.string(),
    series: z.string().nullable().meta({ description: 'null where only `history` was given' }),
    times: z.array(z.union([z.string(), z.number()])).meta({ description: 'As they were asked' }),
    kind: z.array(z.enum(['interpolation', 'extrapolation'])),
    channels: z.record(z.string(), channelForecastSchema),
    model: modelRefSchema,
    lastEventTime: isoTime,
    observationsUsed: z.int(),
    solver: z.object({
      functionEvaluations: z.int(),
      steps: z.int(),
      status: z.enum(['success', 'max-steps', 'min-step', 'non-finite']),
    }),
    warnings: z
      .array(
        z.object({
          code: z.enum(['beyond-reach', 'numerical-failure']),
          detail: z.string(),
          times: z.array(z.int()).meta({ description: 'Indices into `times`' }),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Forecast' });

export type ForecastAnswer = z.output<typeof forecastAnswerSchema>;
