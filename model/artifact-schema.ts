/** What an artifact's header must look like, checked where a blob enters; inside, its types are trusted. */

import { z } from 'zod';
import type { ArtifactHeader, Calibration, EvaluationRecord, Normalisation, Scores } from './artifact-format.ts';
import {
  type DecoderSpec,
  type EncoderSpec,
  GRADIENT_MODES,
  GRADIENTS_THROUGH,
  MAX_DEGREES_OF_FREEDOM,
  type ModelSpec,
  SOLVER_METHODS,
  type SolverSpec,
} from './latent/spec.ts';

/** Far above what a CPU can serve; a header beyond them is an attack or an accident. */
const MAX = {
  channels: 256,
  units: 4096,
  depth: 16,
  driftSteps: 64,
  periods: 32,
  curve: 100_000,
  observations: 1_000_000,
} as const;

const count = z.int().min(0);
const positive = z.number().positive();
const units = z.int().min(1).max(MAX.units);
const label = z.string().min(1).max(200);

const recurrent = { units, clock: z.enum(['gap', 'elapsed']) };
const encoderSchema: z.ZodType<EncoderSpec> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('gru'), ...recurrent }),
  z.strictObject({
    kind: z.literal('ode-rnn'),
    ...recurrent,
    drift: z.strictObject({ units, steps: z.int().min(1).max(MAX.driftSteps) }),
  }),
]);

const decoderSchema: z.ZodType<DecoderSpec> = z.discriminatedUnion('likelihood', [
  z.strictObject({ units, likelihood: z.literal('gaussian') }),
  z.strictObject({
    units,
    likelihood: z.literal('student-t'),
    degreesOfFreedom: z.number().gt(2).max(MAX_DEGREES_OF_FREEDOM),
  }),
]);

const solverSchema: z.ZodType<SolverSpec> = z
  .strictObject({
    method: z.enum(SOLVER_METHODS),
    knotSpacing: positive,
    rtol: positive,
    atol: positive,
    gradient: z.enum(GRADIENT_MODES),
  })
  .refine(
    ({ method, gradient }) => GRADIENTS_THROUGH[method].includes(gradient),
    'no such gradient through this method',
  );

export const specSchema: z.ZodType<ModelSpec> = z.strictObject({
  channels: z.array(label).min(1).max(MAX.channels),
  latentSize: units,
  encoder: encoderSchema,
  dynamics: z.strictObject({
    units,
    depth: z.int().min(1).max(MAX.depth),
    periodsMs: z.array(positive).max(MAX.periods),
  }),
  decoder: decoderSchema,
  solver: solverSchema,
  timescaleMs: positive,
});

export const normalisationSchema: z.ZodType<Normalisation> = z.strictObject({
  channels: z.array(
    z.strictObject({
      location: z.number(),
      scale: positive,
      support: z.strictObject({ min: z.number().exactOptional() }).exactOptional(),
    }),
  ),
  instance: z.strictObject({ shrinkage: z.number().min(0) }).exactOptional(),
});

const calibrationSchema: z.ZodType<Calibration> = z
  .strictObject({
    levels: z.array(z.number().gt(0).lt(1)).min(1).max(99),
    leadEndsMs: z.array(positive).max(1000),
    factors: z.array(z.array(z.array(positive))),
  })
  .refine((c) => ascending(c.levels) && ascending(c.leadEndsMs), 'levels and lead ends must ascend')
  .refine((c) => c.factors.length === c.leadEndsMs.length + 1, 'one table of factors a lead bin')
  .refine((c) => c.factors.flat().every((row) => row.length === c.levels.length), 'one factor a level');

const byLevel = z.record(z.string(), z.number());
const scoresSchema: z.ZodType<Scores> = z.strictObject({
  rmse: z.number(),
  mae: z.number(),
  mase: z.number(),
  crps: z.number(),
  coverage: byLevel,
  uncalibratedCoverage: byLevel.exactOptional(),
  width: byLevel,
  count,
});

const baselines = z.record(z.string(), z.strictObject({ rmse: z.number(), mae: z.number(), crps: z.number() }));
const evaluationSchema: z.ZodType<EvaluationRecord> = z.strictObject({
  interpolation: scoresSchema,
  extrapolation: scoresSchema,
  baselines,
  interpolationBaselines: baselines.exactOptional(),
  windows: count,
});

export const headerSchema: z.ZodType<ArtifactHeader> = z
  .strictObject({
    format: z.literal(1),
    stream: label,
    version: z.string().regex(/^\d{8}T\d{9}Z-[0-9a-f]{8}$/),
    createdAt: z.number(),
    spec: specSchema,
    normalisation: normalisationSchema,
    calibration: calibrationSchema,
    window: z.strictObject({
      contextMs: positive,
      maxObservations: z.int().min(1).max(MAX.observations),
      horizonMs: positive,
    }),
    training: z.strictObject({
      seed: z.number(),
      steps: count,
      windows: count,
      seconds: z.number().min(0),
      engine: z.string(),
      gradient: z.enum(GRADIENT_MODES),
      lossCurve: z.array(z.tuple([z.number(), z.number()])).max(MAX.curve),
    }),
    evaluation: evaluationSchema,
    trainedThrough: z.number(),
    positions: z.array(z.strictObject({ topic: label, partition: count, next: count })),
  })
  .refine((h) => h.normalisation.channels.length === h.spec.channels.length, 'one normalisation a channel')
  .refine(
    (h) => h.calibration.factors.every((bin) => bin.length === h.spec.channels.length),
    'one row of calibration factors a channel',
  );

function ascending(values: readonly number[]): boolean {
  return values.every((v, i) => i === 0 || v > values[i - 1]);
}
