/**
 * The log on Kafka, through kafkajs: a thin adapter. Groups share partitions among replicas, the broker keeps positions and
 * compacts. What kafkajs does badly is dealt with beside this file: restarts and silence in `kafka-subscription.ts`, its
 * log in `kafka-logger.ts`, its errors in `kafka-errors.ts`.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Admin, Kafka, type KafkaConfig, logLevel, Partitioners, type Producer } from 'kafkajs';
import { IngestError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type {
  ConsumeOptions,
  Consumer,
  EventLog,
  Follower,
  FollowOptions,
  OutgoingRecord,
  TopicSpec,
} from './event-log.ts';
import { AppendQueue } from './kafka-append.ts';
import { isRetriable, toIngestError } from './kafka-errors.ts';
import { kafkaLogCreator } from './kafka-logger.ts';
import { KafkaSubscription, type SubscriptionOptions } from './kafka-subscription.ts';

export interface KafkaLogOptions {
  /** `host:port` of some of the cluster's brokers. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly logger: Logger;
  /** Of topics that are created here. Default 1. */
  readonly replicationFactor?: number;
  /** TLS and credentials, as kafkajs takes them. */
  readonly security?: Pick<KafkaConfig, 'ssl' | 'sasl'>;
  /** How long nothing may come although there is something before a consumer is replaced. Default 30 s. */
  readonly stalledAfterMs?: number;
}

/** Artifacts travel on compacted topics and outgrow the broker's 1 MiB. */
const COMPACTED_MAX_RECORD_BYTES = 16 * 1024 * 1024;
const HOUR_MS = 3_600_000;
const LEADERS_WITHIN_MS = 30_000;
const LEADERS_POLL_MS = 50;

/** Resolves when a broker answered. @throws IngestError `log-unreachable` */
export async function openKafkaLog(options: KafkaLogOptions): Promise<EventLog> {
  const kafka = new Kafka({
    ...options.security,
    brokers: [...options.brokers],
    clientId: options.clientId,
    logLevel: logLevel.INFO,
    logCreator: kafkaLogCreator(options.logger),
    retry: { retries: 5 },
  });
  const admin = kafka.admin();
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    // Some 20 s in all. By default kafkajs tries for ever, and an append would never be answered.
    retry: { initialRetryTime: 200, maxRetryTime: 5_000, retries: 8 },
  });
  try {
    await Promise.all([admin.connect(), producer.connect()]);
  } catch (error) {
    await Promise.allSettled([admin.disconnect(), producer.disconnect()]);
    throw toIngestError(error, options.brokers);
  }
  return new KafkaLog(options, kafka, admin, producer);
}

class KafkaLog implements EventLog {
  readonly description: string;
  readonly #options: KafkaLogOptions;
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #producer: Producer;
  readonly #queue: AppendQueue;
  readonly #subscriptions = new Set<KafkaSubscription>();
  readonly #known = new Set<string>();
  #closed: Promise<void> | undefined;

  constructor(options: KafkaLogOptions, kafka: Kafka, admin: Admin, producer: Producer) {
    this.description = `kafka (${options.brokers.join(', ')})`;
    this.#options = options;
    this.#kafka = kafka;
    this.#admin = admin;
    this.#producer = producer;
    this.#queue = new AppendQueue(producer);
  }

  ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    return this.#asking(async () => {
      const present = new Set(await this.#admin.listTopics());
      const missing = topics.filter(({ topic }) => !present.has(topic));
      if (missing.length > 0) await this.#create(missing);
      for (const { topic } of topics) await this.#led(topic);
    });
  }

  append(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    return this.#asking(async () => {
      if (records.length === 0) return;
      await this.#requireTopic(topic);
      await this.#queue.append(topic, records);
    });
  }

  consume({ topic, group, position, onBatch, onAssignment }: ConsumeOptions): Promise<Consumer> {
    return this.#subscribe({
      topic,
      group,
      commits: true,
      onBatch,
      ...(position === undefined ? {} : { position }),
      ...(onAssignment === undefined ? {} : { onAssignment }),
    });
  }

  /** In a group of its own that remembers nothing: kafkajs cannot read without a group. */
  follow({ topic, onRecord }: FollowOptions): Promise<Follower> {
    const next = new Map<number, number>();
    return this.#subscribe({
      topic,
      group: `${this.#options.clientId}.follower.${randomUUID()}`,
      commits: false,
      position: (partition) => next.get(partition),
      onBatch: async ({ partition, records }) => {
        for (const record of records) {
          await onRecord(record);
          next.set(partition, record.offset + 1);
        }
      },
    });
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
      await this.#queue.idle();
      await Promise.allSettled([this.#producer.disconnect(), this.#admin.disconnect()]);
    })();
    return this.#closed;
  }

  #subscribe(
    options: Omit<SubscriptionOptions, 'kafka' | 'admin' | 'logger' | 'stalledAfterMs'>,
  ): Promise<KafkaSubscription> {
    return this.#asking(async () => {
      await this.#requireTopic(options.topic);
      const { logger, stalledAfterMs = 30_000 } = this.#options;
      const common = { kafka: this.#kafka, admin: this.#admin, logger, stalledAfterMs };
      const subscription = await KafkaSubscription.start({ ...common, ...options });
      this.#subscriptions.add(subscription);
      const forget = () => this.#subscriptions.delete(subscription);
      subscription.closed.then(forget, forget);
      return subscription;
    });
  }

  /** kafkajs would ask for the topic's leader again and again for ten seconds. */
  async #requireTopic(topic: string): Promise<void> {
    if (this.#known.has(topic)) return;
    if ((await this.#admin.listTopics()).includes(topic)) return this.#led(topic);
    throw new IngestError('unknown-topic', `There is no topic ${topic}: create it with ensureTopics first.`);
  }

  /**
   * Creating a topic that another process has just created is no error. Waiting is `#led`'s: kafkajs would give up at a
   * broker that has not heard of the topic yet, as one does that is still busy with the topic before.
   */
  async #create(topics: readonly TopicSpec[]): Promise<void> {
    for (const spec of topics) {
      await this.#admin.createTopics({
        waitForLeaders: false,
        topics: [
          {
            topic: spec.topic,
            numPartitions: spec.partitions ?? 1,
            replicationFactor: this.#options.replicationFactor ?? 1,
            configEntries: configOf(spec),
          },
        ],
      });
    }
  }

  /** A topic exists a moment before brokers list it, and is listed a moment before its partitions have leaders that answer. */
  async #led(topic: string): Promise<void> {
    if (this.#known.has(topic)) return;
    const deadline = performance.now() + LEADERS_WITHIN_MS;
    for (;;) {
      this.#requireOpen();
      try {
        await this.#admin.fetchTopicOffsets(topic);
        this.#known.add(topic);
        return;
      } catch (error) {
        if (performance.now() > deadline || !isRetriable(error)) throw error;
        await sleep(LEADERS_POLL_MS);
      }
    }
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw new IngestError('log-closed', 'The log was closed: open it again.');
  }

  async #asking<T>(work: () => Promise<T>): Promise<T> {
    this.#requireOpen();
    try {
      return await work();
    } catch (error) {
      throw toIngestError(error, this.#options.brokers);
    }
  }
}

function configOf({ compacted, retentionMs }: TopicSpec): { name: string; value: string }[] {
  if (!compacted) return [{ name: 'retention.ms', value: String(retentionMs ?? -1) }];
  return [
    { name: 'cleanup.policy', value: 'compact' },
    { name: 'max.message.bytes', value: String(COMPACTED_MAX_RECORD_BYTES) },
    // Only closed segments are compacted; by default one stays open for a week.
    { name: 'segment.ms', value: String(HOUR_MS) },
  ];
}
