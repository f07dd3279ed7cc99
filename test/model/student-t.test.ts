import { describe, expect, it } from 'vitest';
import { logGamma } from '../../model/latent/log-gamma.ts';
import { NORMAL } from '../../model/law.ts';
import { combine, mixtureCrps, mixtureQuantile, uniformWeights } from '../../model/mixture.ts';
import { lawOf, studentT } from '../../model/student-t.ts';

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const GRID = range(81).map((i) => Math.sinh((i - 40) / 8));

/** Closed forms of whole degrees of freedom (Johnson, Kotz & Balakrishnan, chapter 28). */
const CLOSED: readonly (readonly [number, (t: number) => number])[] = [
  [3, (t) => 0.5 + (t / Math.sqrt(3) / (1 + (t * t) / 3) + Math.atan(t / Math.sqrt(3))) / Math.PI],
  [4, (t) => 0.5 + 0.375 * (t / Math.sqrt(1 + (t * t) / 4)) * (1 - (t * t) / (12 * (1 + (t * t) / 4)))],
];

describe("Student's t", () => {
  it.each(CLOSED)('with %d degrees of freedom has its closed distribution function, to 1e-9', (nu, cdf) => {
    const law = studentT(nu);
    for (const z of GRID) expect(Math.abs(law.cdf(z) - cdf(z))).toBeLessThan(1e-9);
  });

  it.each([2.001, 2.1, 3.7, 30, 200])('with %d degrees of freedom is the integral of its density, to 1e-8', (nu) => {
    const law = studentT(nu);
    let [cdf, at] = [0.5, 0];
    for (let i = 1; i <= 4000; i++) {
      const to = i / 400;
      cdf += ((to - at) / 6) * (law.density(at) + 4 * law.density((at + to) / 2) + law.density(to));
      at = to;
      if (i % 100 === 0) expect(Math.abs(law.cdf(to) - cdf)).toBeLessThan(1e-8);
      if (i % 100 === 0) expect(law.cdf(to) + law.cdf(-to)).toBeCloseTo(1, 12);
    }
  });

  it.each([
    [3, 0.975, 3.182446305],
    [10, 0.975, 2.228138852],
    [4, 0.995, 4.604094871],
    [30, 0.9, 1.310415025],
    [5, 0.0005, -6.868826626],
  ])('with %d degrees of freedom has the printed quantile at %f, to 1e-6', (nu, probability, printed) => {
    const alone = {
      weights: uniformWeights(1),
      means: Float64Array.of(0),
      scales: Float64Array.of(1),
      laws: [studentT(nu)],
    };
    expect(Math.abs(mixtureQuantile(alone, probability) - printed)).toBeLessThan(1e-6);
  });

  it('has no probability beyond infinity, and ordered probabilities far out', () => {
    for (const law of [studentT(2.1), studentT(200)]) {
      expect([law.cdf(Number.NEGATIVE_INFINITY), law.cdf(Number.POSITIVE_INFINITY)]).toEqual([0, 1]);
      const tails = range(40).map((i) => law.cdf(-(2 ** i)));
      expect(tails.every((p, i) => p >= 0 && p <= (tails[i - 1] ?? 0.5))).toBe(true);
    }
  });

  it.each([2.1, 3, 7.5, 150])('with %d degrees of freedom has its closed CRPS, to a relative 1e-5', (nu) => {
    const law = studentT(nu);
    const beta = (a: number, b: number) => Math.exp(logGamma(a) + logGamma(b) - logGamma(a + b));
    // Jordan, Krüger & Lerch 2019, appendix A: E|X − X'|/2 of the standard t.
    const half = ((2 * Math.sqrt(nu)) / (nu - 1)) * (beta(0.5, nu - 0.5) / beta(0.5, nu / 2) ** 2);
    for (const value of [-40, -1, 0, 0.3, 5]) {
      const spread = { weights: uniformWeights(1), means: Float64Array.of(7), scales: Float64Array.of(2), laws: [law] };
      const expected = 2 * (law.meanDistance(value) - half);
      expect(Math.abs(mixtureCrps(spread, 7 + 2 * value) / expected - 1)).toBeLessThan(1e-5);
    }
  });

  it('has the mean distance that its density gives, to 1e-4', () => {
    const law = studentT(4);
    for (const z of [0, 0.7, -2]) {
      let sum = 0;
      for (let x = -400; x < 400; x += 0.005) sum += Math.abs(x + 0.0025 - z) * law.density(x + 0.0025) * 0.005;
      expect(Math.abs(law.meanDistance(z) - sum)).toBeLessThan(1e-4);
    }
  });
});

describe('a mixture with more than one law', () => {
  const normals = {
    weights: Float64Array.of(0.3, 0.7),
    means: Float64Array.of(-1, 2),
    scales: Float64Array.of(0.05, 1),
  };

  it('of normals alone scores by integration what the closed form says, to a relative 1e-5', () => {
    for (const value of [-3, -1, 1.7]) {
      const integrated = mixtureCrps({ ...normals, laws: [NORMAL, NORMAL] }, value);
      expect(Math.abs(integrated / mixtureCrps(normals, value) - 1)).toBeLessThan(1e-5);
    }
  });

  it('keeps its laws when it is combined with a mixture that has none', () => {
    const heavy = { ...normals, laws: [studentT(3), studentT(3)] };
    const both = combine([
      { share: 0.5, mixture: normals },
      { share: 0.5, mixture: heavy },
    ]);
    expect(both.laws?.map(({ tailIndex }) => tailIndex)).toEqual([Infinity, Infinity, 3, 3]);
    expect(mixtureQuantile(both, 0.999)).toBeGreaterThan(mixtureQuantile(normals, 0.999));
  });

  it('one table serves a decoder, and a Gaussian decoder is the normal', () => {
    const decoder = { units: 1, likelihood: 'student-t', degreesOfFreedom: 4 } as const;
    expect(lawOf(decoder)).toBe(lawOf(decoder));
    expect(lawOf({ units: 1, likelihood: 'gaussian' })).toBe(NORMAL);
  });
});
