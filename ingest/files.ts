/**
 * Observations out of files: CSV (`series,time,<channel>…`) and NDJSON (one event a line), plain or gzipped, read as a
 * stream. A line that cannot be used is a refusal with its number, not the end of the file. Times without an offset are UTC.
 */
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { IngestError } from './errors.ts';
import { createEventParser, type Event } from './event.ts';
import type { Observation } from './observation-store.ts';
import { type Refusal, refuse } from './refusals.ts';

export interface FileOptions {
  /** The channels to read, in the order of columns; what else the file holds is ignored. */
  readonly channels: readonly string[];
}

export type FileLine =
  | { readonly ok: true; readonly line: number; readonly observation: Observation }
  | (Refusal & { readonly line: number });

/** Names that a column may have, in any case, in the order of preference. `ds` and `unique_id` are the Nixtla tools'. */
const TIME_COLUMNS = ['time', 'timestamp', 'datetime', 'date', 'ds'];
const SERIES_COLUMNS = ['series', 'series_id', 'unique_id'];
const NOT_OBSERVED = new Set(['', 'na', 'n/a', 'nan', 'null', 'none', '-']);

const MAX_LINE_BYTES = 1_048_576;
const LINES_TO_DISCOVER = 100_000;

/** @throws IngestError `bad-file`: not there, not readable, cut off, without a time column, or without a channel asked for */
export async function* readObservations(path: string, { channels }: FileOptions): AsyncGenerator<FileLine> {
  const parser = createEventParser(
    {
      channels,
      unknownChannels: 'ignore',
      acceptedTimes: { from: -Infinity, to: Infinity },
      maxEventBytes: MAX_LINE_BYTES,
    },
    { withoutOffset: 'utc' },
  );
  for await (const { line, event } of readRows(path, channels)) {
    const parsed = event === undefined ? refuse('not-json') : parser.check(event);
    yield parsed.ok ? { ok: true, line, observation: parsed.observation } : { ...parsed, line };
  }
}

/**
 * The columns of a CSV that hold nothing but numbers, in its order; of NDJSON, the keys of `values` with numbers.
 *
 * @throws IngestError `bad-file`, also where there is no such channel
 */
export async function discoverChannels(path: string): Promise<string[]> {
  const numeric = new Map<string, boolean>();
  let lines = 0;
  for await (const { event } of readRows(path, undefined)) {
    for (const [channel, value] of Object.entries(valuesOf(event))) {
      if (value === null) continue;
      numeric.set(channel, (numeric.get(channel) ?? true) && typeof value === 'number' && Number.isFinite(value));
    }
    if (++lines === LINES_TO_DISCOVER) break;
  }
  const channels = [...numeric].filter(([, isNumeric]) => isNumeric).map(([channel]) => channel);
  if (channels.length === 0)
    throw badFile(path, 'holds no column of numbers: give series,time,<channel>… or one event a line');
  return channels;
}

/** The event that an observation is, for a topic. */
export function toEvent({ series, time, values }: Observation, channels: readonly string[]): Event {
  const observed = channels.flatMap((channel, d): [string, number][] =>
    Number.isNaN(values[d]) ? [] : [[channel, values[d]]],
  );
  return { series, time, values: Object.fromEntries(observed) };
}

interface Row {
  /** From 1. */
  readonly line: number;
  /** As `JSON.parse` would give it; `undefined` where the line is not JSON. */
  readonly event: unknown;
}

async function* readRows(path: string, channels: readonly string[] | undefined): AsyncGenerator<Row> {
  try {
    const head = await readHead(path);
    if (isJson(path, head)) yield* readNdjson(path);
    else yield* readCsv(path, delimiterOf(head), channels);
  } catch (error) {
    if (error instanceof IngestError) throw error;
    throw badFile(path, `cannot be read (${error instanceof Error ? error.message : String(error)})`, error);
  }
}

async function* readNdjson(path: string): AsyncGenerator<Row> {
  let line = 0;
  for await (const text of linesOf(path, openText(path))) {
    line++;
    if (text.trim() === '') continue;
    yield { line, event: parseOrUndefined(text) };
  }
}

/** `readline` would do, but it swallows the errors of its stream. */
async function* linesOf(path: string, chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_BYTES) throw badFile(path, 'has a line of more than 1 MiB: write one event a line');
    yield* lines;
  }
  yield rest;
}

async function* readCsv(path: string, delimiter: string, channels: readonly string[] | undefined): AsyncGenerator<Row> {
  const parser = parse({
    delimiter,
    bom: true,
    info: true,
    trim: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
  });
  const records: AsyncIterable<{ record: string[]; info: { lines: number } }> = pipeline(
    openText(path),
    parser,
    () => {},
  );
  let columns: Columns | undefined;
  for await (const { record, info } of records) {
    if (columns === undefined) columns = columnsOf(path, record, channels);
    else yield { line: info.lines, event: eventOf(record, columns) };
  }
  if (columns === undefined) throw badFile(path, 'is empty: its first line must name the columns');
}

interface Columns {
  readonly time: number;
  readonly series: number | undefined;
  readonly defaultSeries: string;
  readonly channels: readonly (readonly [name: string, column: number])[];
}

function columnsOf(path: string, header: readonly string[], wanted: readonly string[] | undefined): Columns {
  const time = find(header, TIME_COLUMNS);
  if (time === undefined) {
    throw badFile(
      path,
      `has no column of times among [${header.join(', ')}]: name one of them ${TIME_COLUMNS.join(', ')}`,
    );
  }
  const series = find(header, SERIES_COLUMNS);
  const others = header.filter((name, i) => i !== time && i !== series && name !== '');
  const channels = (wanted ?? others).map((name) => [name, header.indexOf(name)] as const);
  const missing = channels.filter(([, column]) => column < 0).map(([name]) => name);
  if (missing.length > 0) throw badFile(path, `has no column ${missing.join(', ')} among [${header.join(', ')}]`);
  return { time, series, defaultSeries: basename(path).replace(/(\.[a-z]+)+$/i, '') || 'series', channels };
}

function find(header: readonly string[], names: readonly string[]): number | undefined {
  const lower = header.map((name) => name.toLowerCase());
  const column = names.map((name) => lower.indexOf(name)).find((i) => i >= 0);
  return column;
}

/** Cells that are not numbers stay texts, for the parser to refuse with the channel's name. */
function eventOf(record: readonly string[], { time, series, defaultSeries, channels }: Columns): unknown {
  const values = Object.fromEntries(channels.map(([name, column]) => [name, cell(record[column] ?? '')]));
  return { series: series === undefined ? defaultSeries : record[series], time: timeCell(record[time] ?? ''), values };
}

function cell(text: string): number | string | null {
  if (NOT_OBSERVED.has(text.toLowerCase())) return null;
  const value = Number(text);
  return Number.isNaN(value) ? text : value;
}

/** A number is ms since the epoch. */
function timeCell(text: string): number | string {
  return /^[+-]?\d+(\.\d*)?(e\d+)?$/i.test(text) ? Number(text) : text;
}

function valuesOf(event: unknown): object {
  if (typeof event !== 'object' || event === null || !('values' in event)) return {};
  return typeof event.values === 'object' && event.values !== null ? event.values : {};
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function openText(path: string): Readable {
  const file = createReadStream(path);
  if (!/\.gz$/i.test(path)) return file.setEncoding('utf8');
  return pipeline(file, createGunzip(), () => {}).setEncoding('utf8');
}

/** Its first chunk. */
async function readHead(path: string): Promise<string> {
  for await (const chunk of openText(path)) return String(chunk);
  return '';
}

function isJson(path: string, head: string): boolean {
  if (/\.(ndjson|jsonl)(\.gz)?$/i.test(path)) return true;
  return !/\.(csv|tsv)(\.gz)?$/i.test(path) && head.trimStart().startsWith('{');
}

/** The one of `,`, `;` and tab that the first line has most of. */
function delimiterOf(head: string): string {
  const [header] = head.split('\n', 1);
  const count = (delimiter: string) => header.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, other) => (count(other) > count(best) ? other : best));
}

function badFile(path: string, what: string, cause?: unknown): IngestError {
  return new IngestError('bad-file', `${path} ${what}.`, cause);
}
