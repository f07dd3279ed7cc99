import { expect, test } from 'vitest';
import { appendEvents, prepareEvents } from '../../ingest/append.ts';
import { type IngestOptions, type StoredBatch, startIngest } from '../../ingest/consume.ts';
import { deadLetterTopic } from '../../ingest/dead-letters.ts';
import type { EventLog } from '../../ingest/log/event-log.ts';
import { silentLogger } from '../../ingest/logger.ts';
import type { ObservationStore } from '../../ingest/observation-store.ts';
import { openLog, openTestStore, recordsOf, STREAM } from './stream-fixture.ts';

function ingest(log: EventLog, store: ObservationStore, more: Partial<IngestOptions> = {}) {
  const parts = { stream: STREAM, group: 'test', clock: Date.now, logger: silentLogger };
  return startIngest({ log, store, ...parts, ...more });
}

function events(from: number, to: number): object[] {
  return Array.from({ length: to - from }, (_, i) => ({
    series: `s${(from + i) % 3}`,
    time: from + i,
    values: { x: from + i, y: null },
  }));
}

test('appends events, stores them with their position, and tells what changed', async () => {
  const [log, store] = [await openLog(), openTestStore()];
  const batches: StoredBatch[] = [];
  expect(await appendEvents(log, STREAM, events(0, 3000))).toEqual({ appended: 3000, refused: [] });
  const consumer = await ingest(log, store, { onStored: (batch) => batches.push(batch) });
  await consumer.caughtUp;
  expect(consumer.lag()).toEqual({ records: 0, seconds: 0 });
  await consumer.close();
  expect(store.stream('pumps')).toMatchObject({ observations: 3000, series: 3, firstTime: 0, lastTime: 2999 });
  expect((store.position(STREAM.topic, 0) ?? 0) + (store.position(STREAM.topic, 1) ?? 0)).toBe(3000);
  expect(batches.reduce((n, b) => n + b.events, 0)).toBe(3000);
  expect(Math.max(...batches.map((b) => b.newestTime))).toBe(2999);
  expect(new Set(batches.flatMap((b) => [...b.series]))).toEqual(new Set(['s0', 's1', 's2']));
});

test('refused events become dead letters with reason, place and bytes; nothing stops', async () => {
  const [log, store] = [await openLog(), openTestStore()];
  const refused: [string, number][] = [];
  const value = (text: string) => ({ key: 'k', value: Buffer.from(text) });
  await log.append(STREAM.topic, [
    value('garbage'),
    value('{"series":"s","time":1,"values":{"x":1}}'),
    { key: 'k', value: null },
    value('{"series":"s","time":2,"values":{"heat":1}}'),
    value(`"${'x'.repeat(100_000)}"`),
    value('{"series":"s","time":3,"values":{"x":3}}'),
  ]);
  const consumer = await ingest(log, store, { onRefused: (code, n) => refused.push([code, n]) });
  await consumer.caughtUp;
  await consumer.close();
  expect(store.series('pumps', 's')).toMatchObject({ observations: 2 });
  expect(refused).toEqual([
    ['not-json', 2],
    ['unknown-channel', 1],
    ['too-large', 1],
  ]);
  const letters = await recordsOf(log, deadLetterTopic('pumps').topic);
  expect(letters.map((l) => [l.headers.reason, l.headers.offset, l.headers.bytes, l.value?.length])).toEqual([
    ['not-json', '0', '7', 7],
    ['not-json', '2', '0', 0],
    ['unknown-channel', '3', '43', 43],
    ['too-large', '4', '100002', 65_536],
  ]);
  expect(letters[0].headers).toMatchObject({ topic: STREAM.topic, message: expect.stringContaining('not JSON') });
  expect(Buffer.from(letters[0].value ?? []).toString()).toBe('garbage');
});

test('a role that reads beside another counts refused events and leaves the dead letters to it', async () => {
  const log = await openLog();
  const refused: number[] = [];
  await log.append(STREAM.topic, [{ key: 'k', value: Buffer.from('garbage') }]);
  const count = (_: string, n: number) => refused.push(n);
  for (const [group, keepsRefused] of [
    ['serve', true],
    ['train', false],
  ] as const) {
    const consumer = await ingest(log, openTestStore(), { group, keepsRefused, onRefused: count });
    await consumer.caughtUp;
    await consumer.close();
  }
  expect(refused).toEqual([1, 1]);
  expect(await recordsOf(log, deadLetterTopic('pumps').topic)).toHaveLength(1);
});

test('the store decides where to go on: a new store reads all again, an old one nothing twice', async () => {
  const [log, store] = [await openLog(), openTestStore()];
  await appendEvents(log, STREAM, events(0, 100));
  const first = await ingest(log, store);
  await first.caughtUp;
  await first.close();
  await appendEvents(log, STREAM, events(100, 110));
  let stored = 0;
  const second = await ingest(log, store, { onStored: ({ events: n }) => (stored += n) });
  await second.caughtUp;
  await second.close();
  expect(stored).toBe(10);
  const fresh = openTestStore();
  const third = await ingest(log, fresh);
  await third.caughtUp;
  await third.close();
  expect(fresh.stream('pumps')).toEqual({ ...store.stream('pumps'), revision: fresh.stream('pumps').revision });
});

test('lag tells records and seconds behind', async () => {
  const [log, store] = [await openLog(), openTestStore()];
  const lags: { records: number; seconds: number }[] = [];
  await appendEvents(
    log,
    STREAM,
    events(0, 2500).map((e) => ({ ...e, series: 'one' })),
  );
  const later = () => Date.now() + 5000;
  const consumer = await ingest(log, store, { clock: later, onStored: () => lags.push(consumer.lag()) });
  await consumer.caughtUp;
  expect(consumer.lag()).toEqual({ records: 0, seconds: 0 });
  await consumer.close();
  // As of the transaction before: 1,000 of 2,500 were stored.
  expect(lags[1].records).toBe(1500);
  expect(lags[1].seconds).toBeGreaterThan(4.9);
});

test('a store that fails stops it with the error, and nothing is lost', async () => {
  const [log, store] = [await openLog(), openTestStore()];
  await appendEvents(log, STREAM, events(0, 10));
  const broken: ObservationStore = {
    ...bind(store),
    put: () => Promise.reject(new Error('disk full')),
  };
  const consumer = await ingest(log, broken);
  await expect(consumer.closed).rejects.toThrow('disk full');
  const again = await ingest(log, store);
  await again.caughtUp;
  await again.close();
  expect(store.stream('pumps').observations).toBe(10);
});

test('dead letters that cannot be kept do not stop it', async () => {
  const [log, store] = [await openLog(), openTestStore()];
  await log.append(STREAM.topic, [{ key: 'k', value: Buffer.from('garbage') }]);
  await appendEvents(log, STREAM, events(0, 5));
  const mute: EventLog = {
    description: log.description,
    ensureTopics: (topics) => log.ensureTopics(topics),
    append: () => Promise.reject(new Error('no more')),
    consume: (options) => log.consume(options),
    follow: (options) => log.follow(options),
    close: () => log.close(),
  };
  const consumer = await ingest(mute, store);
  await consumer.caughtUp;
  await consumer.close();
  expect(store.stream('pumps').observations).toBe(5);
});

test('prepares what is good and says by index what is not', () => {
  const stream = { ...STREAM, maxEventBytes: 80 };
  const long = { series: 'x'.repeat(100), time: 1, values: { x: 1 } };
  const prepared = prepareEvents(stream, [{ series: 's', time: '1970-01-01T00:00:01Z', values: { x: 1 } }, 7, long]);
  expect(prepared.records.map((r) => [r.key, Buffer.from(r.value ?? []).toString()])).toEqual([
    ['s', '{"series":"s","time":"1970-01-01T00:00:01Z","values":{"x":1}}'],
  ]);
  expect(prepared.refused.map((r) => [r.index, r.code])).toEqual([
    [1, 'not-an-object'],
    [2, 'too-large'],
  ]);
});

function bind(store: ObservationStore): ObservationStore {
  return {
    put: (...args) => store.put(...args),
    position: (...args) => store.position(...args),
    stream: (...args) => store.stream(...args),
    listSeries: (...args) => store.listSeries(...args),
    series: (...args) => store.series(...args),
    window: (...args) => store.window(...args),
    close: () => store.close(),
  };
}
