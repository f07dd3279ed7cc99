/** What is asked of a model and what it answers, free of HTTP and of stores. */
import type { Window } from '../ingest/window.ts';
import type { SolveStatus } from './latent/batch.ts';

/** What is known of one series. A store's series, an inline history and a file's rows all are one. */
export interface History {
  /** First and last event time, ms; undefined if there is nothing. */
  readonly bounds: { readonly first: number; readonly last: number } | undefined;
  /** Observations of [from, to], at most `limit`, the newest (or oldest) kept. One sample. */
  window(query: { from?: number; to?: number; limit?: number; keep?: 'newest' | 'oldest' }): Window;
}

export interface ForecastQuery {
  /** ms since the epoch, in any order, duplicates allowed. */
  readonly times: readonly number[];
  /** Quantiles in (0, 1). */
  readonly quantiles: readonly number[];
  /** K posterior samples. */
  readonly samples: number;
  /** Whether the K sampled mean paths are wanted too. */
  readonly returnSamples?: boolean;
}

export interface ChannelForecast {
  /** [T] */
  readonly mean: Float64Array;
  /** [Q][T] in the order of the asked quantiles. */
  readonly quantiles: readonly Float64Array[];
  /** [K][T] */
  readonly samples?: readonly Float64Array[];
}

export interface Forecast {
  /** [T] `interpolation` from the first to the last observation used, else `extrapolation`. */
  readonly kind: readonly ('interpolation' | 'extrapolation')[];
  /** [D] in the order of the model's channels. All finite when the status is `success`. */
  readonly channels: readonly ChannelForecast[];
  readonly lastEventTime: number;
  readonly observationsUsed: number;
  readonly solver: { readonly functionEvaluations: number; readonly steps: number; readonly status: SolveStatus };
  /**
   * [T] true where the time is so far from the data that the path was not integrated and the answer is the long-run
   * distribution of the series.
   */
  readonly beyondReach: readonly boolean[];
}

export interface Forecaster {
  readonly channels: readonly string[];
  /** Deterministic: the same history and query give the same bytes; a time's answer does not depend on the others asked. */
  forecast(history: History, query: ForecastQuery): Promise<Forecast>;
}
