/**
 * From a stream's topic into the store: each batch is checked, its refused events become dead letters, and the accepted
 * ones are stored in one transaction with the position that follows them. No event stops it; a store or a log that fails
 * does, and then `closed` rejects.
 */
import { deadLetter, deadLetterTopic } from './dead-letters.ts';
import { createEventParser, type EventParser } from './event.ts';
import type { Consumer, EventLog, LogRecord, OutgoingRecord, RecordBatch } from './log/event-log.ts';
import type { Clock, Logger } from './logger.ts';
import type { Observation, ObservationStore, Position } from './observation-store.ts';
import { type Refusal, type RefusalCode, refuse } from './refusals.ts';
import type { StreamSpec } from './stream.ts';

/** Events a transaction: the process answers requests between two of them. */
const EVENTS_PER_TRANSACTION = 1_000;

export interface IngestOptions {
  readonly log: EventLog;
  readonly store: ObservationStore;
  readonly stream: StreamSpec;
  readonly group: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Whether refused events are kept as dead letters. Default true; where several roles consume the same topic, one of them
   * keeps them, or each would be there once a role.
   */
  readonly keepsRefused?: boolean;
  /** After each transaction that stored anything. */
  readonly onStored?: (batch: StoredBatch) => void;
  /** After each transaction, once for each reason that occurred in it. */
  readonly onRefused?: (code: RefusalCode, events: number) => void;
  /** The partitions that this member has been given; called at each change. */
  readonly onAssignment?: (partitions: readonly number[]) => void;
}

export interface StoredBatch {
  readonly stream: string;
  readonly events: number;
  /** The series that changed. */
  readonly series: ReadonlySet<string>;
  /** ms, the newest event time among them. */
  readonly newestTime: number;
}

export interface Lag {
  /** Records on the log that were not handled yet, as of the last batch of each partition. */
  readonly records: number;
  /** How long ago the log took the newest handled record of the partition that is furthest behind; 0 without lag. */
  readonly seconds: number;
}

export interface Ingest extends Consumer {
  lag(): Lag;
}

/** @throws IngestError of the log, e.g. `unknown-topic` or `group-taken` */
export async function startIngest(options: IngestOptions): Promise<Ingest> {
  const { log, store, stream, group } = options;
  await log.ensureTopics([deadLetterTopic(stream.name)]);
  const parser = createEventParser(stream);
  const progress = new Map<number, Progress>();
  const consumer = await log.consume({
    topic: stream.topic,
    group,
    // A store that has nothing of a partition wants all of it, whatever the group has committed for a former store.
    position: (partition) => store.position(stream.topic, partition) ?? 0,
    onBatch: (batch) => ingestBatch(options, parser, progress, batch),
    onAssignment: (partitions) => {
      for (const partition of progress.keys()) if (!partitions.includes(partition)) progress.delete(partition);
      options.onAssignment?.(partitions);
    },
  });
  return {
    closed: consumer.closed,
    caughtUp: consumer.caughtUp,
    close: () => consumer.close(),
    lag: () => lagOf(progress.values(), options.clock()),
  };
}

interface Progress {
  readonly behind: number;
  readonly appendedAt: number;
}

async function ingestBatch(
  options: IngestOptions,
  parser: EventParser,
  progress: Map<number, Progress>,
  { topic, partition, records, highWatermark }: RecordBatch,
): Promise<void> {
  for (let i = 0; i < records.length; i += EVENTS_PER_TRANSACTION) {
    const some = records.slice(i, i + EVENTS_PER_TRANSACTION);
    const last = some[some.length - 1];
    await ingestSome(options, parser, some, { topic, partition, next: last.offset + 1 });
    progress.set(partition, { behind: highWatermark - last.offset - 1, appendedAt: last.appendedAt });
  }
}

async function ingestSome(
  options: IngestOptions,
  parser: EventParser,
  records: readonly LogRecord[],
  position: Position,
): Promise<void> {
  const { store, stream, onStored } = options;
  const { observations, refused } = sort(parser, records);
  if (refused.length > 0) await setAside(options, refused);
  await store.put(stream.name, observations, position);
  if (observations.length > 0) onStored?.(describe(stream.name, observations));
}

interface Refused {
  readonly record: LogRecord;
  readonly refusal: Refusal;
}

function sort(parser: EventParser, records: readonly LogRecord[]) {
  const observations: Observation[] = [];
  const refused: Refused[] = [];
  for (const record of records) {
    const parsed = record.value === null ? refuse('not-json') : parser.parse(record.value);
    if (parsed.ok) observations.push(parsed.observation);
    else refused.push({ record, refusal: parsed });
  }
  return { observations, refused };
}

async function setAside(options: IngestOptions, refused: readonly Refused[]): Promise<void> {
  const counts = new Map<RefusalCode, number>();
  for (const { refusal } of refused) counts.set(refusal.code, (counts.get(refusal.code) ?? 0) + 1);
  if (options.keepsRefused ?? true) await keepRefused(options, refused, counts);
  for (const [code, events] of counts) options.onRefused?.(code, events);
}

/** Refused events are evidence, not data: where they cannot be kept, ingest says so and goes on. */
async function keepRefused(
  { log, stream, logger }: IngestOptions,
  refused: readonly Refused[],
  counts: ReadonlyMap<RefusalCode, number>,
): Promise<void> {
  const letters: OutgoingRecord[] = refused.map(({ record, refusal }) => deadLetter(stream.topic, record, refusal));
  const [{ record, refusal }] = refused;
  const { partition, offset } = record;
  const where = { stream: stream.name, partition, offset, counts: Object.fromEntries(counts) };
  try {
    await log.append(deadLetterTopic(stream.name).topic, letters);
    logger.warn(where, `refused ${refused.length} events; the first: ${refusal.message}`);
  } catch (error) {
    logger.error({ ...where, err: error }, `refused ${refused.length} events and could not keep them as dead letters`);
  }
}

function describe(stream: string, observations: readonly Observation[]): StoredBatch {
  const series = new Set<string>();
  let newestTime = -Infinity;
  for (const observation of observations) {
    series.add(observation.series);
    newestTime = Math.max(newestTime, observation.time);
  }
  return { stream, events: observations.length, series, newestTime };
}

function lagOf(partitions: Iterable<Progress>, now: number): Lag {
  let records = 0;
  let seconds = 0;
  for (const { behind, appendedAt } of partitions) {
    records += behind;
    if (behind > 0) seconds = Math.max(seconds, (now - appendedAt) / 1000);
  }
  return { records, seconds };
}
