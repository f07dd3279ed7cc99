/**
 * The tables of the observation store.
 *
 * | table        | key                            | value                             |
 * |--------------|--------------------------------|-----------------------------------|
 * | streams      | name                           | JSON `StreamRow`                  |
 * | series       | stream, name                   | `SeriesRow`                       |
 * | starts       | stream, first time, series id  | the series' name                  |
 * | observations | stream, series id, time        | [D] f64                           |
 * | positions    | partition, topic               | f64, the next offset wanted       |
 */
import { type Environment, openEnvironment, openTable, peek, type Table } from './lmdb.ts';
import { streamKey, timeOfStart } from './store-keys.ts';

export interface StoreTables {
  readonly environment: Environment;
  readonly streams: Table;
  readonly series: Table;
  readonly starts: Table;
  readonly observations: Table;
  readonly positions: Table;
}

/** What is known of one stream, as it lies in the store. */
export interface StreamRow {
  readonly id: number;
  /** Names in the order of columns; `null` where they were never declared. */
  channels: (string | null)[];
  observations: number;
  series: number;
  lastTime: number | null;
  revision: number;
  /** The number that the next new series gets. */
  nextSeries: number;
}

export function openStoreTables(path: string): StoreTables {
  const environment = openEnvironment(path);
  const table = (name: string) => openTable(environment, name);
  return {
    environment,
    streams: table('streams'),
    series: table('series'),
    starts: table('starts'),
    observations: table('observations'),
    positions: table('positions'),
  };
}

export function readStream(tables: StoreTables, name: string): StreamRow | undefined {
  const row = peek(tables.streams, Buffer.from(name, 'utf8'));
  return row === undefined ? undefined : JSON.parse(row.toString('utf8'));
}

/** The start key and the name of the stream's oldest series. */
export function oldestSeries(tables: StoreTables, stream: number): { firstTime: number; name: string } | undefined {
  for (const { key, value } of tables.starts.getRange({
    start: streamKey(stream),
    end: streamKey(stream + 1),
    limit: 1,
  })) {
    return { firstTime: timeOfStart(key), name: value.toString('utf8') };
  }
  return undefined;
}
