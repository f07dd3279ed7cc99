import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../model/latent/random.ts';
import { NORMAL, normalCdf } from '../../model/law.ts';
import {
  type Mixture,
  mixtureCdf,
  mixtureCrps,
  mixtureDeviation,
  mixtureMean,
  mixtureQuantile,
} from '../../model/mixture.ts';
import { studentT } from '../../model/student-t.ts';

const component = fc.record({
  weight: fc.double({ min: 0.01, max: 1, noNaN: true }),
  mean: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  scale: fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
  law: fc.constantFrom(NORMAL, studentT(2.1), studentT(5), studentT(200)),
});
const anyMixture = fc.array(component, { minLength: 1, maxLength: 6 }).map((parts): Mixture => {
  const total = parts.reduce((sum, p) => sum + p.weight, 0);
  return {
    weights: Float64Array.from(parts, (p) => p.weight / total),
    means: Float64Array.from(parts, (p) => p.mean),
    scales: Float64Array.from(parts, (p) => p.scale),
    ...(parts.some(({ law }) => law !== NORMAL) && { laws: parts.map(({ law }) => law) }),
  };
});

/** Two humps and a spike. */
const humps: Mixture = {
  weights: Float64Array.of(0.5, 0.3, 0.2),
  means: Float64Array.of(-3, 4, 0),
  scales: Float64Array.of(1, 0.5, 0.05),
};

function sampleOf({ weights, means, scales }: Mixture, random: { uniform(): number; normal(): number }): number {
  const u = random.uniform();
  const k = weights.findIndex((_, i) => u < weights.slice(0, i + 1).reduce((a, b) => a + b, 0));
  return means[k] + scales[k] * random.normal();
}

describe('the normal distribution function', () => {
  it.each([
    [0, 0.5],
    [1, 0.8413447460685429],
    [-1.959963984540054, 0.025],
    [-6, 9.865876450376946e-10],
    [-10, 7.619853024160527e-24],
    [3, 0.9986501019683699],
  ])('at %f is right to a relative 2e-7', (z, p) => {
    expect(Math.abs(normalCdf(z) / p - 1)).toBeLessThan(2e-7);
  });
});

describe('a mixture', () => {
  it('has the quantile whose distribution function is the probability, to 1e-6 or 2e-8 deviations, for any mixture', () => {
    fc.assert(
      fc.property(anyMixture, fc.double({ min: 1e-4, max: 1 - 1e-4, noNaN: true }), (mixture, p) => {
        const x = mixtureQuantile(mixture, p);
        // A narrow component among far ones is a near-step: the probability must lie between just below and just above.
        const step = 2e-8 * mixtureDeviation(mixture);
        return mixtureCdf(mixture, x - step) - 1e-6 <= p && p <= mixtureCdf(mixture, x + step) + 1e-6;
      }),
      { numRuns: 500 },
    );
  });

  it('has quantiles that ascend with the probability', () => {
    const probabilities = Array.from({ length: 199 }, (_, i) => (i + 1) / 200);
    const quantiles = probabilities.map((p) => mixtureQuantile(humps, p));
    expect(quantiles.every((q, i) => i === 0 || q > quantiles[i - 1])).toBe(true);
  });

  it('has the mean and deviation of its samples, to 2 %', () => {
    const random = createRandom(1);
    const samples = Array.from({ length: 40_000 }, () => sampleOf(humps, random));
    const mean = samples.reduce((a, b) => a + b, 0) / samples.length;
    const deviation = Math.sqrt(samples.reduce((sum, x) => sum + (x - mean) ** 2, 0) / samples.length);
    expect(Math.abs(mean - mixtureMean(humps))).toBeLessThan(0.05);
    expect(Math.abs(deviation / mixtureDeviation(humps) - 1)).toBeLessThan(0.02);
  });

  it.each([-4, 0, 0.5, 5])('has at %f the CRPS that integrating (F − 1{x ≥ y})² gives, to 1e-4', (value) => {
    const dx = 1e-3;
    let integral = 0;
    for (let x = -12; x < 12; x += dx)
      integral += (mixtureCdf(humps, x + dx / 2) - (x + dx / 2 >= value ? 1 : 0)) ** 2 * dx;
    expect(Math.abs(mixtureCrps(humps, value) - integral)).toBeLessThan(1e-3);
  });

  it('of one narrow normal has the absolute error as its CRPS, to 1e-6', () => {
    const sharp = { weights: Float64Array.of(1), means: Float64Array.of(2), scales: Float64Array.of(1e-9) };
    expect(Math.abs(mixtureCrps(sharp, 5) - 3)).toBeLessThan(1e-6);
  });
});
