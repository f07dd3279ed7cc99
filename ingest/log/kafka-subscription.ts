/**
 * One member of a group on one topic: what consumers and followers have in common. It keeps a kafkajs consumer alive
 * through rebalances, crashes and silent stops, seeks to the caller's position at each assignment, and commits after a
 * batch was handled.
 *
 *   running ──crash or stall──▶ restarting ──joined──▶ running
 *   running, restarting ──close──▶ ended;  running ──onBatch rejects, or an error that no retry helps──▶ ended, with it
 */
import type { Admin, EachBatchPayload, Kafka, Consumer as KafkaConsumer, KafkaMessage } from 'kafkajs';
import { IngestError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { ConsumeOptions, Consumer, LogRecord, RecordBatch } from './event-log.ts';
import { isRetriable } from './kafka-errors.ts';

export interface SubscriptionOptions {
  readonly kafka: Pick<Kafka, 'consumer'>;
  readonly admin: Admin;
  readonly topic: string;
  readonly group: string;
  readonly position?: ConsumeOptions['position'];
  /** Whether the group remembers; a follower's does not. */
  readonly commits: boolean;
  readonly onBatch: (batch: RecordBatch) => Promise<void>;
  readonly onAssignment?: (partitions: readonly number[]) => void;
  readonly logger: Logger;
  /** How long nothing may come although there is something before the consumer is replaced. */
  readonly stalledAfterMs: number;
}

/** So long the partitions of a killed member stay with it; kafkajs has no static membership, which would spare the wait. */
const SESSION_TIMEOUT_MS = 10_000;
const HEARTBEAT_EVERY_MS = 3_000;
/** A fetch waits so long for records; closing waits for the fetch. */
const MAX_WAIT_MS = 250;
/** To join at first, over some 15 s; later there is no end to trying. */
const FIRST_ATTEMPTS = 7;
const MAX_BACKOFF_MS = 30_000;
const DISCONNECT_WITHIN_MS = 10_000;

export class KafkaSubscription implements Consumer {
  readonly closed: Promise<void>;
  readonly caughtUp: Promise<void>;
  readonly #options: SubscriptionOptions;
  #settle!: {
    closed: () => void;
    died: (error: Error) => void;
    caughtUp: () => void;
    neverCaughtUp: (e: Error) => void;
  };
  #consumer: KafkaConsumer | undefined;
  #ended: Promise<void> | undefined;
  #restarting: Promise<void> | undefined;
  /** Resolves a pause between two attempts at once. */
  #hurry: () => void = () => {};
  #assignment: readonly number[] = [];
  /** Assigned partition → the next offset to come, where it is known. */
  #next = new Map<number, number>();
  /** Partition → its end when the caller subscribed. */
  #targets = new Map<number, number>();
  /** The batch that is being handled, or the last one. */
  #inHand: Promise<void> = Promise.resolve();
  #handling = false;
  #batches = 0;
  #watchdog: NodeJS.Timeout | undefined;

  private constructor(options: SubscriptionOptions) {
    this.#options = options;
    let [closed, died] = [() => {}, (_: Error) => {}];
    let [caughtUp, neverCaughtUp] = [() => {}, (_: Error) => {}];
    this.closed = new Promise((resolve, reject) => {
      [closed, died] = [resolve, reject];
    });
    this.caughtUp = new Promise((resolve, reject) => {
      [caughtUp, neverCaughtUp] = [resolve, reject];
    });
    this.#settle = { closed, died, caughtUp, neverCaughtUp };
    // Both may reject before anybody waits for them; whoever waits still sees the error.
    this.closed.catch(() => {});
    this.caughtUp.catch(() => {});
  }

  /** Resolves when the group was joined. Rejects with an error of kafkajs. */
  static async start(options: SubscriptionOptions): Promise<KafkaSubscription> {
    const subscription = new KafkaSubscription(options);
    const ends = await options.admin.fetchTopicOffsets(options.topic);
    subscription.#targets = new Map(ends.map(({ partition, high }) => [partition, Number(high)]));
    await subscription.#keepJoining(FIRST_ATTEMPTS);
    subscription.#watch();
    return subscription;
  }

  close(): Promise<void> {
    return this.#end();
  }

  /** Joins the group with a new kafkajs consumer. */
  async #join(): Promise<void> {
    const { kafka, topic, group } = this.#options;
    const consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_EVERY_MS,
      maxWaitTimeInMs: MAX_WAIT_MS,
      allowAutoTopicCreation: false,
      // Restarts are ours, so that there is one way to begin: seek, then fetch.
      retry: { retries: 5, restartOnFailure: async () => false },
    });
    this.#consumer = consumer;
    let joining = true;
    let failure: Error | undefined;
    const mine = () => this.#consumer === consumer && this.#ended === undefined && failure === undefined;
    // kafkajs emits this before it fetches, and calls the listener at once: no record comes before the seek took effect.
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      if (!mine()) return;
      try {
        this.#assigned(consumer, payload.memberAssignment[topic] ?? []);
      } catch (error) {
        // While it joins, kafkajs cannot be stopped; it gives no record to the handler, and is stopped right after.
        failure = new IngestError(
          'log-failed',
          `Cannot tell where to go on with ${topic}: ${toError(error).message}.`,
          error,
        );
        if (!joining) void this.#end(failure);
      }
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (joining) failure ??= payload.error;
      else if (mine()) this.#crashed(payload.error);
    });
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      if (mine() && payload.batchSize === 0) this.#passed(payload.partition, payload.lastOffset);
    });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => {
        if (!mine() || payload.isStale()) return;
        this.#inHand = this.#eachBatch(payload);
        await this.#inHand;
      },
    });
    joining = false;
    if (failure !== undefined) throw failure;
  }

  #assigned(consumer: KafkaConsumer, partitions: readonly number[]): void {
    const { topic, position, onAssignment } = this.#options;
    this.#assignment = partitions;
    this.#next = new Map();
    for (const partition of partitions) {
      const wanted = position?.(partition);
      if (wanted === undefined) continue;
      consumer.seek({ topic, partition, offset: String(wanted) });
      this.#next.set(partition, wanted);
    }
    onAssignment?.(partitions);
    this.#locate(partitions).catch((error) => {
      this.#options.logger.debug(
        { topic, err: error },
        'could not ask where the group stands; the next batch will tell',
      );
    });
  }

  /** Finds where the partitions begin whose next offset nobody gave, and that of a position outside of the topic. */
  async #locate(partitions: readonly number[]): Promise<void> {
    const { admin, topic, group } = this.#options;
    const [ends, [committed]] = await Promise.all([
      admin.fetchTopicOffsets(topic),
      admin.fetchOffsets({ groupId: group, topics: [topic] }),
    ]);
    // The group may have rebalanced in the meantime.
    if (this.#assignment !== partitions) return;
    for (const { partition, low, high } of ends) {
      if (!partitions.includes(partition)) continue;
      const kept = committed.partitions.find((p) => p.partition === partition);
      const next = this.#next.get(partition) ?? Number(kept?.offset ?? -1);
      // Where a position lies outside of the topic, kafkajs begins with the oldest record.
      this.#next.set(partition, next < Number(low) || next > Number(high) ? Number(low) : next);
    }
    this.#checkCaughtUp();
  }

  #checkCaughtUp(): void {
    const behind = (partition: number) => (this.#next.get(partition) ?? -1) < (this.#targets.get(partition) ?? 0);
    if (!this.#assignment.some(behind)) this.#settle.caughtUp();
  }

  async #eachBatch({ batch, resolveOffset, heartbeat, commitOffsetsIfNecessary }: EachBatchPayload): Promise<void> {
    const { topic, commits } = this.#options;
    const { partition } = batch;
    if (!(await this.#handle(toBatch(batch), heartbeat))) return;
    resolveOffset(batch.messages[batch.messages.length - 1].offset);
    if (commits) {
      const offset = String(Number(batch.lastOffset()) + 1);
      await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset }] }] });
    }
    this.#passed(partition, batch.lastOffset());
  }

  /** Also for a batch of nothing but the marks of transactions, which is never handled. */
  #passed(partition: number, lastOffset: string): void {
    this.#next.set(partition, Number(lastOffset) + 1);
    this.#checkCaughtUp();
  }

  /** @returns whether the batch was handled; where not, the subscription ends with the handler's error. */
  async #handle(batch: RecordBatch, heartbeat: () => Promise<void>): Promise<boolean> {
    this.#handling = true;
    this.#batches++;
    // A handler may take longer than a session. What the heartbeat finds wrong shows at the commit.
    const beat = setInterval(() => heartbeat().catch(() => {}), HEARTBEAT_EVERY_MS / 2);
    try {
      await this.#options.onBatch(batch);
      return true;
    } catch (error) {
      void this.#end(toError(error));
      return false;
    } finally {
      clearInterval(beat);
      this.#handling = false;
    }
  }

  #crashed(error: Error): void {
    if (isRetriable(error)) this.#restart(error.message);
    else void this.#end(error);
  }

  #restart(reason: string): void {
    const { topic, group, logger } = this.#options;
    if (this.#restarting !== undefined || this.#ended !== undefined) return;
    logger.warn({ topic, group, reason }, 'the Kafka consumer stopped; starting another one');
    this.#restarting = this.#rejoin().finally(() => {
      this.#restarting = undefined;
    });
  }

  async #rejoin(): Promise<void> {
    try {
      await this.#leave();
      await this.#keepJoining(Infinity);
    } catch (error) {
      void this.#end(toError(error));
    }
  }

  /** A coordinator that still loads, or a broker that is away, is worth another try. */
  async #keepJoining(attempts: number): Promise<void> {
    const { topic, group, logger } = this.#options;
    let backoff = 250;
    for (let attempt = 1; this.#ended === undefined; attempt++) {
      try {
        await this.#join();
        return;
      } catch (error) {
        await this.#leave();
        if (attempt >= attempts || !isRetriable(error)) throw error;
        logger.debug({ topic, group, err: error, backoff }, 'could not join the Kafka group; trying again');
      }
      await this.#pause(backoff);
      backoff = Math.min(2 * backoff, MAX_BACKOFF_MS);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #watch(): void {
    let batches = -1;
    const look = async () => {
      const stalled = !this.#handling && this.#batches === batches && (await this.#isBehind());
      batches = this.#batches;
      if (stalled) this.#restart('there are records, and none came');
    };
    this.#watchdog = setInterval(() => look().catch(() => {}), this.#options.stalledAfterMs).unref();
  }

  async #isBehind(): Promise<boolean> {
    const ends = await this.#options.admin.fetchTopicOffsets(this.#options.topic);
    return ends.some(({ partition, high }) => Number(high) > (this.#next.get(partition) ?? Infinity));
  }

  #end(error?: Error): Promise<void> {
    this.#ended ??= (async () => {
      clearInterval(this.#watchdog);
      this.#hurry();
      await this.#restarting;
      await this.#leave();
      this.#settle.neverCaughtUp(
        error ?? new IngestError('log-closed', 'The reader was closed before it had caught up.'),
      );
      if (error === undefined) this.#settle.closed();
      else this.#settle.died(error);
    })();
    return this.#ended;
  }

  /** Waits for the batch in hand, however long it takes, and leaves the group; a consumer that hangs is left behind. */
  async #leave(): Promise<void> {
    const gone = this.#consumer?.disconnect().catch(() => {});
    await this.#inHand.catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DISCONNECT_WITHIN_MS);
    });
    await Promise.race([gone, patience]);
    clearTimeout(timer);
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function toBatch(batch: EachBatchPayload['batch']): RecordBatch {
  const { topic, partition, highWatermark } = batch;
  return {
    topic,
    partition,
    records: batch.messages.map((message) => toRecord(partition, message)),
    highWatermark: Number(highWatermark),
  };
}

const NO_HEADERS = Object.freeze({});

function toRecord(partition: number, { offset, key, value, headers, timestamp }: KafkaMessage): LogRecord {
  return {
    partition,
    offset: Number(offset),
    key: key?.toString('utf8') ?? '',
    value,
    headers: headers === undefined ? NO_HEADERS : toTexts(headers),
    appendedAt: Number(timestamp),
  };
}

function toTexts(headers: NonNullable<KafkaMessage['headers']>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value ?? '')]));
}
