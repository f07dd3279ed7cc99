/** A trainer's state as one safetensors blob and back, so that a restart goes on where training was. */
import { z } from 'zod';
import { describeIssues, joinTensors, parameterTensors, parseJson } from '../artifact.ts';
import { normalisationSchema, specSchema } from '../artifact-schema.ts';
import { ModelError } from '../errors.ts';
import type { ModelSpec } from '../latent/spec.ts';
import { decodeTensors, encodeTensors, type Tensor } from '../safetensors.ts';
import type { TrainerState } from './state.ts';

const KEY = 'odecast.checkpoint';
const count = z.int().min(0);

const lossCurveSchema = z.strictObject({
  points: z.array(z.tuple([z.number(), z.number()])).max(10_000),
  stride: z.int().min(1),
  sum: z.number(),
  count,
});

const basisSchema = z.strictObject({
  normalisation: normalisationSchema,
  normalisedOn: count,
  rule: z.enum(['series', 'time']),
  cut: z.number().exactOptional(),
  trainedThrough: z.number(),
});

const stateSchema = z.strictObject({
  spec: specSchema,
  seed: z.number(),
  generation: count,
  step: count,
  steps: count,
  skipped: count,
  skippedInARow: count,
  windows: count,
  seconds: z.number().min(0),
  lossCurve: lossCurveSchema,
  basis: basisSchema.exactOptional(),
  adamStep: count,
});

/** The vectors of a state, by the prefix of their tensors. */
const VECTORS = ['parameters/', 'average/', 'adam.mean/', 'adam.square/'] as const;

export function encodeCheckpoint(state: TrainerState): Uint8Array {
  const { parameters, average, adam, ...rest } = state;
  const vectors = [parameters, average, adam.mean, adam.square];
  const tensors = VECTORS.flatMap((prefix, i) => parameterTensors(state.spec, vectors[i], prefix));
  return encodeTensors({ metadata: { [KEY]: JSON.stringify({ ...rest, adamStep: adam.step }) }, tensors });
}

/** @throws ModelError with a code `artifact-…` for anything but a whole checkpoint */
export function decodeCheckpoint(bytes: Uint8Array): TrainerState {
  const { metadata, tensors } = decodeTensors(bytes);
  const parsed = stateSchema.safeParse(parseJson(metadata[KEY]));
  if (!parsed.success)
    throw new ModelError('artifact-invalid', `the checkpoint is refused: ${describeIssues(parsed.error)}`);
  const { adamStep, ...state } = parsed.data;
  const [parameters, average, mean, square] = VECTORS.map((prefix) => vectorOf(state.spec, tensors, prefix));
  return { ...state, parameters, average, adam: { step: adamStep, mean, square } };
}

function vectorOf(spec: ModelSpec, tensors: readonly Tensor[], prefix: string): Float32Array {
  const vector = joinTensors(
    spec,
    tensors.filter((t) => t.name.startsWith(prefix)),
    prefix,
  );
  if (!vector.every(Number.isFinite))
    throw new ModelError('artifact-invalid', `the checkpoint’s ${prefix} is not finite`);
  return vector;
}
