/** What an engine is asked in one call, from windows to distributions at any times, and what it answers. No units but the model's. */
import type { Decoded, Posterior, Ragged, SolveStatus } from './batch.ts';

/** K paths from one posterior, read at the same times. */
export interface PathQuery {
  /** Which posterior the paths start from: of the request's contexts in their order, then of its known ones. */
  readonly posterior: number;
  /** Event time (ms) of model time 0. */
  readonly origin: number;
  /** [T] model time, negative allowed (solved backwards in time). */
  readonly times: Float64Array;
  /** [K, L] standard normal draws, at least one. */
  readonly noise: Float32Array;
}

export interface PathRequest {
  /** Contexts whose posteriors are to be found. May have no samples; else each has an observation. */
  readonly context: Ragged;
  /** Posteriors that were found before. */
  readonly known: Posterior;
  readonly queries: readonly PathQuery[];
}

/** Of one query. */
export interface PathAnswer {
  /** [T, D, K] normalised. NaN only where a path's status is not `success`. */
  readonly mean: Float32Array;
  /** [T, D, K] the decoder's scale. */
  readonly scale: Float32Array;
  /** [K] */
  readonly status: readonly SolveStatus[];
  /** Of the longest of its paths; where an engine solves all as one batch, of that. */
  readonly statistics: Pick<Decoded['statistics'], 'functionEvaluations' | 'steps'>;
}

export interface PathAnswers {
  /** Of the request's contexts. */
  readonly posterior: Posterior;
  /** In the order of the queries. */
  readonly answers: readonly PathAnswer[];
}

export const NO_POSTERIOR: Posterior = { mean: new Float32Array(), logVariance: new Float32Array() };
