/**
 * An event as people write it, checked and turned into an observation. The check is by hand: it is the whole of what
 * ingest does per event, and a refusal must name the field. It is not a schema for documentation; that is the server's.
 */
import type { Observation } from './observation-store.ts';
import { type Refusal, refuse } from './refusals.ts';
import type { StreamSpec } from './stream.ts';
import { parseTime, type TimeOptions } from './time.ts';

/** The JSON of an event, after it was accepted or before it is sent. */
export interface Event {
  readonly series: string;
  /** ISO 8601 with `Z` or an offset, or ms since the epoch. */
  readonly time: string | number;
  /** Any subset of the stream's channels; `null` is not observed. */
  readonly values: Readonly<Record<string, number | null>>;
}

export interface Accepted {
  readonly ok: true;
  readonly observation: Observation;
}

export interface EventParser {
  /** From bytes (UTF-8) or text on a topic, in a body or in a line of a file. */
  parse(event: Uint8Array | string): Accepted | Refusal;
  /** From what `JSON.parse` gave. */
  check(event: unknown): Accepted | Refusal;
}

/** Longest series name in UTF-16 code units: at most three bytes each in a key of the store, whose limit is 1978 bytes. */
export const MAX_SERIES_LENGTH = 512;

// In Unicode mode a surrogate that is part of a pair is not matched: what matches is not well-formed.
const LONE_SURROGATE = /[\uD800-\uDFFF]/u;

export type EventSpec = Pick<StreamSpec, 'channels' | 'unknownChannels' | 'acceptedTimes' | 'maxEventBytes'>;

export function createEventParser(spec: EventSpec, times: TimeOptions = {}): EventParser {
  const columns = new Map(spec.channels.map((channel, i) => [channel, i]));
  const check = (event: unknown) => checkEvent(spec, columns, times, event);
  return { check, parse: (event) => parseJson(spec.maxEventBytes, event, check) };
}

function parseJson(maxBytes: number, event: Uint8Array | string, check: (event: unknown) => Accepted | Refusal) {
  const bytes = typeof event === 'string' ? Buffer.byteLength(event) : event.byteLength;
  if (bytes > maxBytes) return refuse('too-large', `${bytes} bytes, at most ${maxBytes}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(typeof event === 'string' ? event : decode(event));
  } catch {
    return refuse('not-json');
  }
  return check(parsed);
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function checkEvent(
  spec: EventSpec,
  columns: ReadonlyMap<string, number>,
  times: TimeOptions,
  event: unknown,
): Accepted | Refusal {
  if (!isObject(event)) return refuse('not-an-object');
  const { series, time } = event;
  if (typeof series !== 'string' || series === '') return refuse('no-series', 'series');
  if (series.length > MAX_SERIES_LENGTH || LONE_SURROGATE.test(series)) return refuse('bad-series', 'series');
  if (time === undefined || time === null) return refuse('no-time', 'time');
  const ms = typeof time === 'string' ? parseTime(time, times) : time;
  if (typeof ms !== 'number' || !Number.isFinite(ms)) return refuse('bad-time', 'time');
  if (ms < spec.acceptedTimes.from || ms > spec.acceptedTimes.to) return refuse('time-out-of-range', 'time');
  const values = readValues(spec, columns, event.values);
  // Adding 0 turns −0 into 0: one instant, one key.
  return values instanceof Float64Array ? { ok: true, observation: { series, time: ms + 0, values } } : values;
}

function readValues(spec: EventSpec, columns: ReadonlyMap<string, number>, given: unknown): Float64Array | Refusal {
  if (given === undefined || given === null) return refuse('no-values', 'values');
  if (!isObject(given)) return refuse('bad-values', 'values');
  const values = new Float64Array(columns.size).fill(Number.NaN);
  let observed = 0;
  for (const channel in given) {
    const column = columns.get(channel);
    const value = given[channel];
    if (column === undefined) {
      if (spec.unknownChannels === 'ignore') continue;
      return refuse('unknown-channel', `values.${channel.slice(0, 100)}`);
    }
    if (value === null) continue;
    if (typeof value !== 'number') return refuse('bad-value', `values.${channel}`);
    if (!Number.isFinite(value)) return refuse('non-finite-value', `values.${channel}`);
    values[column] = value;
    observed++;
  }
  return observed === 0 ? refuse('no-values', 'values') : values;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
