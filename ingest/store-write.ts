/**
 * What one transaction of the observation store does: observations merged into their rows, the summaries kept in step,
 * retention applied in bounded work. Everything here runs inside a transaction and throws, if it does, before it writes.
 */
import { peek } from './lmdb.ts';
import type { Observation } from './observation-store.ts';
import {
  decodeSeries,
  encodeRow,
  encodeSeries,
  mergeRow,
  observationKey,
  type SeriesRow,
  seriesKey,
  startKey,
  timeOfObservation,
} from './store-keys.ts';
import { oldestSeries, readStream, type StoreTables, type StreamRow } from './store-tables.ts';
import type { StreamSpec } from './stream.ts';

/** Rows that one transaction may remove beyond twice what it wrote: a backlog shrinks, and no transaction is long. */
const SPARE_REMOVALS = 256;

export interface WriteOptions {
  readonly stream: string;
  readonly channels: readonly (string | null)[];
  readonly retention: StreamSpec['retention'];
  /** Observations are as old as they are before this, ms: now, or the newest event time where there is no clock. */
  readonly now: number | undefined;
}

/** A series in the hands of a transaction. */
interface OpenSeries extends SeriesRow {
  readonly name: string;
  /** Its first time in the index of starts; `undefined` while it has none. */
  indexedAs: number | undefined;
}

export function writeObservations(
  tables: StoreTables,
  options: WriteOptions,
  observations: readonly Observation[],
): void {
  const stream = openStream(tables, options);
  const touched = new Map<string, OpenSeries>();
  for (const observation of observations) writeOne(tables, stream, touched, observation);
  let budget = 2 * observations.length + SPARE_REMOVALS;
  for (const series of touched.values()) {
    budget -= keepNewest(tables, stream, series, options.retention.maxPerSeries, budget);
    saveSeries(tables, stream, series);
  }
  removeOld(tables, stream, options, budget);
  stream.revision++;
  tables.streams.put(Buffer.from(options.stream, 'utf8'), Buffer.from(JSON.stringify(stream), 'utf8'));
}

function openStream(tables: StoreTables, { stream, channels }: WriteOptions): StreamRow {
  const known = readStream(tables, stream);
  if (known !== undefined) return { ...known, channels: [...channels] };
  const id = tables.streams.getKeysCount() + 1;
  return { id, channels: [...channels], observations: 0, series: 0, lastTime: null, revision: 0, nextSeries: 1 };
}

function writeOne(
  tables: StoreTables,
  stream: StreamRow,
  touched: Map<string, OpenSeries>,
  { series: name, time, values }: Observation,
): void {
  const series = touched.get(name) ?? openSeries(tables, stream, name);
  touched.set(name, series);
  const key = observationKey(stream.id, series.id, time);
  // Most events are newer than all before: then there is nothing to look up.
  const former = time > series.lastTime ? undefined : peek(tables.observations, key);
  tables.observations.put(key, former === undefined ? encodeRow(values) : mergeRow(former, values));
  if (former !== undefined) return;
  series.observations++;
  series.firstTime = Math.min(series.firstTime, time);
  series.lastTime = Math.max(series.lastTime, time);
  stream.observations++;
  stream.lastTime = Math.max(stream.lastTime ?? time, time);
}

function openSeries(tables: StoreTables, stream: StreamRow, name: string): OpenSeries {
  const row = peek(tables.series, seriesKey(stream.id, name));
  if (row !== undefined) {
    const known = decodeSeries(row);
    return { ...known, name, indexedAs: known.firstTime };
  }
  stream.series++;
  const id = stream.nextSeries++;
  return { id, name, observations: 0, firstTime: Infinity, lastTime: -Infinity, indexedAs: undefined };
}

/** Writes the summary and its place in the index of starts, or removes both where nothing is left. */
function saveSeries(tables: StoreTables, stream: StreamRow, series: OpenSeries): void {
  const key = seriesKey(stream.id, series.name);
  const { indexedAs, firstTime } = series;
  const empty = series.observations === 0;
  if (indexedAs !== undefined && (empty || indexedAs !== firstTime)) {
    tables.starts.remove(startKey(stream.id, indexedAs, series.id));
  }
  if (empty) {
    tables.series.remove(key);
    stream.series--;
    return;
  }
  tables.series.put(key, encodeSeries(series));
  if (indexedAs !== firstTime) {
    tables.starts.put(startKey(stream.id, firstTime, series.id), Buffer.from(series.name, 'utf8'));
  }
}

function keepNewest(
  tables: StoreTables,
  stream: StreamRow,
  series: OpenSeries,
  atMost = Infinity,
  budget: number,
): number {
  const excess = Math.min(series.observations - atMost, budget);
  return excess > 0 ? removeOldest(tables, stream, series, excess, Infinity) : 0;
}

/** The index of starts gives the oldest series first, whether or not they are among those just written. */
function removeOld(tables: StoreTables, stream: StreamRow, options: WriteOptions, budget: number): void {
  const { maxAgeMs } = options.retention;
  if (maxAgeMs === undefined || stream.lastTime === null) return;
  // An event of the far future must not make all others old.
  const before = Math.min(stream.lastTime, options.now ?? Infinity) - maxAgeMs;
  while (budget > 0) {
    const oldest = oldestSeries(tables, stream.id);
    if (oldest === undefined || oldest.firstTime >= before) return;
    const series = openSeries(tables, stream, oldest.name);
    budget -= removeOldest(tables, stream, series, budget, before);
    saveSeries(tables, stream, series);
  }
}

/** Removes at most `atMost` observations from the front, all of them earlier than `before`. @returns how many. */
function removeOldest(
  tables: StoreTables,
  stream: StreamRow,
  series: OpenSeries,
  atMost: number,
  before: number,
): number {
  const times: number[] = [];
  const range = {
    start: observationKey(stream.id, series.id, -Infinity),
    end: observationKey(stream.id, series.id, Infinity),
    limit: atMost + 1,
  };
  for (const key of tables.observations.getKeys(range)) times.push(timeOfObservation(key));
  const old = times.slice(0, atMost).filter((time) => time < before);
  for (const time of old) tables.observations.remove(observationKey(stream.id, series.id, time));
  series.observations -= old.length;
  stream.observations -= old.length;
  series.firstTime = times[old.length] ?? Infinity;
  return old.length;
}
