/**
 * From events to records on a stream's topic, for everything that produces: ingest over HTTP, replay, the sources of the
 * demonstration. Events are checked by the same parser that consumes them, so that who sends is told, not the dead letters.
 */
import { createEventParser, type Event } from './event.ts';
import type { EventLog, OutgoingRecord } from './log/event-log.ts';
import { type Refusal, refuse } from './refusals.ts';
import type { StreamSpec } from './stream.ts';

export interface RefusedEvent extends Refusal {
  /** Where in the list it stood. */
  readonly index: number;
}

export interface PreparedEvents {
  readonly records: OutgoingRecord[];
  readonly refused: RefusedEvent[];
}

/** @param events as `JSON.parse` gave them, or `Event`s */
export function prepareEvents(stream: StreamSpec, events: Iterable<unknown>): PreparedEvents {
  const parser = createEventParser(stream);
  const prepared: PreparedEvents = { records: [], refused: [] };
  let index = 0;
  for (const event of events) {
    const parsed = parser.check(event);
    // Accepted, hence an event.
    const record = parsed.ok ? encode(stream, event as Event) : parsed;
    if ('ok' in record) prepared.refused.push({ ...record, index });
    else prepared.records.push(record);
    index++;
  }
  return prepared;
}

/** Appends the events that are accepted; resolves when they are durable. @returns how many, and those that were refused */
export async function appendEvents(
  log: EventLog,
  stream: StreamSpec,
  events: Iterable<unknown>,
): Promise<{ readonly appended: number; readonly refused: readonly RefusedEvent[] }> {
  const { records, refused } = prepareEvents(stream, events);
  await log.append(stream.topic, records);
  return { appended: records.length, refused };
}

function encode({ maxEventBytes }: StreamSpec, { series, time, values }: Event): OutgoingRecord | Refusal {
  const value = Buffer.from(JSON.stringify({ series, time, values }), 'utf8');
  if (value.length > maxEventBytes) return refuse('too-large', `${value.length} bytes, at most ${maxEventBytes}`);
  return { key: series, value };
}
