/**
 * The observations that a trainer draws from, in memory: a step needs dozens of windows, and reading each from a store
 * would cost as much as the step. Refreshed between rounds; a series that has not grown is not read again.
 */
import type { ObservationStore, SeriesSummary, StreamSummary, WindowQuery } from '../../ingest/observation-store.ts';
import type { Window } from '../../ingest/window.ts';

/** What of a store a trainer needs, of one stream. */
export interface WindowSource {
  summary(): StreamSummary;
  /** In order of name, after `after`. */
  listSeries(page: { readonly after?: string; readonly limit: number }): SeriesSummary[];
  window(series: string, query: WindowQuery): Window;
}

/** One stream of a store as a source. */
export function sourceOf(store: ObservationStore, stream: string): WindowSource {
  return {
    summary: () => store.stream(stream),
    listSeries: (page) => store.listSeries(stream, page),
    window: (series, query) => store.window(stream, series, query),
  };
}

/** The observations of one series: `times` [N] ascending, `values` and `mask` [N, D]. */
export interface SeriesColumns {
  readonly series: string;
  readonly channels: number;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly mask: Uint8Array;
  /** What the series was when it was read. */
  readonly summary: SeriesSummary;
}

export interface Pool {
  readonly revision: number;
  /** In order of name. */
  readonly series: readonly SeriesColumns[];
  readonly observations: number;
  /** ms; NaN where there is nothing. */
  readonly firstTime: number;
  readonly lastTime: number;
}

export interface PoolLimits {
  /** Of more series the most recently active ones are kept. */
  readonly maxSeries: number;
  /** Of all series together; of each its newest. */
  readonly maxObservations: number;
}

export const POOL_LIMITS: PoolLimits = { maxSeries: 4000, maxObservations: 1_000_000 };
const PAGE = 1000;

export const EMPTY_POOL: Pool = {
  revision: -1,
  series: [],
  observations: 0,
  firstTime: Number.NaN,
  lastTime: Number.NaN,
};

/** The present pool; `previous` itself where the source has nothing new. */
export function refreshPool(source: WindowSource, previous: Pool = EMPTY_POOL, limits: PoolLimits = POOL_LIMITS): Pool {
  const { revision } = source.summary();
  if (revision === previous.revision) return previous;
  const summaries = chooseSeries(listAll(source), limits.maxSeries);
  const known = new Map(previous.series.map((s) => [s.series, s]));
  const limit = Math.max(1, Math.floor(limits.maxObservations / Math.max(1, summaries.length)));
  const series = summaries.map((s) => unchanged(known.get(s.series), s) ?? readSeries(source, s, limit));
  return {
    revision,
    series,
    observations: series.reduce((sum, s) => sum + s.times.length, 0),
    firstTime: series.reduce((least, s) => Math.min(least, s.times[0]), Number.POSITIVE_INFINITY),
    lastTime: series.reduce((most, s) => Math.max(most, s.times[s.times.length - 1]), Number.NEGATIVE_INFINITY),
  };
}

function listAll(source: WindowSource): SeriesSummary[] {
  const all: SeriesSummary[] = [];
  for (;;) {
    const after = all.at(-1)?.series;
    const page = source.listSeries({ limit: PAGE, ...(after !== undefined && { after }) });
    all.push(...page.filter((s) => s.observations > 0));
    if (page.length < PAGE) return all;
  }
}

function chooseSeries(all: readonly SeriesSummary[], most: number): readonly SeriesSummary[] {
  if (all.length <= most) return all;
  const active = new Set([...all].sort((a, b) => b.lastTime - a.lastTime).slice(0, most));
  return all.filter((s) => active.has(s));
}

/** A value that was merged into an old observation is not seen here; it is when the series next grows. */
function unchanged(known: SeriesColumns | undefined, now: SeriesSummary): SeriesColumns | undefined {
  const then = known?.summary;
  const same =
    then?.observations === now.observations && then.lastTime === now.lastTime && then.firstTime === now.firstTime;
  return same ? known : undefined;
}

function readSeries(source: WindowSource, summary: SeriesSummary, limit: number): SeriesColumns {
  const { channels, times, values, mask } = source.window(summary.series, { limit });
  return { series: summary.series, channels, times, values, mask, summary };
}

/** The given rows of a series, ascending, as a window of one sample. */
export function rowsOf({ channels, times, values, mask }: SeriesColumns, rows: readonly number[]): Window {
  const window = {
    channels,
    offsets: Int32Array.of(0, rows.length),
    times: Float64Array.from(rows, (row) => times[row]),
    values: new Float64Array(rows.length * channels),
    mask: new Uint8Array(rows.length * channels),
  };
  rows.forEach((row, i) => {
    window.values.set(values.subarray(row * channels, (row + 1) * channels), i * channels);
    window.mask.set(mask.subarray(row * channels, (row + 1) * channels), i * channels);
  });
  return window;
}

/** The first row whose time is ≥ `time`. */
export function rowAt(times: Float64Array, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** from, from+1, … to−1 */
export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}
