import { describe, expect, it } from 'vitest';
import { SPIRAL_WORLD, spiralEvents, spiralTruth } from '../../../cli/demo/spirals.ts';

const NOW = Date.UTC(2026, 10, 22);
const HOUR = 3_600_000;

describe('spirals', () => {
  const events = spiralEvents(SPIRAL_WORLD, NOW - HOUR, NOW);

  it('gives the same events however the span is cut', () => {
    const cuts = [NOW - HOUR, NOW - 1_234_567, NOW - 98_765.4, NOW];
    const pieces = cuts.slice(1).flatMap((to, i) => spiralEvents(SPIRAL_WORLD, cuts[i], to));
    expect(pieces).toEqual(events);
  });

  it('keeps every slot alive, at Poisson times: mean and standard deviation of the gaps are one second within 5 %', () => {
    const gaps = new Map<string, number[]>();
    const last = new Map<string, number>();
    for (const { series, time } of events) {
      if (last.has(series)) gaps.set(series, [...(gaps.get(series) ?? []), time - (last.get(series) ?? 0)]);
      last.set(series, time);
    }
    const all = [...gaps.values()].flat();
    const mean = all.reduce((a, b) => a + b, 0) / all.length;
    const deviation = Math.sqrt(all.reduce((a, b) => a + (b - mean) ** 2, 0) / all.length);
    expect(Math.abs(mean / 1000 - 1)).toBeLessThan(0.05);
    expect(Math.abs(deviation / 1000 - 1)).toBeLessThan(0.05);
    expect(new Set(events.slice(-60).map((e) => e.series)).size).toBe(SPIRAL_WORLD.slots);
  });

  it('observes the truth with the stated noise, within 3 %', () => {
    const errors = events.flatMap((e) => {
      const truth = spiralTruth(SPIRAL_WORLD, e.series)?.(e.time) ?? [];
      return [e.values.x - truth[0], e.values.y - truth[1]];
    });
    const sigma = Math.sqrt(errors.reduce((a, b) => a + b * b, 0) / errors.length);
    expect(Math.abs(sigma / SPIRAL_WORLD.noise - 1)).toBeLessThan(0.03);
  });

  it('knows a finite truth of any of its series at any time, and of no other', () => {
    const truth = spiralTruth(SPIRAL_WORLD, events[0].series);
    for (const t of [-1e15, 0, NOW, NOW + 60_000, 1e15]) expect(truth?.(t).every(Number.isFinite)).toBe(true);
    expect(spiralTruth(SPIRAL_WORLD, 'spiral-9-1')).toBeUndefined();
    expect(spiralTruth(SPIRAL_WORLD, 'seattle')).toBeUndefined();
  });
});
