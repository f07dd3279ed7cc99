/** A source of windows in memory, with the contract of a store: values merge by time, queries keep the newest. */
import type { SeriesSummary } from '../../ingest/observation-store.ts';
import type { Window } from '../../ingest/window.ts';
import type { History } from '../../model/forecast-types.ts';
import type { WindowSource } from '../../model/train/pool.ts';

/** [D] NaN where not observed. */
export interface Row {
  readonly series: string;
  readonly time: number;
  readonly values: readonly number[];
}

export interface MemorySource extends WindowSource {
  add(rows: readonly Row[]): void;
  history(series: string): History;
}

export function memorySource(channels: number, rows: readonly Row[] = []): MemorySource {
  const series = new Map<string, Row[]>();
  let revision = 0;
  const add = (added: readonly Row[]) => {
    for (const row of added) series.set(row.series, [...(series.get(row.series) ?? []), row]);
    for (const name of new Set(added.map((r) => r.series))) series.get(name)?.sort((a, b) => a.time - b.time);
    revision++;
  };
  const of = (name: string) => series.get(name) ?? [];
  const all = () => [...series.keys()].sort().map((name) => summarise(name, of(name)));
  const window: WindowSource['window'] = (
    name,
    { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY, limit, keep = 'newest' },
  ) => {
    const inside = of(name).filter((r) => r.time >= from && r.time <= to);
    const most = limit ?? inside.length;
    return windowOf(
      channels,
      keep === 'newest' ? inside.slice(Math.max(0, inside.length - most)) : inside.slice(0, most),
    );
  };
  const bulk = new Map<string, Row[]>();
  for (const row of rows)
    bulk
      .set(row.series, bulk.get(row.series) ?? [])
      .get(row.series)
      ?.push(row);
  for (const [name, own] of bulk)
    series.set(
      name,
      own.sort((a, b) => a.time - b.time),
    );
  return {
    add,
    window,
    summary: () => ({ observations: all().reduce((n, s) => n + s.observations, 0), series: series.size, revision }),
    listSeries: ({ after, limit }) =>
      all()
        .filter((s) => after === undefined || s.series > after)
        .slice(0, limit),
    history: (name) => {
      const { observations, firstTime, lastTime } = summarise(name, of(name));
      return {
        bounds: observations ? { first: firstTime, last: lastTime } : undefined,
        window: (q) => window(name, q),
      };
    },
  };
}

function summarise(series: string, rows: readonly Row[]): SeriesSummary {
  return {
    series,
    observations: rows.length,
    firstTime: rows[0]?.time ?? Number.NaN,
    lastTime: rows.at(-1)?.time ?? Number.NaN,
  };
}

/** One sample, rows ascending in time. */
export function windowOf(channels: number, rows: readonly Pick<Row, 'time' | 'values'>[]): Window {
  const flat = rows.flatMap((r) => r.values);
  return {
    channels,
    offsets: Int32Array.of(0, rows.length),
    times: Float64Array.from(rows, (r) => r.time),
    values: Float64Array.from(flat, (v) => (Number.isNaN(v) ? 0 : v)),
    mask: Uint8Array.from(flat, (v) => (Number.isNaN(v) ? 0 : 1)),
  };
}
