/**
 * Quantiles of a forecast's many mixtures at once: each row in units of its own mean and deviation, as the floats of an engine
 * want it, and back. One mixture in doubles, whatever its components' laws: `mixture.ts`.
 */
import type { MixtureRows, QuantileLevels, RowQuantiles } from './engine/quantile.ts';
import { type Mixture, mixtureQuantile, uniformWeights } from './mixture.ts';

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
  const frames = framesOf(batch);
  const found = find(standardRows(batch, frames), quantileLevels(probabilities));
  const quantiles = new Float64Array(found.length);
  const levels = probabilities.length;
  for (let row = 0, at = 0; at < found.length; row++) {
    const { mean, deviation } = frames[row];
    for (const end = at + levels; at < end; at++) quantiles[at] = mean + deviation * found[at];
  }
  return quantiles;
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

/** Mean and deviation of each row: without a view a row, of which a forecast would make thousands. */
function framesOf({ means, scales, weights, components }: MixtureBatch): Frame[] {
  const shared = weights.length === components;
  return Array.from({ length: means.length / components }, (_, row) => {
    const [from, to] = [row * components, (row + 1) * components];
    const first = shared ? -from : 0;
    let [mean, variance] = [0, 0];
    for (let i = from; i < to; i++) mean += weights[first + i] * means[i];
    for (let i = from; i < to; i++) variance += weights[first + i] * (scales[i] ** 2 + (means[i] - mean) ** 2);
    return { mean, deviation: Math.sqrt(variance) };
  });
}

function standardRows({ means, scales, weights, components }: MixtureBatch, frames: readonly Frame[]): MixtureRows {
  const standard = { means: new Float32Array(means.length), scales: new Float32Array(scales.length) };
  frames.forEach(({ mean, deviation }, row) => {
    const unit = 1 / deviation;
    for (let i = row * components; i < (row + 1) * components; i++) {
      standard.means[i] = (means[i] - mean) * unit;
      standard.scales[i] = scales[i] * unit;
    }
  });
  return { ...standard, weights: Float32Array.from(weights), components };
}
