/**
 * The seam to what is known of every series. One adapter: `store.ts` (LMDB). A batch of observations and the log
 * position that it came from are written in one transaction, so that a replay neither loses nor doubles anything.
 */
import type { Window } from './window.ts';

/** One observation: the channels that were seen at one time. */
export interface Observation {
  readonly series: string;
  /** ms since the epoch, fractions allowed. */
  readonly time: number;
  /** [D] NaN where not observed. Observations of the same series and time merge a channel at a time; the last write wins. */
  readonly values: Float64Array;
}

/** A position on the log: the next offset wanted from a partition. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly next: number;
}

export interface SeriesSummary {
  readonly series: string;
  readonly observations: number;
  readonly firstTime: number;
  readonly lastTime: number;
}

export interface StreamSummary {
  readonly observations: number;
  readonly series: number;
  readonly firstTime?: number;
  readonly lastTime?: number;
  /** Grows by one at each stored batch of the stream: tells whether anything is new. */
  readonly revision: number;
}

export interface WindowQuery {
  /** Inclusive, ms. Default: the beginning. */
  readonly from?: number;
  /** Inclusive, ms. Default: the end. */
  readonly to?: number;
  /** At most so many observations: the newest ones, or the oldest with `keep: 'oldest'`. */
  readonly limit?: number;
  readonly keep?: 'newest' | 'oldest';
}

export interface ObservationStore {
  /** Writes the observations and the position that follows them in one transaction; resolves when durable. */
  put(stream: string, observations: readonly Observation[], position?: Position): Promise<void>;
  /** The next offset wanted from a partition, if anything of it was ever stored. */
  position(topic: string, partition: number): number | undefined;
  stream(stream: string): StreamSummary;
  /** Series in order of their name, after `after`. */
  listSeries(stream: string, page: { readonly after?: string; readonly limit: number }): SeriesSummary[];
  series(stream: string, series: string): SeriesSummary | undefined;
  /** The observations of one series as a window of one sample, times ascending. Empty if there are none. */
  window(stream: string, series: string, query: WindowQuery): Window;
  close(): Promise<void>;
}
