import { describe, expect, it } from 'vitest';
import { askedTimes } from '../../serve/asked-times.ts';
import { normalQuantile } from '../../serve/normal-quantile.ts';
import { parseDuration, parseIsoTime } from '../../serve/time.ts';
import { T0 } from './fakes.ts';

describe('durations', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1.5d', 129_600_000],
    ['1y', undefined],
    ['-1s', undefined],
    ['1 s', undefined],
    ['', undefined],
  ])('%j', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
});

describe('askedTimes', () => {
  const rules = { limit: 100, defaultPoints: 3 };

  it('reaches the end of a grid that is on it, without adding up rounding', () => {
    const grid = (from: number, to: number, step: number) =>
      askedTimes({ from: { asked: from, ms: from }, to: { asked: to, ms: to }, step }, T0, rules).map(({ ms }) => ms);
    expect(grid(0, 0.3, 0.1)).toEqual([0, 0.1, 0.2, 0.3]);
    expect(grid(0, 7, 0.7)).toHaveLength(11);
    expect(grid(0, 7, 0.7).at(-1)).toBe(7);
    expect(grid(T0, T0 + 99, 10)).toHaveLength(10);
  });

  it('computes at the very time that it writes', () => {
    for (const { asked, ms } of askedTimes({ horizon: 100, points: 7 }, T0 + 0.25, rules))
      expect(parseIsoTime(String(asked))).toBe(ms);
  });

  it('ends a horizon by points exactly where it was asked to end', () => {
    expect(askedTimes({ horizon: 1000 }, T0, rules).map(({ asked }) => asked)).toEqual([
      '2026-11-21T22:00:00.333333Z',
      '2026-11-21T22:00:00.666667Z',
      '2026-11-21T22:00:01.000Z',
    ]);
  });
});

describe('normalQuantile (absolute error below 4.5e-4)', () => {
  it.each([
    [0.5, 0],
    [0.025, -1.959964],
    [0.975, 1.959964],
    [0.001, -3.090232],
    [0.9, 1.281552],
  ])('of %d', (p, z) => {
    expect(Math.abs(normalQuantile(p) - z)).toBeLessThan(4.5e-4);
  });

  it('is finite for every probability between 0 and 1', () => {
    for (const p of [Number.MIN_VALUE, 1e-300, 1 - Number.EPSILON / 2])
      expect(Number.isFinite(normalQuantile(p))).toBe(true);
  });
});
