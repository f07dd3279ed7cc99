/** What a forecast reads of a series: from the store or given inline, and either cut at `asOf`. */
import type { Observation, ObservationStore, WindowQuery } from '../ingest/observation-store.ts';
import type { Window } from '../ingest/window.ts';
import type { History } from '../model/forecast-types.ts';

/** A stored series as if nothing after `asOf` (ms) had been seen. */
export function storeHistory(store: ObservationStore, stream: string, series: string, asOf = Infinity): History {
  const read = (query: WindowQuery) => store.window(stream, series, query);
  return {
    bounds: storedBounds(store, stream, series, asOf),
    window: (query) => read(asOf === Infinity ? query : { ...query, to: Math.min(query.to ?? asOf, asOf) }),
  };
}

function storedBounds(store: ObservationStore, stream: string, series: string, asOf: number): History['bounds'] {
  const summary = store.series(stream, series);
  if (summary === undefined || summary.observations === 0 || summary.firstTime > asOf) return undefined;
  if (summary.lastTime <= asOf) return { first: summary.firstTime, last: summary.lastTime };
  const newest = store.window(stream, series, { to: asOf, limit: 1, keep: 'newest' });
  return newest.times.length === 0 ? undefined : { first: summary.firstTime, last: newest.times[0] };
}

/** One row of an inline history: NaN where a channel was not observed. */
export type Row = Pick<Observation, 'time' | 'values'>;

/** A history given with the query, in any order; rows of the same time merge a channel at a time, the last one wins. */
export function inlineHistory(rows: readonly Row[], channels: number, asOf = Infinity): History {
  const merged = mergeRows(rows.filter((row) => row.time <= asOf));
  const bounds = merged.length === 0 ? undefined : { first: merged[0].time, last: merged[merged.length - 1].time };
  return { bounds, window: (query) => windowOf(selectRows(merged, query), channels) };
}

function mergeRows(rows: readonly Row[]): Row[] {
  const byTime = new Map<number, Float64Array>();
  for (const { time, values } of rows) {
    const known = byTime.get(time);
    byTime.set(time, known === undefined ? values : known.map((old, c) => (Number.isNaN(values[c]) ? old : values[c])));
  }
  const merged = [...byTime].map(([time, values]) => ({ time, values }));
  return merged.sort((a, b) => a.time - b.time);
}

function selectRows(rows: readonly Row[], query: WindowQuery): readonly Row[] {
  const { from = -Infinity, to = Infinity, limit = rows.length, keep = 'newest' } = query;
  const within = rows.filter((row) => row.time >= from && row.time <= to);
  return keep === 'newest' ? within.slice(Math.max(0, within.length - limit)) : within.slice(0, limit);
}

/** Rows (times ascending) as a window of one sample. */
export function windowOf(rows: readonly Row[], channels: number): Window {
  const values = new Float64Array(rows.length * channels);
  const mask = new Uint8Array(rows.length * channels);
  rows.forEach((row, i) => {
    row.values.forEach((value, c) => {
      if (Number.isNaN(value)) return;
      values[i * channels + c] = value;
      mask[i * channels + c] = 1;
    });
  });
  return {
    channels,
    offsets: Int32Array.of(0, rows.length),
    times: Float64Array.from(rows, (r) => r.time),
    values,
    mask,
  };
}
