/**
 * Quantiles of a forecast's many mixtures at once: each row in units of its own mean and deviation, as the floats of an engine
 * want it, and back. One mixture in doubles, whatever its components' laws: `mixture.ts`.
 */
import type { MixtureRows, QuantileLevels, RowQuantiles } from './engine/quantile.ts';
import { type Mixture, mixtureDeviation, mixtureMean, mixtureQuantile, uniformWeights } from './mixture.ts';

/** N rows of K normal components. */
export interface MixtureBatch {
  /** [N, K], as a prediction holds them */
  readonly means: Float64Array;
  /** [N, K] > 0 */
  readonly scales: Float64Array;
  /** [K] of all rows, or [N, K]; a row's add up to 1. */
  readonly weights: Float64Array;
  /** K ≥ 1 */
  readonly components: number;
}

const STANDARD_NORMAL: Mixture = {
  weights: uniformWeights(1),
  means: Float64Array.of(0),
  scales: Float64Array.of(1),
};

/**
 * [N, Q] by `find`, which an engine brings.
 * @param probabilities [Q] between 0 and 1, no nearer to them than 1e-30
 */
export function mixtureQuantiles(
  batch: MixtureBatch,
  probabilities: readonly number[],
  find: RowQuantiles,
): Float64Array {
  const frames = Array.from({ length: batch.means.length / batch.components }, (_, row) => frameOf(batch, row));
  const found = find(standardRows(batch, frames), quantileLevels(probabilities));
  return Float64Array.from(found, (z, i) => {
    const { mean, deviation } = frames[Math.floor(i / probabilities.length)];
    return mean + deviation * z;
  });
}

export function quantileLevels(probabilities: readonly number[]): QuantileLevels {
  return {
    tails: Float32Array.from(probabilities, (p) => Math.min(p, 1 - p)),
    probits: Float32Array.from(probabilities, (p) => mixtureQuantile(STANDARD_NORMAL, p)),
  };
}

interface Frame {
  readonly mean: number;
  readonly deviation: number;
}

function frameOf(batch: MixtureBatch, row: number): Frame {
  const mixture = rowOf(batch, row);
  return { mean: mixtureMean(mixture), deviation: mixtureDeviation(mixture) };
}

function rowOf({ means, scales, weights, components }: MixtureBatch, row: number): Mixture {
  const part = (all: Float64Array) => all.subarray(row * components, (row + 1) * components);
  return {
    means: part(means),
    scales: part(scales),
    weights: weights.length === components ? weights : part(weights),
  };
}

function standardRows({ means, scales, weights, components }: MixtureBatch, frames: readonly Frame[]): MixtureRows {
  const standard = { means: new Float32Array(means.length), scales: new Float32Array(scales.length) };
  frames.forEach(({ mean, deviation }, row) => {
    for (let i = row * components; i < (row + 1) * components; i++) {
      standard.means[i] = (means[i] - mean) / deviation;
      standard.scales[i] = scales[i] / deviation;
    }
  });
  return { ...standard, weights: Float32Array.from(weights), components };
}
