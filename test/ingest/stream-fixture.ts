/** A stream and an embedded log for tests of ingest. */
import { onTestFinished } from 'vitest';
import type { Event } from '../../ingest/event.ts';
import { openEmbeddedLog } from '../../ingest/log/embedded.ts';
import type { EventLog, LogRecord } from '../../ingest/log/event-log.ts';
import type { ObservationStore } from '../../ingest/observation-store.ts';
import { openStore } from '../../ingest/store.ts';
import type { StreamSpec } from '../../ingest/stream.ts';
import { tempFolder } from './temp-folder.ts';

export const STREAM: StreamSpec = {
  name: 'pumps',
  topic: 'odecast.pumps.events',
  channels: ['x', 'y'],
  unknownChannels: 'refuse',
  acceptedTimes: { from: -1e12, to: 1e13 },
  maxEventBytes: 70_000,
  retention: {},
};

export async function openLog(path = tempFolder()): Promise<EventLog> {
  const log = openEmbeddedLog({ path, clock: Date.now });
  onTestFinished(() => log.close());
  await log.ensureTopics([{ topic: STREAM.topic, partitions: 2 }]);
  return log;
}

export function openTestStore(path = tempFolder()): ObservationStore {
  const store = openStore(path, { streams: [STREAM] });
  onTestFinished(() => store.close());
  return store;
}

/** All that a topic holds. */
export async function recordsOf(log: EventLog, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  const follower = await log.follow({ topic, onRecord: (record) => void records.push(record) });
  await follower.caughtUp;
  await follower.close();
  return records;
}

/** An event that can be told from all others, and checked, by its number. */
export function numberedEvent(n: number): Event {
  return { series: `s${n % 5}`, time: n / 4, values: n % 3 === 0 ? { x: n } : { x: n, y: -n } };
}
