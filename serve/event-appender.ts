/** Checks events with the stream's own rules and appends the good ones to its topic: the `appendEvents` of an app. */
import { createEventParser } from '../ingest/event.ts';
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
  const byName = new Map(streams.map((spec) => [spec.name, { spec, parser: createEventParser(spec) }]));
  return async (stream, events) => {
    const found = byName.get(stream);
    if (found === undefined) throw new Error(`events of a stream that is not served: ${stream}`);
    const records: OutgoingRecord[] = [];
    const outcomes = events.map((event): EventOutcome => {
      const text = JSON.stringify(event);
      const checked = found.parser.parse(text);
      if (!checked.ok) {
        metrics.count('events_total', { stream, outcome: checked.code });
        return { accepted: false, reason: checked.code, detail: checked.message };
      }
      records.push({ key: checked.observation.series, value: new TextEncoder().encode(text) });
      return { accepted: true };
    });
    if (records.length > 0) await log.append(found.spec.topic, records);
    return outcomes;
  };
}
