import { describe, expect, it } from 'vitest';
import { createPhaseTable } from '../../../model/latent/phase.ts';
import { createSpec } from '../engine/problems.ts';

const DAY = 86_400_000;

describe('phases of absolute time', () => {
  it('are those of the clock, at any origin and model time (1e-6)', () => {
    const spec = createSpec({ dynamics: { units: 2, depth: 1, periodsMs: [DAY, 7 * DAY] }, timescaleMs: 10 * DAY });
    const noon = Date.UTC(2026, 10, 22, 12);
    const table = createPhaseTable(spec, [noon, noon + DAY / 4]);
    const [sinDay, , cosDay] = table.at(0);
    expect(Math.abs(sinDay)).toBeLessThan(1e-6);
    expect(Math.abs(cosDay + 1)).toBeLessThan(1e-6);
    const later = table.at(0.325);
    const angle = (2 * Math.PI * ((noon + DAY / 4 + 3.25 * DAY) % (7 * DAY))) / (7 * DAY);
    expect(Math.abs(later[4 + 1] - Math.sin(angle))).toBeLessThan(1e-6);
    expect(Math.abs(later[4 + 3] - Math.cos(angle))).toBeLessThan(1e-6);
  });

  it('tell milliseconds apart where f32 would not', () => {
    const spec = createSpec({ dynamics: { units: 2, depth: 1, periodsMs: [1000] } });
    const [a, b] = createPhaseTable(spec, [1_795_298_400_250, 1_795_298_400_260]).at(0);
    expect(a).toBeCloseTo(1, 6);
    expect(b).not.toBe(a);
  });

  it('are none without periods', () => {
    expect(createPhaseTable(createSpec(), [0, 1]).at(3)).toHaveLength(0);
  });
});
