import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Observation, ObservationStore } from '../../ingest/observation-store.ts';
import { openStore, type StoreOptions } from '../../ingest/store.ts';
import type { Window } from '../../ingest/window.ts';
import { tempFolder } from './temp-folder.ts';

const NAN = Number.NaN;

function observation(series: string, time: number, ...values: number[]): Observation {
  return { series, time, values: Float64Array.from(values) };
}

/** A window as rows of [time, ...values], NaN where not observed. */
function rows({ channels, times, values, mask }: Window): number[][] {
  return Array.from(times, (time, n) => [
    time,
    ...Array.from({ length: channels }, (_, d) => (mask[n * channels + d] ? values[n * channels + d] : NAN)),
  ]);
}

async function withStore(options: StoreOptions, work: (store: ObservationStore) => Promise<void>): Promise<void> {
  const store = openStore(tempFolder(), options);
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

test('an empty store knows nothing and says so', () =>
  withStore({}, async (store) => {
    expect(store.stream('s')).toEqual({ observations: 0, series: 0, revision: 0 });
    expect(store.series('s', 'a')).toBeUndefined();
    expect(store.listSeries('s', { limit: 10 })).toEqual([]);
    expect(store.position('topic', 0)).toBeUndefined();
    expect(store.window('s', 'a', {})).toEqual({
      channels: 0,
      offsets: Int32Array.of(0, 0),
      times: new Float64Array(0),
      values: new Float64Array(0),
      mask: new Uint8Array(0),
    });
  }));

test('keeps observations in order of time, before and after the epoch, with fractions', () =>
  withStore({}, async (store) => {
    const times = [5, -3.25, 0, 1e12 + 0.125, -1e13, 1e-3];
    await store.put(
      's',
      times.map((t) => observation('a', t, t)),
    );
    const sorted = [...times].sort((a, b) => a - b);
    expect(rows(store.window('s', 'a', {}))).toEqual(sorted.map((t) => [t, t]));
    expect(store.series('s', 'a')).toEqual({ series: 'a', observations: 6, firstTime: -1e13, lastTime: 1e12 + 0.125 });
  }));

test('merges channels of one time, the last write wins', () =>
  withStore({}, async (store) => {
    await store.put('s', [observation('a', 1, 10, NAN), observation('a', 1, NAN, 20)]);
    await store.put('s', [observation('a', 1, 11, NAN)]);
    expect(rows(store.window('s', 'a', {}))).toEqual([[1, 11, 20]]);
    expect(store.stream('s')).toEqual({ observations: 1, series: 1, firstTime: 1, lastTime: 1, revision: 2 });
  }));

test('windows by range and limits from both ends, bounds included', () =>
  withStore({}, async (store) => {
    await store.put(
      's',
      Array.from({ length: 10 }, (_, i) => observation('a', i, i)),
    );
    await store.put('s', [observation('b', 4, 99)]);
    const times = (query: Parameters<ObservationStore['window']>[2]) => [...store.window('s', 'a', query).times];
    expect(times({ from: 3, to: 5 })).toEqual([3, 4, 5]);
    expect(times({ to: 5, limit: 2 })).toEqual([4, 5]);
    expect(times({ from: 3, limit: 2, keep: 'oldest' })).toEqual([3, 4]);
    expect(times({ limit: 3 })).toEqual([7, 8, 9]);
    expect(times({ limit: 100 })).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(times({ from: 2.5, to: 2.75 })).toEqual([]);
    expect(times({ from: 5, to: 3 })).toEqual([]);
    expect(times({ limit: 0 })).toEqual([]);
  }));

test('keeps positions with what they follow, and alone', () =>
  withStore({}, async (store) => {
    await store.put('s', [observation('a', 1, 1)], { topic: 'events', partition: 2, next: 17 });
    await store.put('s', [], { topic: 'events', partition: 0, next: 3 });
    expect([0, 1, 2].map((p) => store.position('events', p))).toEqual([3, undefined, 17]);
    expect(store.stream('s').revision).toBe(1);
  }));

test('streams and series with hard names stay apart', () =>
  withStore({}, async (store) => {
    const names = ['a', 'a\0', 'a\0b', 'ab', 'ä', '🚀', ' ', '/', '\uffff', 'x'.repeat(512), '漢'.repeat(512)];
    await store.put(
      's',
      names.map((name, i) => observation(name, i, i)),
    );
    await store.put('t', [observation('a', 100, 100)]);
    names.forEach((name, i) => {
      expect(rows(store.window('s', name, {}))).toEqual([[i, i]]);
    });
    const byBytes = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(store.listSeries('s', { limit: 100 }).map((s) => s.series)).toEqual(byBytes);
    const paged: string[] = [];
    for (let page = store.listSeries('s', { limit: 3 }); page.length > 0; ) {
      paged.push(...page.map((s) => s.series));
      page = store.listSeries('s', { limit: 3, after: paged[paged.length - 1] });
    }
    expect(paged).toEqual(byBytes);
    expect(store.stream('t')).toMatchObject({ series: 1, observations: 1 });
    expect(store.series('s', '')).toBeUndefined();
  }));

test('is the same after it was closed and opened again', async () => {
  const path = tempFolder();
  const first = openStore(path);
  await first.put('s', [observation('a', 1, 1), observation('b', 2, 2)], { topic: 't', partition: 0, next: 2 });
  await first.close();
  await first.close();
  await expect(first.put('s', [])).rejects.toMatchObject({ code: 'store-closed' });
  const second = openStore(path);
  expect(second.stream('s')).toEqual({ observations: 2, series: 2, firstTime: 1, lastTime: 2, revision: 1 });
  expect(second.position('t', 0)).toBe(2);
  await second.put('s', [observation('c', 3, 3)]);
  expect(second.listSeries('s', { limit: 9 }).map((s) => s.observations)).toEqual([1, 1, 1]);
  await second.close();
});

test('keeps the newest observations of a series where retention is by count', async () => {
  const retention = { maxPerSeries: 3 };
  await withStore({ streams: [{ name: 's', channels: ['x'], retention }] }, async (store) => {
    await store.put(
      's',
      [5, 1, 4, 2, 3].map((t) => observation('a', t, t)),
    );
    await store.put('s', [observation('b', 9, 9)]);
    expect(rows(store.window('s', 'a', {}))).toEqual([
      [3, 3],
      [4, 4],
      [5, 5],
    ]);
    await store.put('s', [observation('a', 6, 6)]);
    expect(store.series('s', 'a')).toEqual({ series: 'a', observations: 3, firstTime: 4, lastTime: 6 });
    expect(store.stream('s')).toMatchObject({ observations: 4, series: 2, firstTime: 4, lastTime: 9 });
  });
});

test('forgets what is too old by event time, also of series that nothing comes for any more', async () => {
  const retention = { maxAgeMs: 100 };
  await withStore({ streams: [{ name: 's', channels: ['x'], retention }] }, async (store) => {
    await store.put('s', [observation('silent', 1, 1), observation('silent', 40, 1), observation('a', 50, 1)]);
    await store.put('s', [observation('a', 135, 1)]);
    expect(store.series('s', 'silent')).toMatchObject({ observations: 1, firstTime: 40 });
    await store.put('s', [observation('a', 145, 1)]);
    expect(store.series('s', 'silent')).toBeUndefined();
    expect(store.stream('s')).toMatchObject({ observations: 3, series: 1, firstTime: 50, lastTime: 145 });
  });
});

test('an event of the far future does not make the present old where there is a clock', async () => {
  const streams = [{ name: 's', channels: ['x'], retention: { maxAgeMs: 100 } }];
  await withStore({ streams, clock: () => 1000 }, async (store) => {
    await store.put('s', [observation('a', 950, 1), observation('a', 850, 1), observation('mad', 1e14, 1)]);
    expect(rows(store.window('s', 'a', {}))).toEqual([[950, 1]]);
  });
});

test('a backlog that retention leaves shrinks in bounded steps', async () => {
  const path = tempFolder();
  const all = Array.from({ length: 2000 }, (_, t) => observation('a', t, t));
  const before = openStore(path);
  await before.put('s', all);
  await before.close();
  const store = openStore(path, { streams: [{ name: 's', channels: ['x'], retention: { maxPerSeries: 10 } }] });
  await store.put('s', [observation('a', 2000, 1)]);
  const first = store.series('s', 'a')?.observations ?? 0;
  expect(first).toBeGreaterThan(1000);
  expect(first).toBeLessThan(2000);
  for (let t = 2001; t < 2020; t++) await store.put('s', [observation('a', t, 1)]);
  expect(store.series('s', 'a')).toEqual({ series: 'a', observations: 10, firstTime: 2010, lastTime: 2019 });
  await store.close();
});

test('a channel may be added at the end; columns that move are refused', async () => {
  const path = tempFolder();
  const as = (...channels: string[]) => openStore(path, { streams: [{ name: 's', channels, retention: {} }] });
  const first = as('x', 'y');
  await first.put('s', [observation('a', 1, 1, 2)]);
  await first.close();
  const wider = as('x', 'y', 'z');
  expect(rows(wider.window('s', 'a', {}))).toEqual([[1, 1, 2, NAN]]);
  await wider.put('s', [observation('a', 1, NAN, NAN, 3)]);
  expect(rows(wider.window('s', 'a', {}))).toEqual([[1, 1, 2, 3]]);
  await expect(wider.put('s', [observation('a', 2, 1)])).rejects.toMatchObject({ code: 'channels-changed' });
  await wider.close();
  expect(() => as('y', 'x', 'z')).toThrow(expect.objectContaining({ code: 'channels-changed' }));
  expect(() => as('x')).toThrow(expect.objectContaining({ code: 'channels-changed' }));
});

test.each([
  ['an infinite time', observation('a', Infinity, 1)],
  ['no time', observation('a', NAN, 1)],
  ['no series', observation('', 1, 1)],
  ['a series that is too long', observation('x'.repeat(513), 1, 1)],
])('refuses %s, and writes nothing of the batch', (_, bad) =>
  withStore({}, async (store) => {
    const position = { topic: 't', partition: 0, next: 9 };
    await expect(store.put('s', [observation('a', 1, 1), bad], position)).rejects.toMatchObject({
      code: 'bad-observation',
    });
    expect(store.stream('s').observations).toBe(0);
    expect(store.position('t', 0)).toBeUndefined();
  }),
);

test('zero and minus zero are one instant, in keys and in queries', () =>
  withStore({}, async (store) => {
    await store.put('s', [observation('a', -1, 1), observation('a', 0, 2), observation('a', -0, 3)]);
    expect(rows(store.window('s', 'a', { from: -0 }))).toEqual([[0, 3]]);
    expect(rows(store.window('s', 'a', { to: -0 }))).toEqual([
      [-1, 1],
      [0, 3],
    ]);
  }));

test('refuses a folder that it cannot use', () => {
  expect(() => openStore('/dev/null/store')).toThrow(expect.objectContaining({ code: 'folder-unusable' }));
});

const observations = fc.array(
  fc.record({
    series: fc.constantFrom('a', 'b', 'ç'),
    time: fc.constantFrom(-2.5, -1, 0, 1, 2, 3, 1e12),
    values: fc.array(fc.oneof(fc.constant(NAN), fc.integer({ min: 0, max: 9 })), { minLength: 2, maxLength: 2 }),
  }),
  { maxLength: 12 },
);

test('equals a plain map under any batches, out of order, repeated and merged (property)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(observations, { maxLength: 5 }), async (batches) => {
      await withStore({}, async (store) => {
        const model = new Map<string, Map<number, number[]>>();
        for (const batch of batches) {
          await store.put(
            's',
            batch.map(({ series, time, values }) => observation(series, time, ...values)),
          );
          for (const { series, time, values } of batch) {
            const known = model.get(series) ?? new Map<number, number[]>();
            const old = known.get(time) ?? [NAN, NAN];
            known.set(
              time,
              values.map((v, d) => (Number.isNaN(v) ? old[d] : v)),
            );
            model.set(series, known);
          }
        }
        const all = [...model.values()].flatMap((known) => [...known.keys()]);
        expect(store.stream('s')).toEqual({
          observations: all.length,
          series: model.size,
          revision: batches.filter((b) => b.length > 0).length,
          ...(all.length === 0 ? {} : { firstTime: Math.min(...all), lastTime: Math.max(...all) }),
        });
        for (const [series, known] of model) {
          const expected = [...known].sort(([a], [b]) => a - b).map(([time, values]) => [time, ...values]);
          expect(rows(store.window('s', series, {}))).toEqual(expected);
          expect(store.series('s', series)).toEqual({
            series,
            observations: known.size,
            firstTime: expected[0][0],
            lastTime: expected[expected.length - 1][0],
          });
        }
      });
    }),
    { numRuns: 40 },
  );
});
