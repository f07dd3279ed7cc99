/** Forecasts on the fused engine, many at a time, as series and models change under them. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../model/engine/engine.ts';
import { createFusedEngine } from '../../model/engine/fused/fused-engine.ts';
import { loadKernels } from '../../model/engine/fused/kernels.ts';
import { createForecaster } from '../../model/forecast.ts';
import type { Forecast, ForecastQuery } from '../../model/forecast-types.ts';
import type { PathRequest } from '../../model/latent/query.ts';
import { createRandom } from '../../model/latent/random.ts';
import { tfjsProvider } from './engines.ts';
import { memorySource, type Row } from './memory-source.ts';
import { HOUR, toyArtifact, toySpec } from './toy-artifact.ts';
import { START } from './toys.ts';

const spec = toySpec();
const artifact = toyArtifact({ spec });
const QUANTILES = [0.025, 0.5, 0.9];

let engine: Engine;
/** What the engine was asked. */
const requests: PathRequest[] = [];
beforeAll(async () => {
  const fused = createFusedEngine(spec, await loadKernels());
  const { answer } = fused;
  engine = {
    ...fused,
    answer: (parameters, request) => {
      requests.push(request);
      return answer?.(parameters, request) ?? Promise.reject(new Error('the fused engine answers'));
    },
  };
});

const SERIES = ['one', 'two', 'three', 'four'];

function world(more = 20) {
  const rows = SERIES.flatMap((series, s): Row[] => {
    const random = createRandom(s);
    return Array.from({ length: 60 + more * s }, (_, i) => ({
      series,
      time: START + (i + random.uniform()) * HOUR,
      values: [10 + random.normal(), random.uniform() < 0.3 ? Number.NaN : random.normal()],
    }));
  });
  return memorySource(2, rows);
}

/** Around the last event, before the first, far ahead, and in old tiles. */
const queries: readonly ForecastQuery[] = [
  { times: [0.5, 3, 9].map((h) => START + (60 + h) * HOUR), quantiles: QUANTILES, samples: 1 },
  { times: [-20, 5, 30, 61, 90, 300].map((h) => START + h * HOUR), quantiles: QUANTILES, samples: 64 },
  { times: [66].map((h) => START + h * HOUR), quantiles: [], samples: 7, returnSamples: true },
];

describe('forecasts on the fused engine', () => {
  it('of all at once have the bits of each by itself, in far fewer jobs', async () => {
    const source = world();
    const asked = SERIES.flatMap((series) => queries.map((query) => ({ history: source.history(series), query })));
    const alone: Forecast[] = [];
    requests.length = 0;
    const patient = createForecaster({ artifact, engine });
    for (const { history, query } of asked) alone.push(await patient.forecast(history, query));
    const jobs = requests.length;
    const busy = createForecaster({ artifact, engine });
    const together = await Promise.all(asked.map(({ history, query }) => busy.forecast(history, query)));
    expect(together).toEqual(alone);
    expect(requests.length - jobs).toBeLessThanOrEqual(jobs / 4);
  });

  it('find a posterior once a window: a new event is seen at once, and only its series is read anew', async () => {
    const source = world(0);
    const heard: string[] = [];
    const forecaster = createForecaster({ artifact, engine, onRead: (outcome) => heard.push(outcome) });
    const everyone = () => Promise.all(SERIES.map((series) => forecaster.forecast(source.history(series), queries[0])));
    const encoded = () => requests.reduce((sum, { context }) => sum + context.offsets.length - 1, 0);
    requests.length = 0;
    const before = await everyone();
    expect(encoded()).toBe(SERIES.length);
    expect(await everyone()).toEqual(before);
    expect(encoded()).toBe(SERIES.length);
    source.add([{ series: 'two', time: START + 60.25 * HOUR, values: [30, 30] }]);
    const after = await everyone();
    expect(encoded()).toBe(SERIES.length + 1);
    expect(after.map((forecast, s) => forecast.channels[0].mean[2] !== before[s].channels[0].mean[2])).toEqual([
      false,
      true,
      false,
      false,
    ]);
    const outcomes = { miss: SERIES.length + 1, hit: 2 * SERIES.length - 1 };
    expect(heard.filter((outcome) => outcome === 'miss')).toHaveLength(outcomes.miss);
    expect(heard.filter((outcome) => outcome === 'hit')).toHaveLength(outcomes.hit);
  });

  it('see a correction of an old value, which changes neither count nor bounds', async () => {
    const forecaster = createForecaster({ artifact, engine });
    const rows = Array.from(
      { length: 30 },
      (_, i): Row => ({ series: 's', time: START + i * HOUR, values: [i % 5, 1] }),
    );
    const of = (changed: readonly Row[]) => forecaster.forecast(memorySource(2, changed).history('s'), queries[0]);
    const before = await of(rows);
    const after = await of(rows.map((row, i) => (i === 12 ? { ...row, values: [9, 1] } : row)));
    expect(after.channels[0].mean[0]).not.toBe(before.channels[0].mean[0]);
    expect(await of(rows)).toEqual(before);
  });

  it('of a promoted model are its own from the first on', async () => {
    const history = world().history('one');
    const [old, promoted] = [artifact, toyArtifact({ spec }, 2)].map((of) =>
      createForecaster({ artifact: of, engine }),
    );
    const before = await old.forecast(history, queries[0]);
    const after = await promoted.forecast(history, queries[0]);
    expect(after.channels[0].mean[0]).not.toBe(before.channels[0].mean[0]);
    expect(await old.forecast(history, queries[0])).toEqual(before);
  });

  it('are those of the tfjs engine to 2e-4, near, far, between windows and before them', async () => {
    const source = world();
    const other = (await tfjsProvider()).open(spec);
    const [own, theirs] = [engine, other].map((by) => createForecaster({ artifact, engine: by }));
    for (const series of SERIES) {
      const [a, b] = await Promise.all([own, theirs].map((by) => by.forecast(source.history(series), queries[1])));
      for (const [c, { mean, quantiles }] of a.channels.entries()) {
        const columns = [mean, ...quantiles].map((column, i) => [
          column,
          [b.channels[c].mean, ...b.channels[c].quantiles][i],
        ]);
        const misses = columns.flatMap(([x, y]) => [...x].map((value, i) => Math.abs(value - y[i])));
        expect(Math.max(...misses)).toBeLessThan(2e-4);
      }
    }
    other.close();
  });
});
