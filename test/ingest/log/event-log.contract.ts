/**
 * What every `EventLog` does. Run by `embedded.test.ts` and, on a real broker, by `kafka.slow.test.ts`.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventLog, LogRecord, OutgoingRecord, RecordBatch, TopicSpec } from '../../../ingest/log/event-log.ts';

export interface LogFixture {
  /** Another handle on the same log. */
  open(): Promise<EventLog>;
  close(): Promise<void>;
}

export function eventLogContract(name: string, createFixture: () => Promise<LogFixture>): void {
  describe(name, () => {
    let fixture: LogFixture;
    let log: EventLog;

    beforeAll(async () => {
      fixture = await createFixture();
      log = await fixture.open();
    });

    afterAll(async () => {
      await log?.close();
      await fixture?.close();
    });

    async function newTopic(spec: Partial<TopicSpec> = {}): Promise<string> {
      const topic = `t-${randomUUID()}`;
      await log.ensureTopics([{ topic, ...spec }]);
      return topic;
    }

    /** Consumes until `count` records came, then closes. */
    async function take(topic: string, group: string, count: number, from?: number): Promise<LogRecord[]> {
      const records: LogRecord[] = [];
      const position = from === undefined ? {} : { position: () => from };
      const enough = deferred();
      const consumer = await log.consume({
        topic,
        group,
        ...position,
        onBatch: async (batch) => {
          records.push(...batch.records);
          if (records.length >= count) enough.resolve();
        },
      });
      await enough.promise;
      await consumer.close();
      return records;
    }

    test('keeps the order of a key, and every record once, over several partitions', async () => {
      const topic = await newTopic({ partitions: 3 });
      const keys = Array.from({ length: 20 }, (_, k) => `series-${k}`);
      const sent = Array.from({ length: 1000 }, (_, i) => record(keys[(i * 7) % 20], String(i)));
      for (let i = 0; i < sent.length; i += 100) await log.append(topic, sent.slice(i, i + 100));
      const got = await take(topic, 'order', sent.length);
      for (const key of keys) expect(valuesOf(got, key)).toEqual(valuesOf(sent, key));
      expect(got).toHaveLength(sent.length);
      expect(new Set(got.map((r) => r.partition)).size).toBeGreaterThan(1);
      for (const p of [0, 1, 2]) expectAscending(got.filter((r) => r.partition === p).map((r) => r.offset));
    });

    test('gives back key, bytes, headers and the time of appending', async () => {
      const topic = await newTopic();
      const value = Uint8Array.from({ length: 256 }, (_, i) => i);
      const before = Date.now();
      await log.append(topic, [{ key: 'Füße/🚀', value, headers: { reason: 'naïve', n: '1' } }, record('plain', '')]);
      const [first, second] = await take(topic, 'bytes', 2);
      expect(first).toMatchObject({ key: 'Füße/🚀', headers: { reason: 'naïve', n: '1' }, offset: 0, partition: 0 });
      expect(Buffer.from(first.value ?? []).equals(value)).toBe(true);
      expect(first.appendedAt).toBeGreaterThanOrEqual(before - 5);
      expect(first.appendedAt).toBeLessThanOrEqual(Date.now() + 5);
      expect(second).toMatchObject({ key: 'plain', headers: {} });
      expect(second.value).toHaveLength(0);
    });

    test('resumes from the committed position', async () => {
      const topic = await newTopic();
      await log.append(topic, records(0, 10));
      expect(await take(topic, 'resume', 10)).toHaveLength(10);
      await log.append(topic, records(10, 15));
      expect(textsOf(await take(topic, 'resume', 5))).toEqual(texts(10, 15));
    });

    test('resumes from the position of the caller, behind or ahead of the committed one', async () => {
      const topic = await newTopic();
      await log.append(topic, records(0, 20));
      await take(topic, 'positions', 20);
      expect(textsOf(await take(topic, 'positions', 15, 5))).toEqual(texts(5, 20));
      await log.append(topic, records(20, 30));
      expect(textsOf(await take(topic, 'positions', 4, 26))).toEqual(texts(26, 30));
      expect(textsOf(await take(topic, 'positions', 30, 0))).toEqual(texts(0, 30));
    });

    test('gives the beginning for a position beyond the end, which belongs to a log that is gone', async () => {
      const topic = await newTopic();
      await log.append(topic, records(0, 3));
      expect(textsOf(await take(topic, 'beyond', 3, 1000))).toEqual(texts(0, 3));
    });

    test('commits nothing for a batch whose handler rejects, and stops with its error', async () => {
      const topic = await newTopic();
      await log.append(topic, records(0, 5));
      const seen: number[] = [];
      const consumer = await log.consume({
        topic,
        group: 'failing',
        onBatch: async (batch) => {
          seen.push(batch.records.length);
          throw new Error('the handler is broken');
        },
      });
      await expect(consumer.closed).rejects.toThrow('the handler is broken');
      await consumer.close();
      expect(seen).toHaveLength(1);
      expect(textsOf(await take(topic, 'failing', 5))).toEqual(texts(0, 5));
    });

    test('finishes and commits the batch in hand when it is closed while consuming', async () => {
      const topic = await newTopic();
      await log.append(topic, records(0, 50));
      const begun = deferred();
      let done = 0;
      const consumer = await log.consume({
        topic,
        group: 'closing',
        onBatch: async (batch) => {
          begun.resolve();
          await sleep(300);
          done += batch.records.length;
        },
      });
      await begun.promise;
      await consumer.close();
      await consumer.close();
      await expect(consumer.closed).resolves.toBeUndefined();
      expect(done).toBeGreaterThan(0);
      await log.append(topic, records(50, 51));
      expect(textsOf(await take(topic, 'closing', 51 - done))).toEqual(texts(done, 51));
    });

    test('tells the high watermark and the assigned partitions, and when it has caught up', async () => {
      const topic = await newTopic({ partitions: 2 });
      await log.append(topic, records(0, 40));
      const batches: RecordBatch[] = [];
      const assignments: (readonly number[])[] = [];
      const consumer = await log.consume({
        topic,
        group: 'lag',
        onBatch: async (batch) => void batches.push(batch),
        onAssignment: (partitions) => assignments.push([...partitions].sort()),
      });
      await consumer.caughtUp;
      await consumer.close();
      expect(assignments[0]).toEqual([0, 1]);
      expect(batches.flatMap((b) => b.records)).toHaveLength(40);
      for (const partition of [0, 1]) {
        const last = batches.findLast((b) => b.partition === partition);
        const lag = (last?.highWatermark ?? 0) - (last?.records.at(-1)?.offset ?? -1) - 1;
        expect(lag).toBe(0);
      }
    });

    test('a position that cannot be told ends the consumer with the error, and no record reaches the handler', async () => {
      const topic = await newTopic();
      await log.append(topic, records(0, 3));
      let handled = 0;
      const consuming = log.consume({
        topic,
        group: 'lost',
        position: () => {
          throw new Error('the store is closed');
        },
        onBatch: async () => void handled++,
      });
      await expect(consuming.then((consumer) => consumer.closed)).rejects.toThrow('the store is closed');
      expect(handled).toBe(0);
      expect(await take(topic, 'lost', 3)).toHaveLength(3);
    });

    test('has caught up at once with an empty topic', async () => {
      const topic = await newTopic({ partitions: 2 });
      const consumer = await log.consume({ topic, group: 'empty', onBatch: async () => {} });
      await consumer.caughtUp;
      await consumer.close();
    });

    test('carries records of 900 kB', async () => {
      const topic = await newTopic();
      const value = Buffer.alloc(900_000, 'abcdefg');
      await log.append(topic, [{ key: 'large', value }]);
      await log.append(topic, [{ key: 'large', value }, record('small', 'x')]);
      const got = await take(topic, 'large', 3);
      expect(got.map((r) => r.value?.byteLength)).toEqual([900_000, 900_000, 1]);
      expect(value.equals(got[1].value ?? new Uint8Array(0))).toBe(true);
    });

    test('delivers what a second handle appends while the first one consumes', async () => {
      const topic = await newTopic();
      const second = await fixture.open();
      try {
        const got: LogRecord[] = [];
        const all = deferred();
        const consumer = await log.consume({
          topic,
          group: 'second-handle',
          onBatch: async (batch) => {
            got.push(...batch.records);
            if (got.length === 10) all.resolve();
          },
        });
        await consumer.caughtUp;
        await second.append(topic, records(0, 5));
        await log.append(topic, records(5, 10));
        await all.promise;
        await consumer.close();
        expect(textsOf(got)).toEqual(texts(0, 10));
      } finally {
        await second.close();
      }
    });

    test('keeps the last value of a key on a compacted topic, and both followers see the same', async () => {
      const topic = await newTopic({ compacted: true });
      await log.append(topic, [record('a', '1'), record('b', '1'), record('c', '1')]);
      await log.append(topic, [record('a', '2'), { key: 'b', value: null }, record('a', '3')]);
      const first = await followInto(log, topic);
      const second = await followInto(log, topic);
      expect(first.latest()).toEqual({ a: '3', c: '1' });
      expect(second.latest()).toEqual({ a: '3', c: '1' });
      await log.append(topic, [record('d', '1'), { key: 'a', value: null }]);
      await until(() => first.latest().d === '1' && second.latest().d === '1' && !('a' in second.latest()));
      expect(first.latest()).toEqual({ c: '1', d: '1' });
      await first.close();
      await log.append(topic, [record('e', '1')]);
      await until(() => second.latest().e === '1');
      expect(first.latest()).not.toHaveProperty('e');
      await second.close();
    });

    test('a follower has caught up at once with an empty topic, and then follows', async () => {
      const topic = await newTopic({ compacted: true });
      const follower = await followInto(log, topic);
      await log.append(topic, [record('a', '1')]);
      await until(() => follower.latest().a === '1');
      await follower.close();
    });

    test('a follower whose handler rejects stops with its error', async () => {
      const topic = await newTopic({ compacted: true });
      await log.append(topic, [record('a', '1')]);
      const follower = await log.follow({ topic, onRecord: () => Promise.reject(new Error('cannot read that')) });
      await expect(follower.closed).rejects.toThrow('cannot read that');
      await expect(follower.caughtUp).rejects.toThrow('cannot read that');
      await follower.close();
    });

    test('ensures a topic twice without touching what it holds', async () => {
      const topic = await newTopic({ partitions: 2 });
      await log.append(topic, records(0, 4));
      await log.ensureTopics([{ topic, partitions: 2 }, { topic: `${topic}-b` }]);
      await log.ensureTopics([{ topic, partitions: 2 }]);
      expect(await take(topic, 'ensured', 4)).toHaveLength(4);
    });

    test('refuses to append to a topic that does not exist', async () => {
      await expect(log.append(`none-${randomUUID()}`, [record('a', '1')])).rejects.toMatchObject({
        code: 'unknown-topic',
      });
    });

    test('closes with its consumers and followers, twice, and refuses work afterwards', async () => {
      const topic = await newTopic();
      const other = await fixture.open();
      const consumer = await other.consume({ topic, group: 'closed', onBatch: async () => {} });
      const follower = await other.follow({ topic, onRecord: () => {} });
      await other.close();
      await other.close();
      await expect(consumer.closed).resolves.toBeUndefined();
      await expect(follower.closed).resolves.toBeUndefined();
      await expect(other.append(topic, [record('a', '1')])).rejects.toMatchObject({ code: 'log-closed' });
    });
  });
}

function record(key: string, text: string): OutgoingRecord {
  return { key, value: Buffer.from(text) };
}

function texts(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => String(from + i));
}

function records(from: number, to: number): OutgoingRecord[] {
  return texts(from, to).map((text) => record(`k${Number(text) % 5}`, text));
}

function textsOf(got: readonly (LogRecord | OutgoingRecord)[]): string[] {
  return got.map((r) => Buffer.from(r.value ?? []).toString());
}

function valuesOf(got: readonly (LogRecord | OutgoingRecord)[], key: string): string[] {
  return textsOf(got.filter((r) => r.key === key));
}

function expectAscending(offsets: readonly number[]): void {
  for (let i = 1; i < offsets.length; i++) expect(offsets[i]).toBeGreaterThan(offsets[i - 1]);
}

async function followInto(log: EventLog, topic: string) {
  const latest = new Map<string, string>();
  const follower = await log.follow({
    topic,
    onRecord: ({ key, value }) => {
      if (value === null) latest.delete(key);
      else latest.set(key, Buffer.from(value).toString());
    },
  });
  await follower.caughtUp;
  return { latest: () => Object.fromEntries(latest), close: () => follower.close() };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
