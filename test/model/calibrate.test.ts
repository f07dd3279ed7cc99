import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CALIBRATION_LEVELS,
  type CalibrationEntry,
  calibrationFactor,
  fitCalibration,
  neutralCalibration,
} from '../../model/calibrate.ts';
import { createRandom } from '../../model/latent/random.ts';

const HORIZON = 1000;
/** Half-widths of a standard normal's central intervals. */
const EDGES = [0.6744898, 1.2815516, 1.959964];

/** Values that are `spread` times as far from the median as the model says, `perBlock` of them in a block. */
function entries(count: number, spread: number, leadMs: number, perBlock = 1): CalibrationEntry[] {
  const random = createRandom(4);
  return Array.from({ length: count }, (_, i) => {
    const value = Math.abs(spread * random.normal());
    return { block: `${Math.floor(i / perBlock)}`, channel: 0, leadMs, ratios: EDGES.map((edge) => value / edge) };
  });
}

describe('calibration', () => {
  it.each([0.5, 1, 2])('finds the factor of a model whose intervals are wrong by %f, to 10 %', (spread) => {
    const calibration = fitCalibration(entries(2000, spread, 900), 1, HORIZON);
    for (const level of CALIBRATION_LEVELS) {
      expect(Math.abs(calibrationFactor(calibration, 900, 0, level) / spread - 1)).toBeLessThan(0.1);
    }
  });

  it('leaves other leads and channels alone', () => {
    const calibration = fitCalibration(entries(2000, 3, 900), 2, HORIZON);
    expect(calibrationFactor(calibration, 0, 0, 0.8)).toBe(1);
    expect(calibrationFactor(calibration, 900, 1, 0.8)).toBe(1);
  });

  it('believes a thousand values of two blocks little, of a thousand blocks much', () => {
    const few = calibrationFactor(fitCalibration(entries(1000, 3, 900, 500), 1, HORIZON), 900, 0, 0.8);
    const many = calibrationFactor(fitCalibration(entries(1000, 3, 900), 1, HORIZON), 900, 0, 0.8);
    expect(few).toBeLessThan(1.3);
    expect(many).toBeGreaterThan(2.6);
  });

  it('changes nothing where nothing is known', () => {
    const calibration = neutralCalibration(3, HORIZON);
    expect(calibration.factors.flat(2).every((f) => f === 1)).toBe(true);
  });

  it('has no steps over lead and level, and stays within its limits, for any entries', () => {
    const entry = fc.record({
      block: fc.string({ maxLength: 2 }),
      channel: fc.constant(0),
      leadMs: fc.double({ min: -HORIZON, max: HORIZON, noNaN: true }),
      ratios: fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 3, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 80 }), (list) => {
        const calibration = fitCalibration(list, 1, HORIZON);
        const at = (lead: number, level: number) => calibrationFactor(calibration, lead, 0, level);
        for (let lead = -100; lead < 2 * HORIZON; lead += 37) {
          for (const level of [0, 0.3, 0.5, 0.7, 0.9, 0.99]) {
            expect(at(lead, level)).toBeGreaterThanOrEqual(0.25);
            expect(at(lead, level)).toBeLessThanOrEqual(4);
            expect(Math.abs(at(lead + 1e-6, level + 1e-9) - at(lead, level))).toBeLessThan(1e-6);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
