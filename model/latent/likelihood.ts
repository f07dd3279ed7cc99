/** The observation model: a Gaussian or a Student-t a channel, its parameters from the decoder's output. On the host, in f64. */
import type { Ragged } from './batch.ts';
import { logGamma } from './log-gamma.ts';
import { LOG_SCALE_BOUND, softClamp, softClampSlope } from './soft-clamp.ts';
import type { DecoderSpec } from './spec.ts';

/**
 * The constant of log p (nats): log p(x) = logNormaliser − log s − shape(z), z = (x − m)/s, where shape is ½z² for a
 * Gaussian and (ν + 1)/2·log(1 + z²/ν) for a Student-t.
 */
export function logNormaliser(decoder: DecoderSpec): number {
  if (decoder.likelihood === 'gaussian') return -0.5 * Math.log(2 * Math.PI);
  const nu = decoder.degreesOfFreedom;
  return logGamma((nu + 1) / 2) - logGamma(nu / 2) - 0.5 * Math.log(nu * Math.PI);
}

/** What a density is made of, as functions of z². */
interface Shape {
  /** −log of the density's core. */
  value(square: number): number;
  /** d value / dz divided by z. */
  slope(square: number): number;
}

function shapeOf(decoder: DecoderSpec): Shape {
  if (decoder.likelihood === 'gaussian') return { value: (square) => 0.5 * square, slope: () => 1 };
  const nu = decoder.degreesOfFreedom;
  return {
    value: (square) => 0.5 * (nu + 1) * Math.log1p(square / nu),
    slope: (square) => (nu + 1) / (nu + square),
  };
}

/** How many entries of the targets were observed. */
export function countObserved(targets: Ragged): number {
  const { mask } = targets;
  let count = 0;
  for (let i = 0, entries = mask.length; i < entries; i++) count += mask[i];
  return count;
}

/** The decoder's output for the targets of K posterior samples. */
export interface DecodedTargets {
  readonly decoder: DecoderSpec;
  /** [K, N, 2D] mean, then raw log scale, of each channel. */
  readonly output: Float32Array;
  readonly targets: Ragged;
}

/** [K, B] −Σ log p(x|z) over the observed entries of each trajectory, nats. */
export function negativeLogLikelihoods({ decoder, output, targets }: DecodedTargets): Float64Array {
  const { value } = shapeOf(decoder);
  const constant = logNormaliser(decoder);
  const sums = new Float64Array(trajectories(output, targets));
  eachObserved(output, targets, (at, trajectory, x) => {
    const logScale = softClamp(output[at + targets.channels], LOG_SCALE_BOUND);
    const z = (x - output[at]) * Math.exp(-logScale);
    sums[trajectory] += value(z * z) + logScale - constant;
  });
  return sums;
}

/**
 * [K, N, 2D] d / d output of Σ weightᵢ·(−log p) over trajectories.
 *
 * @param weights [K, B]
 */
export function likelihoodCotangent(
  { decoder, output, targets }: DecodedTargets,
  weights: ArrayLike<number>,
): Float32Array {
  const { slope } = shapeOf(decoder);
  const d = targets.channels;
  const cotangent = new Float32Array(output.length);
  eachObserved(output, targets, (at, trajectory, x) => {
    const logScale = softClamp(output[at + d], LOG_SCALE_BOUND);
    const z = (x - output[at]) * Math.exp(-logScale);
    const pull = slope(z * z) * z;
    cotangent[at] = -weights[trajectory] * pull * Math.exp(-logScale);
    cotangent[at + d] = weights[trajectory] * (1 - z * pull) * softClampSlope(logScale, LOG_SCALE_BOUND);
  });
  return cotangent;
}

/** K·B; none where there are no targets, because then nothing was decoded. */
function trajectories(output: Float32Array, { times, channels, offsets }: Ragged): number {
  const draws = times.length === 0 ? 0 : output.length / (2 * channels * times.length);
  return draws * (offsets.length - 1);
}

/** `at` is where the entry's mean lies in the output; its raw log scale lies D further. */
type Visit = (at: number, trajectory: number, value: number) => void;

function eachObserved(output: Float32Array, targets: Ragged, visit: Visit): void {
  const { channels: d, offsets, times, values, mask } = targets;
  const batch = offsets.length - 1;
  const copies = trajectories(output, targets);
  for (let trajectory = 0; trajectory < copies; trajectory++) {
    const b = trajectory % batch;
    const shift = ((trajectory - b) / batch) * times.length;
    for (let row = offsets[b]; row < offsets[b + 1]; row++) {
      const start = 2 * d * (shift + row);
      for (let c = 0; c < d; c++) if (mask[row * d + c] === 1) visit(start + c, trajectory, values[row * d + c]);
    }
  }
}

export interface Observables {
  /** [N, D] */
  readonly mean: Float32Array;
  /** [N, D] s > 0 */
  readonly scale: Float32Array;
}

/** Mean and scale of each row of the decoder's output [N, 2D]. */
export function observables(output: Float32Array, channels: number): Observables {
  const size = output.length / 2;
  const mean = new Float32Array(size);
  const scale = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const at = 2 * channels * Math.floor(i / channels) + (i % channels);
    mean[i] = output[at];
    scale[i] = Math.exp(softClamp(output[at + channels], LOG_SCALE_BOUND));
  }
  return { mean, scale };
}
