/**
 * The observation store: an LMDB folder with every series' observations in order of time, their summaries, and the
 * positions on the log that they came from. One transaction a batch. It belongs to one process at a time by design
 * (each role has its own), though LMDB would let others read.
 */
import { IngestError } from './errors.ts';
import { MAX_SERIES_LENGTH } from './event.ts';
import { commit, encodeNumber, getNumber, peek } from './lmdb.ts';
import type { Clock } from './logger.ts';
import type {
  Observation,
  ObservationStore,
  Position,
  SeriesSummary,
  StreamSummary,
  WindowQuery,
} from './observation-store.ts';
import {
  decodeSeries,
  nameOfSeries,
  observationKey,
  positionKey,
  type SeriesRow,
  seriesKey,
  streamKey,
  timeOfObservation,
} from './store-keys.ts';
import { oldestSeries, openStoreTables, readStream, type StoreTables } from './store-tables.ts';
import { writeObservations } from './store-write.ts';
import type { StreamSpec } from './stream.ts';
import type { Window } from './window.ts';

export interface StoreOptions {
  /** Streams with their channels and retention. Of a stream that is not named here everything is kept. */
  readonly streams?: readonly Pick<StreamSpec, 'name' | 'channels' | 'retention'>[];
  /** Where given, an event whose time lies in the future does not make older ones expire. */
  readonly clock?: Clock;
}

/**
 * @param path a folder; created if it does not exist
 * @throws IngestError `folder-unusable`; `channels-changed` where the folder was filled under other channels
 */
export function openStore(path: string, options: StoreOptions = {}): ObservationStore {
  return new LmdbStore(path, options);
}

class LmdbStore implements ObservationStore {
  readonly #tables: StoreTables;
  readonly #streams: ReadonlyMap<string, Pick<StreamSpec, 'channels' | 'retention'>>;
  readonly #clock: Clock | undefined;
  /** What never changes of a stream once it is there, so that a window need not read its summary. */
  readonly #known = new Map<string, { readonly id: number; readonly channels: number }>();
  #closed: Promise<void> | undefined;

  constructor(path: string, { streams = [], clock }: StoreOptions) {
    this.#tables = openStoreTables(path);
    this.#clock = clock;
    this.#streams = new Map(streams.map((spec) => [spec.name, spec]));
    for (const { name, channels } of streams) this.#requireSamePrefix(name, channels);
  }

  /** @throws IngestError `bad-observation`, `channels-changed`, `store-closed`; then nothing is written */
  async put(stream: string, observations: readonly Observation[], position?: Position): Promise<void> {
    this.#requireOpen();
    // All checks come first: inside the transaction nothing may throw after the first write.
    observations.forEach(requireStorable);
    const channels = observations.length === 0 ? [] : this.#channelsFor(stream, observations);
    const { retention = {} } = this.#streams.get(stream) ?? {};
    await commit(this.#tables.environment, () => {
      if (observations.length > 0) {
        writeObservations(this.#tables, { stream, channels, retention, now: this.#clock?.() }, observations);
      }
      if (position !== undefined) {
        this.#tables.positions.put(positionKey(position.topic, position.partition), encodeNumber(position.next));
      }
    });
  }

  position(topic: string, partition: number): number | undefined {
    return getNumber(this.#tables.positions, positionKey(topic, partition));
  }

  stream(stream: string): StreamSummary {
    const row = readStream(this.#tables, stream);
    if (row === undefined) return { observations: 0, series: 0, revision: 0 };
    const { observations, series, revision, lastTime } = row;
    const firstTime = oldestSeries(this.#tables, row.id)?.firstTime;
    if (firstTime === undefined || lastTime === null) return { observations, series, revision };
    return { observations, series, revision, firstTime, lastTime };
  }

  listSeries(stream: string, page: { readonly after?: string; readonly limit: number }): SeriesSummary[] {
    const row = readStream(this.#tables, stream);
    if (row === undefined) return [];
    const range = this.#tables.series.getRange({
      start: page.after === undefined ? streamKey(row.id) : seriesKey(row.id, `${page.after}\0`),
      end: streamKey(row.id + 1),
      limit: page.limit,
    });
    return Array.from(range, ({ key, value }) => summary(nameOfSeries(key), decodeSeries(value)));
  }

  series(stream: string, series: string): SeriesSummary | undefined {
    const known = this.#series(stream, series);
    return known === undefined ? undefined : summary(series, known);
  }

  window(stream: string, series: string, query: WindowQuery): Window {
    const known = this.#stream(stream);
    const channels = this.#streams.get(stream)?.channels.length ?? known?.channels ?? 0;
    const row = this.#series(stream, series);
    return windowOf(channels, known === undefined || row === undefined ? [] : this.#rows(known.id, row.id, query));
  }

  close(): Promise<void> {
    this.#closed ??= this.#tables.environment.close();
    return this.#closed;
  }

  /** Rows in order of time. */
  #rows(
    stream: number,
    series: number,
    { from = -Infinity, to = Infinity, limit, keep = 'newest' }: WindowQuery,
  ): Row[] {
    if (!(from <= to) || limit === 0) return [];
    const first = observationKey(stream, series, from);
    const last = observationKey(stream, series, to);
    const newest = keep === 'newest' && limit !== undefined;
    const range = this.#tables.observations.getRange({
      start: newest ? last : first,
      end: newest ? first : last,
      inclusiveEnd: true,
      reverse: newest,
      ...(limit === undefined ? {} : { limit }),
    });
    const rows = Array.from(range);
    return newest ? rows.reverse() : rows;
  }

  #stream(stream: string): { readonly id: number; readonly channels: number } | undefined {
    const known = this.#known.get(stream);
    if (known !== undefined) return known;
    const row = readStream(this.#tables, stream);
    if (row === undefined) return undefined;
    const found = { id: row.id, channels: row.channels.length };
    this.#known.set(stream, found);
    return found;
  }

  #series(stream: string, series: string): SeriesRow | undefined {
    const known = this.#stream(stream);
    if (known === undefined || series === '' || series.length > MAX_SERIES_LENGTH) return undefined;
    const row = peek(this.#tables.series, seriesKey(known.id, series));
    return row === undefined ? undefined : decodeSeries(row);
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw new IngestError('store-closed', 'The store was closed: open it again.');
  }

  /** The declared channels, or as many without a name as the observations have. @throws IngestError `channels-changed` */
  #channelsFor(stream: string, observations: readonly Observation[]): readonly (string | null)[] {
    const declared = this.#streams.get(stream)?.channels;
    const stored = readStream(this.#tables, stream)?.channels;
    const channels = declared ?? stored ?? new Array<null>(observations[0].values.length).fill(null);
    const odd = observations.find(({ values }) => values.length !== channels.length);
    if (odd !== undefined) {
      throw new IngestError(
        'channels-changed',
        `The stream ${stream} has ${channels.length} channels, and an observation of ${odd.series} has ${odd.values.length}: give every channel a column.`,
      );
    }
    return channels;
  }

  /** Columns have no names in rows: a channel may be added at the end, and none may move. */
  #requireSamePrefix(stream: string, channels: readonly string[]): void {
    const stored = readStream(this.#tables, stream)?.channels ?? [];
    const moved = stored.some((name, i) => i >= channels.length || (name !== null && name !== channels[i]));
    if (!moved) return;
    void this.close();
    throw new IngestError(
      'channels-changed',
      `The store was filled with the channels [${stored.join(', ')}] of ${stream}, now [${channels.join(', ')}] are configured: keep their order and add new ones at the end, or remove the folder so that it is read from the log again.`,
    );
  }
}

/** What the parser accepts is storable; this is for observations that did not come through it. */
function requireStorable({ series, time }: Observation): void {
  if (Number.isFinite(time) && series !== '' && series.length <= MAX_SERIES_LENGTH) return;
  throw new IngestError(
    'bad-observation',
    `Cannot store an observation of "${series.slice(0, 50)}" at ${time}: give a finite time, and a series of 1 to ${MAX_SERIES_LENGTH} characters.`,
  );
}

interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

function summary(series: string, { observations, firstTime, lastTime }: SeriesRow): SeriesSummary {
  return { series, observations, firstTime, lastTime };
}

/** One sample, [N] rows of [D] f64; a row written before a channel was added is shorter. */
function windowOf(channels: number, rows: readonly Row[]): Window {
  const times = new Float64Array(rows.length);
  const values = new Float64Array(rows.length * channels);
  const mask = new Uint8Array(rows.length * channels);
  rows.forEach(({ key, value }, n) => {
    times[n] = timeOfObservation(key);
    for (let d = 0; 8 * d < value.length; d++) {
      const x = value.readDoubleLE(8 * d);
      if (Number.isNaN(x)) continue;
      values[n * channels + d] = x;
      mask[n * channels + d] = 1;
    }
  });
  return { channels, offsets: Int32Array.of(0, rows.length), times, values, mask };
}
