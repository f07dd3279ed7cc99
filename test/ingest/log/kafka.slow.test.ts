import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, type Consumer as KafkaConsumer, logLevel } from 'kafkajs';
import { afterAll, describe, expect, test } from 'vitest';
import type { EventLog, OutgoingRecord } from '../../../ingest/log/event-log.ts';
import { openKafkaLog } from '../../../ingest/log/kafka.ts';
import { KafkaSubscription } from '../../../ingest/log/kafka-subscription.ts';
import { silentLogger } from '../../../ingest/logger.ts';
import { startBroker, withoutBroker } from '../../kafka/broker.ts';
import { eventLogContract } from './event-log.contract.ts';

const broker = await startBroker();

if (typeof broker === 'string') {
  withoutBroker(broker);
  describe.skip(`the log on Kafka: ${broker}`, () => test('skipped', () => {}));
} else {
  afterAll(() => broker.stop());
  eventLogContract('the log on Kafka', async () => ({
    open: (): Promise<EventLog> =>
      openKafkaLog({ brokers: broker.brokers, clientId: `test-${randomUUID()}`, logger: silentLogger }),
    close: async () => {},
  }));

  const open = (): Promise<EventLog> =>
    openKafkaLog({ brokers: broker.brokers, clientId: 'test', logger: silentLogger, stalledAfterMs: 5_000 });

  // Three hundred partitions keep this broker busy for a second, in which it does not list what is created next.
  test('topics are there when ensureTopics resolves, however late the broker lists them', async () => {
    const [log, other] = [await open(), await open()];
    const topics = [{ topic: `big-${randomUUID()}`, partitions: 300 }, { topic: `t-${randomUUID()}` }];
    await Promise.all([log.ensureTopics(topics), other.ensureTopics(topics)]);
    await Promise.all([log.append(topics[1].topic, numbered(0, 1)), other.append(topics[1].topic, numbered(1, 2))]);
    const seen: string[] = [];
    await log.follow({ topic: topics[1].topic, onRecord: ({ key }) => void seen.push(key) });
    await until(() => seen.length === 2);
    await Promise.all([log.close(), other.close()]);
    await remove(broker.brokers, topics);
  });

  test('members of a group share the partitions, and one that leaves hands over its own, with nothing lost', async () => {
    const log = await open();
    const topic = `t-${randomUUID()}`;
    await log.ensureTopics([{ topic, partitions: 4 }]);
    const [first, second] = [await member(log, topic), await member(log, topic)];
    await until(() => first.partitions().length === 2 && second.partitions().length === 2);
    expect([...first.partitions(), ...second.partitions()].sort()).toEqual([0, 1, 2, 3]);
    await log.append(topic, numbered(0, 200));
    await until(() => first.seen.length + second.seen.length >= 200);
    expect(first.seen.length).toBeGreaterThan(0);
    expect(second.seen.length).toBeGreaterThan(0);
    await second.consumer.close();
    await until(() => first.partitions().length === 4);
    await log.append(topic, numbered(200, 300));
    await until(() => first.seen.length + second.seen.length >= 300);
    expect([...first.seen, ...second.seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i));
    await log.close();
  });

  test('a handler slower than the session keeps its partitions', async () => {
    const log = await open();
    const topic = `t-${randomUUID()}`;
    await log.ensureTopics([{ topic }]);
    await log.append(topic, numbered(0, 3));
    const slow = await member(log, topic, 12_000);
    await until(() => slow.seen.length > 0);
    await log.append(topic, numbered(3, 4));
    await until(() => slow.seen.includes(3));
    expect(slow.seen).toEqual([0, 1, 2, 3]);
    await log.close();
  });

  test('a consumer that goes silent is replaced, and nothing is lost', async () => {
    const kafka = new Kafka({ brokers: broker.brokers, logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    const topic = `t-${randomUUID()}`;
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 2 }] });
    const consumers: KafkaConsumer[] = [];
    const seen: number[] = [];
    const subscription = await KafkaSubscription.start({
      kafka: {
        consumer: (config) => {
          const consumer = kafka.consumer(config);
          consumers.push(consumer);
          return consumer;
        },
      },
      admin,
      topic,
      group: `g-${topic}`,
      commits: true,
      logger: silentLogger,
      stalledAfterMs: 1_000,
      onBatch: async ({ records }) => void seen.push(...records.map(({ key }) => Number(key))),
    });
    const log = await open();
    await log.append(topic, numbered(0, 10));
    await until(() => seen.length === 10);
    consumers[0].pause([{ topic }]);
    await log.append(topic, numbered(10, 20));
    await until(() => seen.length === 20);
    expect(consumers).toHaveLength(2);
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    await Promise.all([subscription.close(), log.close()]);
    await admin.disconnect();
  });

  test.skipIf(broker.crash === undefined)('goes on after the broker was killed and came back', async () => {
    const log = await open();
    const topic = `t-${randomUUID()}`;
    await log.ensureTopics([{ topic, compacted: true }]);
    const group = await member(log, topic);
    const followed: number[] = [];
    const follower = await log.follow({ topic, onRecord: ({ key }) => void followed.push(Number(key)) });
    await log.append(topic, numbered(0, 10));
    await until(() => group.seen.length === 10 && followed.length === 10);
    await broker.crash?.();
    await log.append(topic, numbered(10, 20));
    await until(() => group.seen.includes(19) && followed.includes(19));
    expect([...new Set(group.seen)]).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect([...new Set(followed)]).toEqual(Array.from({ length: 20 }, (_, i) => i));
    await follower.close();
    await log.close();
  });

  test('where no broker answers, opening says so within seconds', async () => {
    const opening = openKafkaLog({ brokers: ['127.0.0.1:1'], clientId: 'test', logger: silentLogger });
    await expect(opening).rejects.toMatchObject({
      code: 'log-unreachable',
      retriable: true,
      message: /127\.0\.0\.1:1/,
    });
  });
}

async function remove(brokers: string[], topics: readonly { readonly topic: string }[]): Promise<void> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: topics.map(({ topic }) => topic) });
  await admin.disconnect();
}

async function member(log: EventLog, topic: string, handlesForMs = 0) {
  const seen: number[] = [];
  let partitions: readonly number[] = [];
  const consumer = await log.consume({
    topic,
    group: `g-${topic}`,
    onAssignment: (assigned) => {
      partitions = assigned;
    },
    onBatch: async ({ records }) => {
      seen.push(...records.map(({ key }) => Number(key)));
      await sleep(seen.length <= 3 ? handlesForMs : 0);
    },
  });
  return { seen, consumer, partitions: () => partitions };
}

function numbered(from: number, to: number): OutgoingRecord[] {
  return Array.from({ length: to - from }, (_, i) => ({ key: String(from + i), value: Buffer.from('x') }));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}
