/** The `appendEvents` of an app, made from a log: checks and appends as ingest does, and counts what is refused. */
import { appendEvents } from '../ingest/append.ts';
import type { EventLog } from '../ingest/log/event-log.ts';
import type { StreamSpec } from '../ingest/stream.ts';
import type { AppParts, EventOutcome } from './app-parts.ts';
import type { Metrics } from './metrics.ts';

export interface EventAppenderOptions {
  readonly streams: readonly StreamSpec[];
  readonly log: EventLog;
  /** Counts what is refused here; what is taken is counted when it is stored. */
  readonly metrics: Pick<Metrics, 'count'>;
}

export function createEventAppender({ streams, log, metrics }: EventAppenderOptions): AppParts['appendEvents'] {
  const byName = new Map(streams.map((spec) => [spec.name, spec]));
  return async (stream, events) => {
    const spec = byName.get(stream);
    if (spec === undefined) throw new Error(`events of a stream that is not served: ${stream}`);
    const { refused } = await appendEvents(log, spec, events);
    const outcomes: EventOutcome[] = events.map(() => ({ accepted: true }));
    for (const { index, code, message } of refused) {
      outcomes[index] = { accepted: false, reason: code, detail: message };
      metrics.count('events_total', { stream, outcome: code });
    }
    return outcomes;
  };
}
