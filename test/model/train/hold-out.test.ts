import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../model/latent/random.ts';
import {
  chooseRule,
  heldOutPlaces,
  isHeldOutSeries,
  splitPool,
  trainableRows,
  trainingPlaces,
} from '../../../model/train/hold-out.ts';
import { type Pool, refreshPool } from '../../../model/train/pool.ts';
import {
  drawExample,
  extrapolationWindow,
  interpolationWindow,
  trainableSeries,
} from '../../../model/train/windows.ts';
import { memorySource, type Row } from '../memory-source.ts';

const HORIZON = 50;
const SHAPE = { contextMs: 100, horizonMs: HORIZON, maxObservations: 30, maxContextObservations: 12, maxTargets: 20 };

function pool(series: number, each: number, from = 0): Pool {
  const random = createRandom(`${series}/${each}`);
  const rows = Array.from({ length: series }, (_, s) => {
    let time = from;
    return Array.from({ length: each }, (): Row => {
      time += random.uniform() * 10;
      return { series: `s${s}`, time, values: [time, s] };
    });
  });
  return refreshPool(memorySource(2, rows.flat()));
}

describe('what is held out', () => {
  it('is a share of the series where there are many, the newest time where there are few', () => {
    expect(chooseRule(pool(40, 10))).toBe('series');
    expect(chooseRule(pool(3, 100))).toBe('time');
    const names = Array.from({ length: 4000 }, (_, i) => `s${i}`);
    const share = names.filter(isHeldOutSeries).length / names.length;
    expect(Math.abs(share - 1 / 8)).toBeLessThan(0.02);
  });

  it('of time is a tenth, at least two and at most eight horizons, at most a third', () => {
    const held = (each: number) => {
      const p = pool(1, each);
      return { length: p.lastTime - splitPool(p, 'time', HORIZON).cut, known: p.lastTime - p.firstTime };
    };
    const long = held(5000);
    expect(long.length).toBeCloseTo(8 * HORIZON, 6);
    const middle = held(500);
    expect(middle.length).toBeCloseTo(middle.known / 10, 6);
    const short = held(100);
    expect(short.length).toBeCloseTo(2 * HORIZON, 6);
    const tiny = held(20);
    expect(tiny.length / tiny.known).toBeLessThanOrEqual(1 / 3);
    expect(tiny.length / tiny.known).toBeGreaterThan(1 / 4);
  });

  it('is at most a third of the observations, to 1 %, also where most came in one late burst', () => {
    const early = Array.from({ length: 30 }, (_, i): Row => ({ series: 's', time: i * 100, values: [0, 0] }));
    const burst = Array.from({ length: 300 }, (_, i): Row => ({ series: 's', time: 5000 + i / 10, values: [0, 0] }));
    const p = refreshPool(memorySource(2, [...early, ...burst]));
    const split = splitPool(p, 'time', HORIZON);
    expect(Math.abs(trainableRows(split, p.series[0]) / 220 - 1)).toBeLessThan(0.01);
  });

  it('slides with the events and never moves back', () => {
    const now = pool(1, 300);
    const { cut } = splitPool(now, 'time', HORIZON);
    const later = pool(1, 600);
    expect(splitPool(later, 'time', HORIZON, cut).cut).toBeGreaterThan(cut);
    expect(splitPool(now, 'time', HORIZON, cut + 500).cut).toBe(cut + 500);
  });

  it('never leaks: no window that is trained on holds an observation that a score is of', () => {
    const cases = fc.record({
      series: fc.constantFrom(1, 2, 5, 40),
      each: fc.integer({ min: 8, max: 120 }),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(cases, ({ series, each, seed }) => {
        const p = pool(series, each);
        const split = splitPool(p, chooseRule(p), HORIZON);
        const limits = {
          notBefore: split.rule === 'time' ? split.cut : Number.NEGATIVE_INFINITY,
          before: Number.POSITIVE_INFINITY,
        };
        const random = createRandom(seed);
        const scored = new Set(
          heldOutPlaces(p, split, 32).flatMap((place) => {
            const windows = [
              extrapolationWindow(place, { ...SHAPE, ...limits }),
              interpolationWindow(random, place, { ...SHAPE, ...limits }),
            ];
            return windows.flatMap((w) =>
              w ? Array.from(w.targets.times, (t) => `${place.columns.series}/${t}`) : [],
            );
          }),
        );
        expect(scored.size).toBeGreaterThan(0);
        const trainable = trainableSeries(p, split);
        for (let i = 0; i < 100; i++) {
          const { context, targets } = drawExample(random, trainable, SHAPE, 0.5);
          const name = `s${context.values[1]}`;
          for (const t of [...context.times, ...targets.times]) expect(scored.has(`${name}/${t}`)).toBe(false);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('is found evenly, up to the number wanted, the first half of time before the second', () => {
    const p = pool(3, 400);
    const split = splitPool(p, 'time', HORIZON);
    const times = heldOutPlaces(p, split, 64).map(({ columns, row }) => columns.times[row]);
    expect(times).toHaveLength(64);
    expect(times.every((t, i) => i === 0 || t >= times[i - 1])).toBe(true);
    const trained = trainingPlaces(p, split, 10);
    expect(trained).toHaveLength(10);
    expect(trained.every(({ columns, row }) => row < trainableRows(split, columns) - 1)).toBe(true);
  });
});
