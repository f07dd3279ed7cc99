import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../model/latent/random.ts';
import { type Baseline, fitBaselines } from '../../../model/train/baselines.ts';
import type { Place } from '../../../model/train/hold-out.ts';
import { refreshPool, type SeriesColumns } from '../../../model/train/pool.ts';
import { extrapolationWindow, interpolationWindow, type ScoringWindow } from '../../../model/train/windows.ts';
import { memorySource, type Row } from '../memory-source.ts';

const HORIZON = 40;
const SHAPE = {
  contextMs: 100,
  horizonMs: HORIZON,
  maxObservations: 60,
  maxTargets: 24,
  notBefore: Number.NEGATIVE_INFINITY,
  before: Number.POSITIVE_INFINITY,
};

function seriesOf(values: (time: number) => number[], count = 600, step = () => 1): SeriesColumns {
  let time = 0;
  const rows = Array.from({ length: count }, (): Row => {
    time += step();
    return { series: 's', time, values: values(time) };
  });
  return refreshPool(memorySource(1, rows)).series[0];
}

function fitted(columns: SeriesColumns, periodsMs: readonly number[] = []) {
  const places = Array.from({ length: 60 }, (_, i): Place => ({ columns, row: 100 + 7 * i }));
  const extrapolation = places.flatMap((p) => extrapolationWindow(p, SHAPE) ?? []);
  const interpolation = places.flatMap((p, i) => interpolationWindow(createRandom(i), p, SHAPE) ?? []);
  const channels = [{ location: 0, scale: 1 }];
  const baselines = fitBaselines({ extrapolation, interpolation, channels, periodsMs, horizonMs: HORIZON });
  const named = (name: string): Baseline => baselines.find((b) => b.name.startsWith(name)) ?? expect.fail(name);
  return { named, extrapolation, interpolation };
}

function errors(baseline: Baseline, windows: readonly ScoringWindow[]): number[] {
  return windows.flatMap((w) => {
    const { mean, scale } = baseline.predict(w);
    return w.targets.times.length ? Array.from(mean, (m, i) => (w.targets.values[i] - m) / scale[i]) : [];
  });
}

function randomWalk(random: { normal(): number }): () => number[] {
  let level = 0;
  return () => {
    level += random.normal();
    return [level];
  };
}

const rootMeanSquare = (values: readonly number[]) => Math.sqrt(values.reduce((s, v) => s + v * v, 0) / values.length);

describe('baselines', () => {
  it('linear interpolation is exact on a line inside the data, and the last value after them', () => {
    const { named, extrapolation, interpolation } = fitted(seriesOf((t) => [3 * t - 7]));
    const inside = named('linear').predict(interpolation[5]);
    expect([...inside.mean]).toEqual(Array.from(interpolation[5].targets.values));
    const { context } = extrapolation[5];
    expect([...new Set(named('linear').predict(extrapolation[5]).mean)]).toEqual([
      context.values[context.values.length - 1],
    ]);
  });

  it('seasonal naive is exact to 0.05 on a period, also where the period is longer than the context', () => {
    const period = 150;
    const { named, extrapolation } = fitted(
      seriesOf((t) => [Math.sin((2 * Math.PI * t) / period)]),
      [period],
    );
    const late = extrapolation.filter((w) => w.place.row > 2 * period);
    const { mean } = named('seasonal').predict(late[0]);
    const worst = Math.max(...mean.map((m, i) => Math.abs(m - late[0].targets.values[i])));
    expect(worst).toBeLessThan(0.05);
  });

  it('every one says a deviation of the size of its errors, to a third, on a noisy random walk with irregular steps', () => {
    const random = createRandom(8);
    let level = 0;
    let before = 0;
    const walk = (t: number) => {
      level += 0.3 * Math.sqrt(t - before) * random.normal();
      before = t;
      return [level + 0.5 * random.normal()];
    };
    const columns = seriesOf(walk, 900, () => -Math.log(1 - random.uniform()));
    const { named, extrapolation } = fitted(columns, [60]);
    for (const name of ['last value', 'linear', 'seasonal', 'local level']) {
      const size = rootMeanSquare(errors(named(name), extrapolation));
      expect(size, name).toBeGreaterThan(0.67);
      expect(size, name).toBeLessThan(1.5);
    }
  });

  it('the local-level filter knows noise from drift: pure noise is averaged, a pure walk is followed, to 20 %', () => {
    const random = createRandom(9);
    const noise = fitted(seriesOf(() => [random.normal()]));
    const averaged = noise.named('local level').predict(noise.extrapolation[40]);
    expect(Math.abs(averaged.mean[0])).toBeLessThan(0.4);
    expect(Math.abs(averaged.scale[0] - 1)).toBeLessThan(0.2);
    const walk = fitted(seriesOf(randomWalk(random)));
    const { context } = walk.extrapolation[40];
    const followed = walk.named('local level').predict(walk.extrapolation[40]);
    expect(Math.abs(followed.mean[0] - context.values[context.values.length - 1])).toBeLessThan(0.7);
  });

  it('answer with the stream’s location and scale where a channel was never seen', () => {
    const { named, extrapolation } = fitted(seriesOf(() => [5]));
    const [window] = extrapolation;
    const blind = { ...window, context: { ...window.context, mask: new Uint8Array(window.context.mask.length) } };
    expect(named('last value').predict(blind).mean[0]).toBe(0);
    expect(named('local level').predict(blind).scale[0]).toBeGreaterThan(1);
  });
});
