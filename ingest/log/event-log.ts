/**
 * The one port to the log that all roles share. Two adapters: `kafka.ts` and `embedded.ts`; one contract
 * (`test/ingest/log/event-log.contract.ts`) that both pass. Nothing here knows what a record means.
 */

/** A record to append. The log keeps the order of records with the same key. */
export interface OutgoingRecord {
  readonly key: string;
  /** `null` is a tombstone: on a compacted topic it removes the key. */
  readonly value: Uint8Array | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A record as it was read. */
export interface LogRecord {
  readonly partition: number;
  /** Strictly increasing within a partition; may have gaps. */
  readonly offset: number;
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, string>>;
  /** When the log took it, ms since the epoch. */
  readonly appendedAt: number;
}

/** Records of one partition, in order, with what a consumer needs to know how far behind it is. */
export interface RecordBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly LogRecord[];
  /** The offset that the next appended record would get: lag = highWatermark − last offset − 1. */
  readonly highWatermark: number;
}

export interface TopicSpec {
  readonly topic: string;
  /** Default 1. Fixed at creation. */
  readonly partitions?: number;
  /** Keep the last value of each key only, for ever. */
  readonly compacted?: boolean;
  /** Age after which records may be removed; ignored where `compacted`. Default: never. */
  readonly retentionMs?: number;
}

export interface ConsumeOptions {
  readonly topic: string;
  /** Members of a group share the partitions of the topic. */
  readonly group: string;
  /**
   * The next offset wanted from a partition, from wherever the caller keeps its position (a store, in the same
   * transaction as what it read). `undefined`: the group's committed position, else the beginning.
   */
  readonly position?: (partition: number) => number | undefined;
  /**
   * Called with one batch at a time per partition. When it resolves, the position after the batch is committed in the
   * group. When it rejects, the consumer stops and `closed` rejects; nothing is committed.
   */
  readonly onBatch: (batch: RecordBatch) => Promise<void>;
  /** The partitions that this member has been given; called at each change. */
  readonly onAssignment?: (partitions: readonly number[]) => void;
}

export interface Consumer {
  /** Resolves after `close`; rejects if the consumer died of an error. */
  readonly closed: Promise<void>;
  /**
   * Resolves when everything that the topic held at the time of the call has been handled, as far as it is this
   * reader's: a consumer's assigned partitions, a follower's whole topic. Rejects if the reader ends before.
   */
  readonly caughtUp: Promise<void>;
  /** Finishes the batch in hand, commits and leaves. Idempotent. */
  close(): Promise<void>;
}

export interface FollowOptions {
  readonly topic: string;
  /** Called for each live record, in order: first the present contents, then each new one. */
  readonly onRecord: (record: LogRecord) => void | Promise<void>;
}

export type Follower = Consumer;

export interface EventLog {
  /** For logs and messages, e.g. `embedded (/path)` or `kafka (host:port)`. */
  readonly description: string;
  /** Creates the topics that do not exist. Idempotent. */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;
  /** Resolves when the records are durable. */
  append(topic: string, records: readonly OutgoingRecord[]): Promise<void>;
  consume(options: ConsumeOptions): Promise<Consumer>;
  /** Reads a compacted topic to its end and follows it, without a group: every reader sees every record. */
  follow(options: FollowOptions): Promise<Follower>;
  /** Closes every consumer and follower, then the connection. Idempotent. */
  close(): Promise<void>;
}
