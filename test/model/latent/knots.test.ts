import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { knotRange, knotTimes, knotWeights, readKnots, scatterToKnots } from '../../../model/latent/knots.ts';

const SPACING = 0.25;

/** A cubic and its slope: what Hermite interpolation gives exactly. */
const cubic = (t: number): number => 1 - 2 * t + 0.5 * t * t - 0.3 * t ** 3;
const slope = (t: number): number => -2 + t - 0.9 * t * t;

function reading(times: Float64Array, samples: Int32Array, rows: number, latentSize = 1) {
  const range = knotRange(times, SPACING);
  return {
    knots: knotTimes(range, SPACING),
    reading: { at: knotWeights(times, SPACING, range), samples, rows, latentSize },
  };
}

const manyTimes = fc.array(fc.double({ min: -3, max: 5, noNaN: true }), { minLength: 1, maxLength: 20 });

describe('knots', () => {
  it('reads a cubic at any time, also before 0 (1e-5, f32)', () => {
    fc.assert(
      fc.property(manyTimes, (asked) => {
        const times = Float64Array.from(asked);
        const { knots, reading: at } = reading(times, new Int32Array(times.length), 1);
        const values = { states: Float32Array.from(knots, cubic), slopes: Float32Array.from(knots, slope) };
        const read = readKnots(at, values);
        asked.forEach((t, i) => {
          expect(Math.abs(read[i] - cubic(t))).toBeLessThan(1e-5 * (1 + Math.abs(cubic(t)) + Math.abs(slope(t))) * 10);
        });
      }),
    );
  });

  it('gives a time on a knot the knot itself, to the bit', () => {
    const times = Float64Array.of(-0.5, 0, 0.25, 1);
    const { knots, reading: at } = reading(times, new Int32Array(4), 1);
    const values = { states: Float32Array.from(knots, cubic), slopes: Float32Array.from(knots, slope) };
    expect(Array.from(readKnots(at, values))).toEqual(Array.from(times, (t) => Math.fround(cubic(t))));
  });

  it('always spans 0 and the time after the latest', () => {
    expect(knotRange(new Float64Array(0), SPACING)).toEqual({ first: 0, last: 1 });
    expect(knotRange(Float64Array.of(0.6), SPACING)).toEqual({ first: 0, last: 3 });
    expect(knotRange(Float64Array.of(-0.6), SPACING)).toEqual({ first: -3, last: 1 });
  });

  it('scatters as the transpose of reading: ⟨g, read(x)⟩ = ⟨scatter(g), x⟩ (1e-5)', () => {
    fc.assert(
      fc.property(manyTimes, fc.integer({ min: 1, max: 3 }), (asked, rows) => {
        const times = Float64Array.from(asked);
        const samples = Int32Array.from(asked, (_, i) => i % rows);
        const { knots, reading: at } = reading(times, samples, rows, 2);
        const filled = (n: number, k: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(k * i + k));
        const size = knots.length * rows * 2;
        const values = { states: filled(size, 1), slopes: filled(size, 2) };
        const g = filled(2 * asked.length, 3);
        const back = scatterToKnots(at, g, knots.length);
        const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i], 0);
        const difference =
          dot(g, readKnots(at, values)) - dot(back.states, values.states) - dot(back.slopes, values.slopes);
        expect(Math.abs(difference)).toBeLessThan(1e-5 * asked.length);
      }),
    );
  });
});
