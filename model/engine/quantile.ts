/** Quantiles of many mixtures of normals at once, in floats: the part of a forecast that an engine can do besides the model. */

/** N rows of K components. In units in which a row's mean is near 0 and its deviation near 1, nothing is lost in floats. */
export interface MixtureRows {
  /** K ≥ 1 */
  readonly components: number;
  /** [N, K] */
  readonly means: Float32Array;
  /** [N, K] > 0 */
  readonly scales: Float32Array;
  /** [K] of all rows, or [N, K]; a row's add up to 1. */
  readonly weights: Float32Array;
}

/** [Q] of the levels asked. */
export interface QuantileLevels {
  /** The smaller of the level's two tails. */
  readonly tails: Float32Array;
  /** The standard normal's quantile of the level: below 0 where the lower tail is the smaller. */
  readonly probits: Float32Array;
}

/**
 * [N, Q] To 1e-5 of each mixture's deviation, or to 1e-5 of the tail where the density is next to nothing; NaN in rows with
 * numbers that are not finite or scales that are not above 0.
 */
export type RowQuantiles = (rows: MixtureRows, levels: QuantileLevels) => Float32Array;
