/** Checks events with the stream's own rules and appends the good ones to its topic: the `appendEvents` of an app. */
import { createEventParser, type EventParser } from '../ingest/event.ts';
import type { EventLog, OutgoingRecord } from '../ingest/log/event-log.ts';
import type { StreamSpec } from '../ingest/stream.ts';
import type { AppParts, EventOutcome } from './app-parts.ts';
import type { Metrics } from './metrics.ts';

export interface EventAppenderOptions {
  readonly streams: readonly StreamSpec[];
  readonly log: Pick<EventLog, 'append'>;
  /** Counts what is refused here; what is taken is counted when it is stored. */
  readonly metrics: Pick<Metrics, 'count'>;
}

export function createEventAppender({ streams, log, metrics }: EventAppenderOptions): AppParts['appendEvents'] {
  const byName = new Map(streams.map((spec) => [spec.name, { topic: spec.topic, parser: createEventParser(spec) }]));
  return async (stream, events) => {
    const known = byName.get(stream);
    if (known === undefined) throw new Error(`events of a stream that is not served: ${stream}`);
    const checked = events.map((event) => checkEvent(known.parser, event));
    const records = checked.flatMap((one) => ('record' in one ? [one.record] : []));
    if (records.length > 0) await log.append(known.topic, records);
    const outcomes = checked.map(({ outcome }) => outcome);
    for (const outcome of outcomes)
      if (!outcome.accepted) metrics.count('events_total', { stream, outcome: outcome.reason });
    return outcomes;
  };
}

type Checked = { readonly outcome: EventOutcome; readonly record: OutgoingRecord } | { readonly outcome: EventOutcome };

/** The record holds the event as text again, so that a consumer applies the same check to the same bytes. */
function checkEvent(parser: EventParser, event: unknown): Checked {
  const text = JSON.stringify(event);
  const result = parser.parse(text);
  if (!result.ok) return { outcome: { accepted: false, reason: result.code, detail: result.message } };
  const record = { key: result.observation.series, value: new TextEncoder().encode(text) };
  return { outcome: { accepted: true }, record };
}
