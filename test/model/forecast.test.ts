import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Artifact } from '../../model/artifact-format.ts';
import type { Engine } from '../../model/engine/engine.ts';
import { ModelError } from '../../model/errors.ts';
import { createForecaster } from '../../model/forecast.ts';
import type { Forecast, Forecaster, ForecastQuery, History } from '../../model/forecast-types.ts';
import { createRandom } from '../../model/latent/random.ts';
import { failing, tfjsProvider } from './engines.ts';
import { memorySource, type Row } from './memory-source.ts';
import { HOUR, toyArtifact } from './toy-artifact.ts';
import { START } from './toys.ts';

/** Context 30 h of at most 40 observations, horizon 10 h, so a reach of 40 h. */
const artifact = toyArtifact();
const { horizonMs } = artifact.header.window;
const REACH = 4 * horizonMs;
const QUANTILES = [0.9, 0.1, 0.5, 0.025, 0.975];
let engine: Engine;
let forecaster: Forecaster;
beforeAll(async () => {
  engine = (await tfjsProvider()).open(artifact.header.spec);
  forecaster = createForecaster({ artifact, engine });
});

/** About two observations an hour over ten days, one channel sometimes missing, a gap of six days on the third. */
function rows(count = 400, gapMs = 144 * HOUR): Row[] {
  const random = createRandom(5);
  let time = START;
  return Array.from({ length: count }, (_, i) => {
    time += -Math.log(1 - random.uniform()) * 0.5 * HOUR + (i === count / 2 ? gapMs : 0);
    const value = 10 + 2 * Math.sin(time / HOUR / 4) + random.normal();
    return { series: 's', time, values: [value, random.uniform() < 0.3 ? Number.NaN : value + 1] };
  });
}

const known = rows();
const history = memorySource(2, known).history('s');
const first = known[0].time;
const last = known[known.length - 1].time;
const gapStart = known[199].time;
const gapEnd = known[200].time;
const hours = (from: number, to: number, step: number) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => (from + i * step) * HOUR);

function ask(
  times: readonly number[],
  overrides: Partial<ForecastQuery> = {},
  of: History = history,
  by = forecaster,
): Promise<Forecast> {
  return by.forecast(of, { times, quantiles: QUANTILES, samples: 12, ...overrides });
}

function numbersOf({ channels }: Forecast): number[] {
  return channels.flatMap(({ mean, quantiles, samples }) =>
    [mean, ...quantiles, ...(samples ?? [])].flatMap((a) => [...a]),
  );
}

function isAscending(values: readonly number[], tolerance = 0): boolean {
  return values.every((v, i) => i === 0 || v >= values[i - 1] - tolerance);
}

const anyTime = fc.oneof(
  fc.double({ min: first - 2 * REACH, max: last + 2 * REACH, noNaN: true }),
  fc.constantFrom(first, last, gapStart, gapEnd, (gapStart + gapEnd) / 2, known[7].time, last + 0.25),
  fc.constantFrom(-8.64e15, 0, 8.64e15),
);

describe('a forecast', () => {
  it('is finite with ordered quantiles at any times, of the length asked', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyTime, { maxLength: 12 }), async (times) => {
        const forecast = await ask(times, { returnSamples: true });
        expect(numbersOf(forecast).every(Number.isFinite)).toBe(true);
        expect(forecast.kind).toHaveLength(times.length);
        expect(forecast.beyondReach).toHaveLength(times.length);
        for (const { mean, quantiles, samples } of forecast.channels) {
          expect([mean.length, quantiles.length, samples?.length]).toEqual([times.length, QUANTILES.length, 12]);
          const [q90, q10, q50, low, high] = quantiles;
          const ordered = times.map((_, i) => isAscending([low[i], q10[i], q50[i], q90[i], high[i]]));
          expect(ordered.every(Boolean)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('at a time does not depend on the other times asked, nor on their order, nor on duplicates, bit for bit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyTime, { minLength: 1, maxLength: 8 }), fc.nat(), async (times, seed) => {
        const together = await ask(times);
        const random = createRandom(seed);
        const shuffled = times.map((t, i) => ({ t, i, key: random.uniform() })).sort((a, b) => a.key - b.key);
        const mixed = await ask([...shuffled, ...shuffled].map(({ t }) => t));
        const alone = await ask([times[0]]);
        together.channels.forEach(({ mean, quantiles }, c) => {
          expect(mixed.channels[c].mean.subarray(0, times.length)).toEqual(
            Float64Array.from(shuffled, ({ i }) => mean[i]),
          );
          expect(alone.channels[c].mean[0]).toBe(mean[0]);
          expect(alone.channels[c].quantiles.map((q) => q[0])).toEqual(quantiles.map((q) => q[0]));
        });
      }),
      { numRuns: 25 },
    );
  });

  it('is the same twice, and another for another version or history', async () => {
    const times = [last + HOUR];
    expect(await ask(times)).toEqual(await ask(times));
    const other = createForecaster({
      artifact: { ...artifact, header: { ...artifact.header, version: 'other' } },
      engine,
    });
    expect((await ask(times, {}, history, other)).channels[0].mean[0]).not.toBe((await ask(times)).channels[0].mean[0]);
    const shorter = memorySource(2, known.slice(0, -1)).history('s');
    expect((await ask(times, {}, shorter)).channels[0].mean[0]).not.toBe((await ask(times)).channels[0].mean[0]);
  });

  it('says what is interpolation: from the first observation to the last', async () => {
    const { kind, lastEventTime, observationsUsed } = await ask([first - 1, first, gapStart + 1, last, last + 0.1]);
    expect(kind).toEqual(['extrapolation', 'interpolation', 'interpolation', 'interpolation', 'extrapolation']);
    expect(lastEventTime).toBe(last);
    expect(observationsUsed).toBeGreaterThan(80);
  });

  it('reads the newest 40 observations for what comes after the last', async () => {
    expect((await ask([last + HOUR])).observationsUsed).toBe(40);
  });

  it('has no seams where one window hands over to the next: 1 ms apart differs by less than 1e-4', async () => {
    const random = createRandom(6);
    const even = Array.from({ length: 120 }, (_, i): Row => {
      const time = START + (2 * i + random.uniform()) * HOUR;
      return { series: 's', time, values: [10 + 2 * Math.sin(i / 5) + random.normal(), 9 + random.normal()] };
    });
    const whole = memorySource(2, even).history('s');
    const [from, to] = [even[0].time, even[119].time];
    const tiles = hours(Math.floor(from / HOUR / 15) * 15, to / HOUR, 15);
    const edges = [from, to, even[0].time + 7.5 * HOUR, ...tiles.filter((t) => t > from), ...even.map((r) => r.time)];
    const { channels } = await ask(
      edges.flatMap((t) => [t - 0.5, t + 0.5]),
      { returnSamples: true },
      whole,
    );
    for (const { mean, quantiles, samples } of channels) {
      for (const column of [mean, ...quantiles, ...(samples ?? [])]) {
        const jumps = edges.map((_, i) => Math.abs(column[2 * i + 1] - column[2 * i]));
        expect(Math.max(...jumps)).toBeLessThan(1e-4);
      }
    }
  });

  it('of nothing is nothing', async () => {
    const forecast = await ask([]);
    expect(forecast.channels.map((c) => c.mean.length)).toEqual([0, 0]);
    expect(forecast.solver).toEqual({ functionEvaluations: 0, steps: 0, status: 'success' });
  });

  it('of a series with one observation is finite on both sides of it', async () => {
    const one = memorySource(2, [{ series: 's', time: START, values: [11, Number.NaN] }]).history('s');
    const forecast = await ask([START - HOUR, START, START + HOUR, START + 9 * REACH], {}, one);
    expect(numbersOf(forecast).every(Number.isFinite)).toBe(true);
    expect(forecast.observationsUsed).toBe(1);
  });

  it('is finite for any finite values of a history, at any distance', async () => {
    const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, 10, Number.NaN));
    const instance = {
      ...artifact,
      header: { ...artifact.header, normalisation: { ...artifact.header.normalisation, instance: { shrinkage: 4 } } },
    };
    const forecasters = [forecaster, createForecaster({ artifact: instance, engine })];
    const wild = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(wild, fc.constantFrom(...forecasters.keys()), async (list, by) => {
        const added = list.map(([a, b], i): Row => ({ series: 's', time: START + i * HOUR, values: [a, b] }));
        const times = [-1, 0, 0.5, list.length, list.length + 9, list.length + 39, 1e4].map((h) => START + h * HOUR);
        const forecast = await ask(
          times,
          { returnSamples: true },
          memorySource(2, added).history('s'),
          forecasters[by],
        );
        expect(numbersOf(forecast).every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('lets other work run between the times of a heavy query: twenty turns or more for twenty times', async () => {
    let [turns, done] = [0, false];
    const count = () => {
      turns++;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    const times = Array.from({ length: 20 }, (_, i) => last - i * HOUR);
    await ask(times, { samples: 256, quantiles: Array.from({ length: 99 }, (_, i) => (i + 1) / 100) });
    done = true;
    expect(turns).toBeGreaterThanOrEqual(20);
  });

  it('of 10,000 times is there within 10 s', async () => {
    const times = Array.from({ length: 10_000 }, (_, i) => first - REACH + (i * (last - first + 3 * REACH)) / 10_000);
    const forecast = await ask(times, { quantiles: [0.1, 0.9] });
    expect(numbersOf(forecast).every(Number.isFinite)).toBe(true);
  }, 10_000);
});

describe('far from the data', () => {
  const width = ({ channels }: Forecast, c: number) =>
    channels[c].quantiles[0].map((q, i) => q - channels[c].quantiles[1][i]);

  it('intervals never shrink with distance from the horizon on, after the data, before them and in a gap, to 1e-9', async () => {
    const leads = hours(10, 60, 0.37);
    for (const at of [(d: number) => last + d, (d: number) => first - d]) {
      const forecast = await ask(leads.map(at));
      for (const c of [0, 1]) {
        const widths = width(forecast, c);
        expect(isAscending(Array.from(widths), 1e-9)).toBe(true);
      }
    }
  });

  it('past four horizons the answer is the long-run distribution, the same at every time, and says so', async () => {
    const times = [last + REACH - 1, last + REACH + 1, last + 50 * REACH, first - REACH - 1, (gapStart + gapEnd) / 2];
    const { beyondReach, channels } = await ask(times);
    expect(beyondReach).toEqual([false, true, true, true, true]);
    expect(channels[0].mean[1]).toBe(channels[0].mean[2]);
    expect(channels[0].quantiles[0][1]).toBe(channels[0].quantiles[0][2]);
    const mean = known.reduce((sum, r) => sum + r.values[0], 0) / known.length;
    expect(Math.abs(channels[0].mean[2] - mean)).toBeLessThan(0.1);
  });

  it('goes there without a step: 1 ms apart differs by less than 1e-3', async () => {
    for (const edge of [horizonMs, REACH]) {
      const { channels } = await ask([last + edge - 0.5, last + edge + 0.5]);
      for (const { mean, quantiles } of channels) {
        for (const column of [mean, ...quantiles]) expect(Math.abs(column[1] - column[0])).toBeLessThan(1e-3);
      }
    }
  });
});

describe('when the solver fails', () => {
  it.each(['non-finite', 'max-steps', 'min-step'] as const)(
    'with %s, the long-run distribution answers and the status says so',
    async (status) => {
      const broken = createForecaster({ artifact, engine: failing(engine, status) });
      const forecast = await ask([first + HOUR, last + HOUR], { returnSamples: true }, history, broken);
      expect(forecast.solver.status).toBe(status);
      expect(numbersOf(forecast).every(Number.isFinite)).toBe(true);
      const far = await ask([last + 10 * REACH]);
      expect(forecast.channels[0].mean[1]).toBe(far.channels[0].mean[0]);
    },
  );
});

describe('what cannot be answered is a typed error', () => {
  const codeOf = async (answer: Promise<unknown>) => {
    const error = await answer.catch((e: unknown) => e);
    return error instanceof ModelError ? error.code : 'none';
  };

  it('for a history without observations', async () => {
    expect(await codeOf(ask([1], {}, memorySource(2).history('none')))).toBe('history-empty');
  });

  it('for a history of other channels', async () => {
    const other = memorySource(1, [{ series: 's', time: 0, values: [1] }]).history('s');
    expect(await codeOf(ask([1], {}, other))).toBe('history-invalid');
  });

  it.each([
    ['times that are not', { times: [Number.NaN] }],
    ['times beyond the calendar', { times: [9e15] }],
    ['a quantile of 1', { quantiles: [1] }],
    ['a quantile that is no number', { quantiles: [Number.NaN] }],
    ['no samples', { samples: 0 }],
    ['half a sample', { samples: 1.5 }],
  ])('for %s', async (_, overrides) => {
    expect(await codeOf(ask([last], overrides))).toBe('query-invalid');
  });
});

describe('a channel that is never negative', () => {
  it('is never forecast below zero', async () => {
    const channels = artifact.header.normalisation.channels.map((c) => ({ ...c, location: 0.1, support: { min: 0 } }));
    const header = { ...artifact.header, normalisation: { channels } };
    const supported: Artifact = { ...artifact, header };
    const dry = memorySource(
      2,
      known.map((r) => ({ ...r, values: [0, 0.1] })),
    ).history('s');
    const by = createForecaster({ artifact: supported, engine });
    const forecast = await ask(
      hours(0, 90, 3).map((d) => last + d - 20 * HOUR),
      { returnSamples: true },
      dry,
      by,
    );
    expect(Math.min(...numbersOf(forecast))).toBe(0);
  });
});
