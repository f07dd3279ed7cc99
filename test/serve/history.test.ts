import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WindowQuery } from '../../ingest/observation-store.ts';
import { inlineHistory, storeHistory } from '../../serve/history.ts';
import { filledStore, HOUR, memoryStore, observation, T0 } from './fakes.ts';

const row = (time: number, ...values: number[]) => ({ time, values: Float64Array.from(values) });

describe('inlineHistory', () => {
  it('sorts, and merges rows of the same time a channel at a time, the last one winning', () => {
    const { bounds, window } = inlineHistory([row(5, 1, NaN), row(2, NaN, 3), row(5, NaN, 4), row(5, 7, NaN)], 2);
    expect(bounds).toEqual({ first: 2, last: 5 });
    const { times, values, mask, offsets } = window({});
    expect([...times]).toEqual([2, 5]);
    expect([...values]).toEqual([0, 3, 7, 4]);
    expect([...mask]).toEqual([0, 1, 1, 1]);
    expect([...offsets]).toEqual([0, 2]);
  });

  it('has no bounds where the cut leaves nothing', () => {
    expect(inlineHistory([row(5, 1)], 1, 4.9).bounds).toBeUndefined();
  });
});

describe('storeHistory', () => {
  it('is the same as the same rows inline, whatever is asked of it and wherever it is cut', async () => {
    const time = fc.double({ min: 0, max: 100, noNaN: true });
    const observations = fc.array(fc.tuple(time, fc.double({ noNaN: true, noDefaultInfinity: true })), {
      minLength: 1,
    });
    const query: fc.Arbitrary<WindowQuery> = fc.record(
      { from: time, to: time, limit: fc.integer({ min: 1, max: 5 }), keep: fc.constantFrom('newest', 'oldest') },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(observations, query, time, async (pairs, asked, asOf) => {
        const rows = [...new Map(pairs)].map(([t, value]) => row(t, value, 1));
        const store = memoryStore();
        await store.put(
          'pumps',
          rows.map((r) => ({ series: 's', ...r })),
        );
        const stored = storeHistory(store, 'pumps', 's', asOf);
        const inline = inlineHistory(rows, 2, asOf);
        expect(stored.bounds).toEqual(inline.bounds);
        expect(stored.window(asked)).toEqual(inline.window(asked));
      }),
    );
  });

  it('cuts at asOf, inclusive', async () => {
    const history = storeHistory(await filledStore(), 'pumps', 'pump-7', T0 - 2 * HOUR);
    expect(history.bounds).toEqual({ first: T0 - 10 * HOUR, last: T0 - 2 * HOUR });
    expect(history.window({ to: T0, limit: 2 }).times).toEqual(Float64Array.of(T0 - 3 * HOUR, T0 - 2 * HOUR));
  });

  it('is empty of a series that is not there or only later', async () => {
    const store = memoryStore();
    await store.put('pumps', [observation('a', T0, 1, 1)]);
    expect(storeHistory(store, 'pumps', 'b').bounds).toBeUndefined();
    expect(storeHistory(store, 'pumps', 'a', T0 - 1).bounds).toBeUndefined();
  });
});
