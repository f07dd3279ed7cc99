/**
 * The log in a folder: topics, partitions, groups, compaction and retention on LMDB, for one machine and no broker.
 * Several processes may have the folder open at once. What it is not: a group on it has one live member at a time, which
 * gets every partition (`embedded-lease.ts`); to share a topic among replicas, use Kafka.
 */
import { randomUUID } from 'node:crypto';
import { IngestError } from '../errors.ts';
import { commit } from '../lmdb.ts';
import type { Clock } from '../logger.ts';
import { type Member, RENEW_EVERY_MS, releaseLease, requireLease, takeLease } from './embedded-lease.ts';
import { EmbeddedReader, type ReaderOptions } from './embedded-reader.ts';
import {
  appendRecords,
  createTopic,
  getTopic,
  openTables,
  readCommit,
  readHead,
  type Tables,
  type Topic,
  writeCommit,
} from './embedded-tables.ts';
import type {
  ConsumeOptions,
  Consumer,
  EventLog,
  Follower,
  FollowOptions,
  OutgoingRecord,
  RecordBatch,
  TopicSpec,
} from './event-log.ts';

export interface EmbeddedLogOptions {
  /** A folder; created if it does not exist. */
  readonly path: string;
  readonly clock: Clock;
}

/** @throws IngestError `folder-unusable` */
export function openEmbeddedLog(options: EmbeddedLogOptions): EventLog {
  return new EmbeddedLog(options);
}

class EmbeddedLog implements EventLog {
  readonly description: string;
  readonly #tables: Tables;
  readonly #clock: Clock;
  readonly #readers = new Map<EmbeddedReader, string>();
  #closed: Promise<void> | undefined;

  constructor({ path, clock }: EmbeddedLogOptions) {
    this.description = `embedded (${path})`;
    this.#tables = openTables(path);
    this.#clock = clock;
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.#requireOpen();
    await this.#transaction(() => {
      for (const spec of topics) createTopic(this.#tables, spec);
    });
  }

  async append(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    this.#requireOpen();
    if (records.length === 0) return;
    await this.#transaction(() => appendRecords(this.#tables, getTopic(this.#tables, topic), records, this.#clock()));
    for (const [reader, name] of this.#readers) if (name === topic) reader.wake();
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    const { group } = options;
    const topic = this.#topic(options.topic);
    // Asked first: where this throws, no lease is left behind.
    const wanted = partitionsOf(topic).map((p) => options.position?.(p));
    const member = { token: randomUUID(), pid: process.pid, processStart: performance.timeOrigin };
    await this.#transaction(() => takeLease(this.#tables, topic, group, member, this.#clock()));
    const renewal = this.#renewLease(topic, group, member);
    const starts = wanted.map((next, p) => this.#start(topic, p, next ?? readCommit(this.#tables, topic, p, group)));
    options.onAssignment?.(partitionsOf(topic));
    return this.#read({
      tables: this.#tables,
      topic,
      starts,
      onBatch: async (batch) => {
        await options.onBatch(batch);
        await this.#commit(topic, group, member, batch);
      },
      onEnd: async () => {
        clearInterval(renewal);
        await this.#transaction(() => releaseLease(this.#tables, topic, group, member));
      },
    });
  }

  async follow(options: FollowOptions): Promise<Follower> {
    const topic = this.#topic(options.topic);
    return this.#read({
      tables: this.#tables,
      topic,
      starts: partitionsOf(topic).map(() => 0),
      onBatch: async ({ records }) => {
        for (const record of records) await options.onRecord(record);
      },
      onEnd: async () => {},
    });
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await Promise.all([...this.#readers.keys()].map((reader) => reader.close()));
      await this.#tables.environment.close();
    })();
    return this.#closed;
  }

  #read(options: ReaderOptions): EmbeddedReader {
    const reader = new EmbeddedReader({
      ...options,
      onEnd: async () => {
        await options.onEnd();
        this.#readers.delete(reader);
      },
    });
    this.#readers.set(reader, options.topic.name);
    return reader;
  }

  #topic(name: string): Topic {
    this.#requireOpen();
    this.#tables.environment.resetReadTxn();
    return getTopic(this.#tables, name);
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw new IngestError('log-closed', 'The log was closed: open it again.');
  }

  /** A position beyond the end belongs to a log that is gone: the records of this one are all new. */
  #start(topic: Topic, partition: number, wanted = 0): number {
    return wanted > readHead(this.#tables, topic, partition) ? 0 : wanted;
  }

  async #commit(topic: Topic, group: string, member: Member, { partition, records }: RecordBatch): Promise<void> {
    await this.#transaction(() => {
      requireLease(this.#tables, topic, group, member);
      writeCommit(this.#tables, topic, partition, group, records[records.length - 1].offset + 1);
    });
  }

  #renewLease(topic: Topic, group: string, member: Member): NodeJS.Timeout {
    const renew = () => {
      requireLease(this.#tables, topic, group, member);
      takeLease(this.#tables, topic, group, member, this.#clock());
    };
    // A lease that was lost shows at the next commit.
    return setInterval(() => this.#transaction(renew).catch(() => {}), RENEW_EVERY_MS).unref();
  }

  /** One transaction, durable when it resolves. `work` throws, if it does, before it writes. */
  #transaction<T>(work: () => T): Promise<T> {
    return commit(this.#tables.environment, work);
  }
}

function partitionsOf(topic: Topic): number[] {
  return Array.from({ length: topic.partitions }, (_, partition) => partition);
}
