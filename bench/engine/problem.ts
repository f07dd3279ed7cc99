/**
 * What every contestant computes, as numbers that all of them make by themselves: `bench/peers/engine/problem.py` once more.
 * A stream of numbers of unit variance: √3·(2u − 1), u the finaliser of MurmurHash3 over the index, divided by 2³².
 */
import type { Ragged, TrainingBatch } from '../../model/latent/batch.ts';
import { parameterLayout } from '../../model/latent/layout.ts';
import type { ModelSpec, SolverMethod } from '../../model/latent/spec.ts';

export const BATCH = 128;
export const FIELDS = {
  '4x20': { latent: 4, units: 20 },
  '16x64': { latent: 16, units: 64 },
  '32x128': { latent: 32, units: 128 },
} as const;
export type FieldName = keyof typeof FIELDS;
export const FIELD_NAMES: readonly FieldName[] = ['4x20', '16x64', '32x128'];

export const STEP = 1 / 20;
export const FORWARD_STEPS = 100;
export const GRADIENT_STEPS = 20;

export const TIMES = 100;
export const SPACING = 1 / 32;
/** Of the spirals with adaptive steps. */
export const TOLERANCE = 1e-3;

/** [count] the stream's numbers. */
export function stream(number: number, count: number, scale = 1): Float32Array {
  const seed = (Math.imul(number, 0x85ebca77) + 1) >>> 0;
  return Float32Array.from({ length: count }, (_, i) => Math.fround(Math.sqrt(3) * (2 * uniform(i, seed) - 1)) * scale);
}

function uniform(index: number, seed: number): number {
  let bits = (Math.imul(index, 0x9e3779b1) + seed) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}

export interface FieldProblem {
  /** W₁ [L, H], b₁, W₂ [H, L], b₂, one after the other. */
  readonly parameters: Float32Array;
  /** [B, L] */
  readonly z0: Float32Array;
}

/** f(z) = tanh(z·W₁ + b₁)·W₂ + b₂; the gain is of the matrices. */
export function fieldProblem(name: FieldName, gain: number): FieldProblem {
  const { latent, units } = FIELDS[name];
  const parts = [
    stream(1, latent * units, gain / Math.sqrt(latent)),
    stream(2, units, 0.1),
    stream(3, units * latent, gain / Math.sqrt(units)),
    stream(4, latent, 0.1),
  ];
  return { parameters: Float32Array.from(parts.flatMap((part) => [...part])), z0: stream(5, BATCH * latent) };
}

/** The latent ODE of the spirals (Chen et al. 2018), with a knot at each time. */
export function spiralsSpec(
  method: SolverMethod,
  gradient: ModelSpec['solver']['gradient'] = 'checkpointed',
): ModelSpec {
  return {
    channels: ['x', 'y'],
    latentSize: 4,
    encoder: { kind: 'gru', units: 25, clock: 'gap' },
    dynamics: { units: 20, depth: 2, periodsMs: [] },
    decoder: { units: 20, likelihood: 'gaussian' },
    solver: { method, knotSpacing: SPACING, rtol: TOLERANCE, atol: TOLERANCE, gradient },
    timescaleMs: 1000,
  };
}

/** [P] weights of variance 1 / fan-in, biases a tenth of unit variance. */
export function spiralsParameters(spec: ModelSpec): Float32Array {
  const { blocks, size } = parameterLayout(spec);
  const parameters = stream(6, size);
  for (const { shape, offset, size: length } of blocks) {
    const scale = shape.length === 1 ? 0.1 : 1 / Math.sqrt(shape[0]);
    for (let i = offset; i < offset + length; i++) parameters[i] *= scale;
  }
  return parameters;
}

/** Observations at 0, 1, … spacings; the last a hair earlier, so that no step beyond it is asked for. */
export function observed(samples: number, times = TIMES): Ragged {
  const rows = samples * times;
  return {
    channels: 2,
    offsets: Int32Array.from({ length: samples + 1 }, (_, b) => b * times),
    times: Float64Array.from({ length: rows }, (_, i) => timeAt(i % times, times) * SPACING),
    values: stream(7, rows * 2),
    mask: new Uint8Array(rows * 2).fill(1),
  };
}

const timeAt = (index: number, times: number): number => (index === times - 1 ? index * (1 - 1e-9) : index);

export interface BatchShape {
  readonly samples?: number;
  /** That the encoder reads. */
  readonly observations?: number;
  /** That the loss counts. */
  readonly times?: number;
  /** K */
  readonly draws?: number;
}

export function spiralsBatch(
  { latentSize }: ModelSpec,
  { samples = BATCH, observations = TIMES, times = TIMES, draws = 1 }: BatchShape = {},
): TrainingBatch {
  return {
    context: observed(samples, observations),
    targets: observed(samples, times),
    origins: new Float64Array(samples),
    noise: stream(8, draws * samples * latentSize),
    beta: 1,
  };
}
