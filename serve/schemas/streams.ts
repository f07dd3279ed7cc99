/** Streams, series and observations as they are answered. */
import { z } from 'zod';
import { isoTime } from './common.ts';
import { modelRefSchema } from './forecast.ts';

const trainingSchema = z
  .object({
    state: z.enum(['waiting', 'training', 'idle']),
    steps: z.int(),
    windows: z.int(),
    lossCurve: z.array(z.tuple([z.number(), z.number()])).meta({ description: '[step, loss], oldest first' }),
    remainingMs: z.number().optional().meta({ description: 'Until the next artifact is expected' }),
  })
  .meta({ id: 'TrainingProgress' });

export const streamSchema = z
  .object({
    name: z.string(),
    channels: z.array(z.string()),
    windowMs: z.number().meta({ description: 'Longest context that a forecast reads' }),
    horizonMs: z.number().meta({ description: 'How far ahead the model is trained' }),
    simulated: z.boolean().meta({ description: 'Whether the truth of its series can be asked for' }),
    series: z.int(),
    observations: z.int(),
    firstEventTime: isoTime.nullable(),
    lastEventTime: isoTime.nullable(),
    freshnessMs: z.number().nullable().meta({ description: 'Age of the newest observation' }),
    revision: z.int().meta({ description: 'Grows whenever anything is stored' }),
    model: modelRefSchema.nullable(),
    training: trainingSchema.nullable(),
  })
  .meta({ id: 'Stream' });

export type StreamAnswer = z.output<typeof streamSchema>;

export const seriesSchema = z
  .object({ series: z.string(), observations: z.int(), firstTime: isoTime, lastTime: isoTime })
  .meta({ id: 'Series' });

export const observationsSchema = z
  .object({
    stream: z.string(),
    series: z.string(),
    observations: z
      .array(
        z.object({
          time: isoTime,
          values: z.record(z.string(), z.number().nullable()).meta({ description: 'null: not observed' }),
        }),
      )
      .meta({ description: 'Times ascending' }),
    next: z.string().nullable().meta({ description: 'The `cursor` of the next page; null: this is the last' }),
  })
  .meta({ id: 'Observations' });

export const truthSchema = z
  .object({
    stream: z.string(),
    series: z.string(),
    times: z.array(z.union([z.string(), z.number()])),
    channels: z.record(z.string(), z.array(z.number().nullable())),
  })
  .meta({ id: 'Truth' });
