/** The observation model: a Gaussian a channel, its parameters from the decoder's output. On the host, in f64. */
import type { Ragged } from './batch.ts';
import { LOG_SCALE_BOUND, softClamp, softClampSlope } from './soft-clamp.ts';

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

export interface Likelihood {
  /** −Σ log p over observed entries, nats, mean over the K samples. */
  readonly negativeLog: number;
  /** [K·N, 2D] d negativeLog / d output, times `weight`. */
  readonly cotangent: Float32Array;
}

/** How many entries of the targets were observed. */
export function countObserved(targets: Ragged): number {
  let count = 0;
  for (const m of targets.mask) count += m;
  return count;
}

/**
 * @param output [K·N, 2D] mean, then raw log σ, of each channel
 * @param weight factor on the cotangent, e.g. one over the number of entries
 */
export function gaussianLikelihood(output: Float32Array, targets: Ragged, samples: number, weight: number): Likelihood {
  const d = targets.channels;
  const cotangent = new Float32Array(output.length);
  const entries = targets.mask.length;
  const share = weight / samples;
  let sum = 0;
  for (let i = 0; i < entries * samples; i++) {
    const entry = i % entries;
    if (targets.mask[entry] === 0) continue;
    const at = 2 * d * Math.floor(i / d) + (i % d);
    const logScale = softClamp(output[at + d], LOG_SCALE_BOUND);
    const z = (targets.values[entry] - output[at]) * Math.exp(-logScale);
    sum += 0.5 * z * z + logScale + HALF_LOG_TWO_PI;
    cotangent[at] = -share * z * Math.exp(-logScale);
    cotangent[at + d] = share * (1 - z * z) * softClampSlope(logScale, LOG_SCALE_BOUND);
  }
  return { negativeLog: sum / samples, cotangent };
}

export interface Observables {
  /** [N, D] */
  readonly mean: Float32Array;
  /** [N, D] σ > 0 */
  readonly scale: Float32Array;
}

/** Mean and σ of each row of the decoder's output [N, 2D]. */
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
