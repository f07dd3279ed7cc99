/**
 * Quantiles found by the kernels, on each build of them that this machine has, against those found in doubles. Where a
 * mixture's density is next to nothing a quantile is not known to 1e-5 by anyone; there its distribution function decides.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KERNEL_CHOICES, type Kernels, loadKernels } from '../../model/engine/fused/kernels.ts';
import { rowQuantiles } from '../../model/engine/fused/quantile-job.ts';
import type { RowQuantiles } from '../../model/engine/quantile.ts';
import { type Mixture, mixtureCdf, mixtureDeviation, mixtureQuantile } from '../../model/mixture.ts';
import { type MixtureBatch, mixtureQuantiles } from '../../model/quantiles.ts';

const builds: readonly (readonly [string, Kernels])[] = await loadBuilds();

async function loadBuilds() {
  const choices = KERNEL_CHOICES.filter((choice) => /^native-|^wasm-/.test(choice));
  const loaded = choices.map(async (choice) => [choice, await loadKernels({ choice }).catch(() => undefined)] as const);
  return (await Promise.all(loaded)).flatMap(([name, kernels]) => (kernels ? [[name, kernels] as const] : []));
}

const LEVELS = [0.05, 0.5, 0.95, 0.001, 0.9999, 0.25, 1e-7];

const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
/** Of any number of components, in clusters or not, of like or unlike widths, far from 0 or near. */
const mixtures = fc.integer({ min: 1, max: 70 }).chain((components) => {
  const each = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: components, maxLength: components });
  const mean = fc.oneof(number(-1, 1), number(-0.01, 0.01), number(4, 5), fc.constantFrom(-20, 0, 20));
  const scale = fc.oneof(number(0.1, 1), number(-6, 0.5).map(Math.exp));
  return fc.record({ means: each(mean), scales: each(scale), shares: each(number(0.01, 1)), shift: number(-1e4, 1e4) });
});
type Parts = typeof mixtures extends fc.Arbitrary<infer T> ? T : never;

function mixtureOf({ means, scales, shares, shift }: Parts): Mixture {
  const total = shares.reduce((sum, share) => sum + share, 0);
  return {
    means: Float64Array.from(means, (mean) => mean + shift),
    scales: Float64Array.from(scales),
    weights: Float64Array.from(shares, (share) => share / total),
  };
}

const batchOf = ({ means, scales, weights }: Mixture): MixtureBatch => ({
  means,
  scales,
  weights,
  components: means.length,
});

test('there is a build', () => expect(builds.map(([name]) => name)).toContain('wasm-plain'));

describe.each(builds)('%s', (_, kernels) => {
  const find: RowQuantiles = (rows, levels) => rowQuantiles(kernels, rows, levels);

  test('of any mixture to 1e-5 of its deviation, or to 1e-5 of the tail', () => {
    const check = (parts: Parts) => {
      const mixture = mixtureOf(parts);
      const found = mixtureQuantiles(batchOf(mixture), LEVELS, find);
      for (const [q, level] of LEVELS.entries())
        expect(miss(mixture, level, found[q]), `level ${level}`).toBeLessThan(1e-5);
    };
    fc.assert(fc.property(mixtures, check), { numRuns: 300 });
  });

  test('of one component: mean + z·scale', () => {
    const batch = {
      ...batchOf({ means: Float64Array.of(3), scales: Float64Array.of(2), weights: Float64Array.of(1) }),
    };
    const [low, median, high] = mixtureQuantiles(batch, [0.025, 0.5, 0.975], find);
    expect(low).toBeCloseTo(3 - 2 * 1.959964, 5);
    expect(median).toBeCloseTo(3, 6);
    expect(high).toBeCloseTo(3 + 2 * 1.959964, 5);
  });

  test('between two clusters that lie far apart, any value with half of the mass below it', () => {
    const means = Float64Array.from({ length: 64 }, (_, k) => (k % 2 ? 1000 : -1000));
    const mixture = { means, scales: new Float64Array(64).fill(1), weights: new Float64Array(64).fill(1 / 64) };
    const [median] = mixtureQuantiles(batchOf(mixture), [0.5], find);
    expect(mixtureCdf(mixture, median)).toBeCloseTo(0.5, 6);
  });

  test('a row has the same bits alone and among others, with weights of its own or shared', () => {
    const rows = fc
      .sample(mixtures, { seed: 7, numRuns: 40 })
      .map(mixtureOf)
      .filter(({ means }) => means.length >= 5);
    const cut = rows.map(({ means, scales }) => ({ means: means.slice(0, 5), scales: scales.slice(0, 5) }));
    const weights = Float64Array.of(0.2, 0.2, 0.2, 0.2, 0.2);
    const join = (part: 'means' | 'scales') => Float64Array.from(cut.flatMap((row) => [...row[part]]));
    const all = { means: join('means'), scales: join('scales'), components: 5 };
    const together = mixtureQuantiles({ ...all, weights }, LEVELS, find);
    const own = Float64Array.from(cut.flatMap(() => [...weights]));
    expect(mixtureQuantiles({ ...all, weights: own }, LEVELS, find)).toEqual(together);
    const alone = cut.flatMap((row) => [...mixtureQuantiles({ ...row, weights, components: 5 }, LEVELS, find)]);
    expect([...together]).toEqual(alone);
  });

  test.each([
    ['a mean that is not a number', Number.NaN, 1],
    ['an infinite mean', Number.POSITIVE_INFINITY, 1],
    ['a scale of 0', 0, 0],
    ['a scale below 0', 0, -1],
    ['an infinite scale', 0, Number.POSITIVE_INFINITY],
    ['a scale that is not a number', 0, Number.NaN],
  ])('%s makes its row NaN, and no other', (_, mean, scale) => {
    const means = Float32Array.of(0, 1, mean, 2, 0, 1);
    const scales = Float32Array.of(1, 1, scale, 1, 1, 1);
    const levels = { tails: Float32Array.of(0.1, 0.5), probits: Float32Array.of(-1.2815516, 0) };
    const weights = Float32Array.of(0.5, 0.5);
    const found = find({ means, scales, weights, components: 2 }, levels);
    expect([...found.subarray(2, 4)]).toEqual([Number.NaN, Number.NaN]);
    expect([...found.subarray(0, 2)]).toEqual([...found.subarray(4)]);
    expect(found[1]).toBeCloseTo(0.5, 6);
  });

  test('whatever the numbers, it comes to an end', () => {
    const wild = fc.float32Array({ minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(wild, wild, wild, (means, scales, levels) => {
        const found = find(
          { means, scales, weights: levels.subarray(0, 3), components: 3 },
          { tails: levels.subarray(3, 8), probits: levels.subarray(7) },
        );
        expect(found).toHaveLength(20);
      }),
      { numRuns: 300 },
    );
  });
});

/** In deviations, or in shares of the tail, whichever is less. */
function miss(mixture: Mixture, level: number, found: number): number {
  const away = Math.abs(found - mixtureQuantile(mixture, level)) / mixtureDeviation(mixture);
  const tail = Math.min(level, 1 - level);
  return Math.min(away, Math.abs(tailAt(mixture, level, found) - tail) / tail);
}

/** The level's smaller tail, not as what is left of 1. */
function tailAt(mixture: Mixture, level: number, x: number): number {
  if (level <= 0.5) return mixtureCdf(mixture, x);
  return mixtureCdf({ ...mixture, means: mixture.means.map((mean) => -mean) }, -x);
}
