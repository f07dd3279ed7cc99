import { describe, expect, it } from 'vitest';
import { boundOf } from '../../../model/latent/bound.ts';

const posterior = { mean: Float32Array.of(0.5, -1), logVariance: Float32Array.of(-1, 0.5) };
const noise = Float32Array.of(0.3, -0.2, 1, 0.1, -0.7, 0.4);
const z0 = noise.map((e, i) => posterior.mean[i % 2] + Math.exp(posterior.logVariance[i % 2] / 2) * e);
const input = (bound: 'elbo' | 'importance-weighted', negativeLogs: readonly number[]) => {
  return {
    batch: { noise, beta: 0.7, bound },
    posterior,
    z0,
    negativeLogs: Float64Array.from(negativeLogs),
    samples: 3,
  };
};

describe('the bounds of one sample of a batch, three draws', () => {
  it('elbo weighs the draws alike, and adds β times the divergence', () => {
    const { loss, shares, negativeLog, divergence } = boundOf(input('elbo', [3, 6, 9]));
    expect(shares).toEqual(new Float64Array(3).fill(1 / 3));
    expect(negativeLog).toBe(6);
    expect(loss).toBe(6 + 0.7 * divergence);
  });

  it('importance-weighted gives shares that add up to 1, and survives likelihoods that no number can hold', () => {
    for (const shift of [0, 5000, -5000]) {
      const { loss, shares } = boundOf(input('importance-weighted', [3 + shift, 6 + shift, 9 + shift]));
      expect(shares.reduce((sum, v) => sum + v, 0)).toBeCloseTo(1, 12);
      expect(loss - shift).toBeCloseTo(boundOf(input('importance-weighted', [3, 6, 9])).loss, 8);
    }
  });

  it('importance-weighted of draws alike is what each of them says', () => {
    const alike = { ...input('importance-weighted', [4, 4, 4]), z0: new Float32Array(6) };
    const { loss, shares } = boundOf({ ...alike, batch: { ...alike.batch, noise: new Float32Array(6) } });
    expect(Array.from(shares)).toEqual([1 / 3, 1 / 3, 1 / 3].map((v) => expect.closeTo(v, 12)));
    expect(loss).toBeCloseTo(4 - 0.7 * 0.5 * (-1 + 0.5), 12);
  });
});
