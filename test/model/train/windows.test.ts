import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../model/latent/random.ts';
import { POOL_LIMITS, refreshPool } from '../../../model/train/pool.ts';
import { drawExample, extrapolationWindow, interpolationWindow } from '../../../model/train/windows.ts';
import { memorySource, type Row } from '../memory-source.ts';

const SHAPE = { contextMs: 40, horizonMs: 25, maxObservations: 30, maxContextObservations: 12, maxTargets: 20 };
const EVERYTHING = { notBefore: Number.NEGATIVE_INFINITY, before: Number.POSITIVE_INFINITY };

function rows(name: string, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({ series: name, time: i, values: [10 * i, i % 3 ? i : Number.NaN] }));
}

const source = memorySource(2, [...rows('a', 200), ...rows('b', 7)]);
const pool = refreshPool(source);
const [a] = pool.series;
const place = { columns: a, row: 150 };

describe('a pool', () => {
  it('holds the observations of every series and is itself while nothing is new', () => {
    expect(pool.observations).toBe(207);
    expect([pool.firstTime, pool.lastTime]).toEqual([0, 199]);
    expect(refreshPool(source, pool)).toBe(pool);
  });

  it('reads again only what has grown', () => {
    const growing = memorySource(2, [...rows('a', 20), ...rows('b', 7)]);
    const before = refreshPool(growing);
    growing.add([{ series: 'b', time: 99, values: [1, 2] }]);
    const after = refreshPool(growing, before);
    expect(after.series[0]).toBe(before.series[0]);
    expect(after.series[1].times.at(-1)).toBe(99);
    expect(after.lastTime).toBe(99);
  });

  it('keeps to its limits: the most recently active series, the newest observations', () => {
    const limited = refreshPool(source, undefined, { ...POOL_LIMITS, maxSeries: 1, maxObservations: 50 });
    expect(limited.series.map((s) => s.series)).toEqual(['a']);
    expect([...limited.series[0].times.slice(0, 1)]).toEqual([150]);
  });

  it('lists more series than one page', () => {
    const many = memorySource(
      1,
      Array.from({ length: 2500 }, (_, i) => ({ series: `s${i}`, time: i, values: [i] })),
    );
    expect(refreshPool(many).series).toHaveLength(2500);
  });
});

describe('a training window', () => {
  const trainable = [{ columns: a, rows: 180 }];

  it('has a context and targets of the trained rows, ascending, within bounds, targets not before the context', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, recent) => {
        const { context, targets } = drawExample(createRandom(seed), trainable, SHAPE, recent);
        const ascending = (t: Float64Array) => t.every((v, i) => i === 0 || v > t[i - 1]);
        expect(context.times.length).toBeGreaterThanOrEqual(1);
        expect(context.times.length).toBeLessThanOrEqual(SHAPE.maxContextObservations);
        expect(targets.times.length).toBeGreaterThanOrEqual(1);
        expect(targets.times.length).toBeLessThanOrEqual(SHAPE.maxTargets);
        expect(ascending(context.times) && ascending(targets.times)).toBe(true);
        const [first, last] = [context.times[0], context.times[context.times.length - 1]];
        expect(last - first).toBeLessThanOrEqual(SHAPE.contextMs);
        expect(targets.times[0]).toBeGreaterThanOrEqual(first);
        expect(targets.times[targets.times.length - 1]).toBeLessThan(
          Math.min(180, last + SHAPE.contextMs + SHAPE.horizonMs),
        );
        context.times.forEach((t, i) => {
          expect(context.values[2 * i]).toBe(10 * t);
          expect(context.mask[2 * i + 1]).toBe(t % 3 ? 1 : 0);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('is sometimes short, sometimes thin, and often has targets after its context', () => {
    const examples = Array.from({ length: 400 }, (_, i) => drawExample(createRandom(i), trainable, SHAPE, 0));
    const spans = examples.map(({ context: { times } }) => times[times.length - 1] - times[0]);
    const after = examples.filter(
      ({ context, targets }) => targets.times[targets.times.length - 1] > context.times[context.times.length - 1],
    );
    expect(spans.filter((s) => s < 10).length).toBeGreaterThan(20);
    expect(spans.filter((s) => s > 20).length).toBeGreaterThan(200);
    expect(after.length).toBeGreaterThan(380);
  });

  it('prefers the newest rows where it is told to', () => {
    const ends = Array.from(
      { length: 100 },
      (_, i) => drawExample(createRandom(i), trainable, SHAPE, 1).targets.times.at(-1) ?? 0,
    );
    expect(Math.min(...ends)).toBeGreaterThan(150);
  });
});

describe('a scoring window', () => {
  it('after the data: what a forecast reads, and the horizon that came to pass', () => {
    const window = extrapolationWindow(place, { ...SHAPE, ...EVERYTHING });
    expect([...(window?.context.times ?? [])]).toEqual(Array.from({ length: 30 }, (_, i) => 121 + i));
    expect(window?.targets.times[0]).toBe(151);
    expect(window?.targets.times.length).toBe(SHAPE.maxTargets);
    expect(extrapolationWindow({ columns: a, row: 199 }, { ...SHAPE, ...EVERYTHING })).toBeUndefined();
  });

  it('inside the data: hidden rows are in the targets and not in the context', () => {
    const window = interpolationWindow(createRandom(1), place, { ...SHAPE, ...EVERYTHING });
    const seen = new Set(window?.context.times);
    expect(window?.targets.times.length).toBe(6);
    expect([...(window?.targets.times ?? [])].some((t) => seen.has(t))).toBe(false);
    expect(seen.has(121) && seen.has(150)).toBe(true);
  });

  it('keeps to the limits of what may be scored', () => {
    const limited = { ...SHAPE, notBefore: 148, before: 155 };
    expect([...(extrapolationWindow(place, limited)?.targets.times ?? [])]).toEqual([151, 152, 153, 154]);
    const inside = interpolationWindow(createRandom(1), place, limited);
    expect([...(inside?.targets.times ?? [])].every((t) => t >= 148)).toBe(true);
  });
});
