import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../model/latent/random.ts';

const draws = (n: number, draw: () => number) => Array.from({ length: n }, draw);
const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;

describe('createRandom', () => {
  it('gives the same stream for the same seed, another for another', () => {
    const [a, b, c] = [createRandom(7), createRandom(7), createRandom(8)].map((r) => draws(50, () => r.uniform()));
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
  });

  it('keeps its bits from release to release', () => {
    const random = createRandom('odecast');
    expect(draws(3, () => random.int(1000))).toMatchInlineSnapshot(`
      [
        715,
        897,
        611,
      ]
    `);
  });

  it('draws uniforms on [0, 1) with the moments of one (±0.005)', () => {
    const random = createRandom(1);
    const xs = draws(100_000, () => random.uniform());
    expect(xs.every((x) => x >= 0 && x < 1)).toBe(true);
    expect(Math.abs(mean(xs) - 0.5)).toBeLessThan(0.005);
    expect(Math.abs(mean(xs.map((x) => x * x)) - 1 / 3)).toBeLessThan(0.005);
  });

  it('draws normals: mean 0, variance 1, kurtosis 3, no serial correlation (±0.02, ±0.1)', () => {
    const random = createRandom(2);
    const xs = draws(200_000, () => random.normal());
    expect(Math.abs(mean(xs))).toBeLessThan(0.02);
    expect(Math.abs(mean(xs.map((x) => x ** 2)) - 1)).toBeLessThan(0.02);
    expect(Math.abs(mean(xs.map((x) => x ** 4)) - 3)).toBeLessThan(0.1);
    expect(Math.abs(mean(xs.slice(1).map((x, i) => x * xs[i])))).toBeLessThan(0.02);
  });

  it('draws every integer equally often (χ² of 10 cells < 30)', () => {
    const random = createRandom(3);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) counts[random.int(10)]++;
    const chi2 = counts.reduce((sum, c) => sum + (c - 10_000) ** 2 / 10_000, 0);
    expect(chi2).toBeLessThan(30);
  });

  it('refuses an empty or fractional range', () => {
    const random = createRandom(4);
    expect(() => random.int(0)).toThrow(RangeError);
    expect(() => random.int(2.5)).toThrow(RangeError);
  });

  it('forks by label alone, whatever was drawn before', () => {
    const fresh = createRandom(5);
    const used = createRandom(5);
    draws(17, () => used.normal());
    const take = (label: string | number, from = fresh) => draws(20, () => from.fork(label).uniform());
    expect(take('noise')).toEqual(take('noise', used));
    expect(take('noise')).not.toEqual(take('batches'));
    const [a, b] = [fresh.fork('a'), fresh.fork('b')];
    const products = draws(50_000, () => (a.uniform() - 0.5) * (b.uniform() - 0.5));
    expect(Math.abs(mean(products))).toBeLessThan(0.003);
  });
});
