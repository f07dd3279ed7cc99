import { afterEach, describe, expect, it } from 'vitest';
import { naturalSpans } from '../../cli/cadence.ts';
import { FILE_STREAM } from '../../cli/file-store.ts';
import type { Observation } from '../../ingest/observation-store.ts';
import { openStore } from '../../ingest/store.ts';
import { temporaryFolder } from './odecast-process.ts';

const stores: ReturnType<typeof openStore>[] = [];

/** A store with a series of so many observations, `gapMs` apart, for each row. */
async function storeOf(rows: readonly { readonly observations: number; readonly gapMs: number }[]) {
  const store = openStore(temporaryFolder('cadence'));
  stores.push(store);
  const observations = rows.flatMap(({ observations: n, gapMs }, s) =>
    Array.from(
      { length: n },
      (_, i): Observation => ({ series: `s${s}`, time: i * gapMs, values: Float64Array.of(i) }),
    ),
  );
  await store.put(FILE_STREAM, observations);
  return store;
}

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
});

describe('naturalSpans', () => {
  it('is 60 and 20 typical gaps where the series are long', async () => {
    const store = await storeOf([{ observations: 1001, gapMs: 10 }]);
    expect(naturalSpans(store)).toEqual({ window: 600, horizon: 200 });
  });

  it('takes the gap of the middle series: one that is rarely observed decides nothing', async () => {
    const store = await storeOf([
      { observations: 1001, gapMs: 10 },
      { observations: 1001, gapMs: 10 },
      { observations: 3, gapMs: 5000 },
    ]);
    expect(naturalSpans(store)).toEqual({ window: 600, horizon: 200 });
  });

  it('is no more than a share of the longest series where all are short', async () => {
    const store = await storeOf([{ observations: 11, gapMs: 100 }]);
    expect(naturalSpans(store)).toEqual({ window: 300, horizon: 100 });
  });

  it('says that there is nothing to learn from where no series has two observations', async () => {
    const store = await storeOf([
      { observations: 1, gapMs: 1 },
      { observations: 1, gapMs: 1 },
    ]);
    expect(() => naturalSpans(store)).toThrow(/two observations/);
  });
});
