/** The engine's bench in its pure parts: that it compares what it says, and like with like. Its figures are the bench's business. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bestOf, disagreement, holdContest, oursIn, type RowResult, speedup } from '../../bench/engine/contest.ts';
import type { Contestant } from '../../bench/engine/contestant.ts';
import { keepResults, withKept } from '../../bench/engine/kept.ts';
import { kernelTable, narrowSentence } from '../../bench/engine/kernel-rates.ts';
import { fieldProblem, spiralsBatch, spiralsParameters, spiralsSpec, stream } from '../../bench/engine/problem.ts';
import {
  agreementSentence,
  contestGoals,
  failureSentence,
  queryRates,
  timesTable,
  variantsTable,
} from '../../bench/engine/report.ts';
import { ROWS } from '../../bench/engine/rows.ts';
import { type CostPoint, costGoals, DIRECTIONS, fitLine } from '../../bench/engine/scaling.ts';

/** What problem.py prints for stream(1, 4), stream(6, 3, 100), the first row of W₁ at gain 2, and of the decoder's output weights. */
const STREAM = [1.600836, -1.59381, 0.9999954, 1.3790579];
const LATER_STREAM = [-1.4651772, 0.9633914, -0.70564693];
const FIELD = [1.600836, -1.59381, 0.9999954];
const OUTPUT = [-0.3825769, 0.27932757, 0.29921722, -0.11962536];

const row = (id: string) => ROWS.filter((one) => one.id === id)[0];

const entry = (peer: string, rounds: readonly number[], check = { loss: 2, gradient: 3 }) => ({
  peer,
  variant: 'only',
  rounds,
  calls: rounds.length,
  check,
});

const result = (...entries: RowResult['entries'][number][]): RowResult => ({
  row: row('gradient-4x20'),
  entries,
  failures: [],
});

describe('what all compute', () => {
  it('is the same numbers as in problem.py, to 1e-6', () => {
    const near = (actual: Float32Array, expected: readonly number[]) =>
      expected.forEach((value, i) => {
        expect(Math.abs(actual[i] - value)).toBeLessThan(1e-6);
      });
    near(stream(1, 4), STREAM);
    near(stream(6, 103).subarray(100), LATER_STREAM);
    near(fieldProblem('4x20', 2).parameters, FIELD);
    const spec = spiralsSpec('rk4');
    const parameters = spiralsParameters(spec);
    near(parameters.subarray(parameters.length - 4 - 80), OUTPUT);
  });

  it('has numbers of no mean and unit variance, to 0.05', () => {
    const numbers = stream(3, 10_000);
    const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
    const variance = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / numbers.length;
    expect(Math.abs(mean)).toBeLessThan(0.05);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
  });

  it('asks for no step beyond the last time', () => {
    const spec = spiralsSpec('rk4');
    const { targets } = spiralsBatch(spec, { samples: 2, times: 10 });
    expect(Math.floor(Math.max(...targets.times) / spec.solver.knotSpacing)).toBe(8);
  });
});

describe('a contest', () => {
  const contestant = (peer: string, seconds: Readonly<Record<string, number>>): Contestant => ({
    peer,
    versions: {},
    offers: { 'gradient-4x20': Object.keys(seconds) },
    ask: async ({ variant }) =>
      seconds[variant] < 0 ? { failed: 'no' } : { times: [2 * seconds[variant], seconds[variant]], check: { loss: 1 } },
    close: () => {},
  });

  it('takes the fastest call of the best variant, round by round, and names what failed', async () => {
    const contestants = [contestant('JAX 1', { slow: 3, fast: 1, broken: -1 }), contestant('other', {})];
    const pace = { rounds: 3, trialSeconds: 0, roundSeconds: 0 };
    const { entries, failures } = await holdContest(row('gradient-4x20'), contestants, pace);
    expect(entries).toMatchObject([{ peer: 'JAX 1', variant: 'fast', rounds: [1, 1, 1], calls: 6 }]);
    expect(failures).toEqual([{ peer: 'JAX 1', variant: 'broken', failed: 'no' }]);
  });

  it('compares within a round: a machine that is three times slower for one round changes nothing', () => {
    const [ours, peer] = [entry('fused native', [1, 3, 1]), entry('JAX 1', [2, 6, 2])];
    expect(speedup(ours, peer)).toBe(2);
  });

  it('takes the better of two versions of a package', () => {
    const both = result(entry('JAX 1', [3]), entry('JAX 2', [2]), entry('fused native', [1]));
    expect(bestOf(both, 'JAX')?.peer).toBe('JAX 2');
    expect(oursIn(both)?.rounds).toEqual([1]);
    expect(bestOf(both, 'torch')).toBeUndefined();
  });

  it('finds who computes something else, NaN and missing values among it', () => {
    const with_ = (check: Record<string, number>) =>
      disagreement(result(entry('fused native', [1]), { ...entry('JAX 1', [1]), check }));
    expect(with_({ loss: 2.002, gradient: 3 })?.distance).toBeCloseTo(1e-3, 6);
    expect(with_({ loss: Number.NaN, gradient: 3 })?.distance).toBe(Number.POSITIVE_INFINITY);
    expect(with_({ loss: 2 })?.distance).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('what was promised', () => {
  it('is held against the best of the family, and what was not run is not met', () => {
    const met = contestGoals([result(entry('fused native', [1]), entry('JAX 1', [3.1]))], undefined);
    expect(met).toMatchObject([{ goal: '≥ 3', met: true }]);
    const missed = contestGoals([result(entry('fused native', [1]), entry('JAX 1', [2.9]))], undefined);
    expect(missed[0].met).toBe(false);
    expect(contestGoals([result(entry('JAX 1', [1]))], undefined)[0].met).toBeUndefined();
  });

  it('WebAssembly within three times of native, and no slower than JAX at the small size', () => {
    const entries = [entry('fused native', [1]), entry('fused wasm-relaxed', [4]), entry('JAX 1', [3.5])];
    const [, slower, faster] = contestGoals([result(...entries)], undefined);
    expect([slower.met, faster.met]).toEqual([false, false]);
  });

  it('a share of the peak: half of the rate is half of it', () => {
    const large = row('forward-32x128');
    const seconds = 1e-4;
    const peak = (2 * (large.flops ?? 0)) / seconds;
    const goals = contestGoals([{ row: large, entries: [entry('fused native', [seconds])], failures: [] }], peak);
    expect(goals[1]).toMatchObject({ met: false });
    expect(goals[1].measured).toContain('0.50');
  });

  it('a kernel beside the peak: 32 multiply-adds in a nanosecond are 64 GFLOP/s, half of 128', () => {
    const rates = [
      { name: 'affine 4 x 20', nanoseconds: 10, multiplyAdds: 320, vectors: 0 },
      { name: 'tanh', nanoseconds: 10, multiplyAdds: 0, vectors: 4 },
    ];
    const [, , product, tanh] = kernelTable(rates, 128e9).split('\n');
    expect(product).toContain('| 64, 50 % | – | multiply-adds');
    expect(tanh).toContain('| – | 2.50 | arithmetic');
    expect(narrowSentence(150e9, 50e9)).toContain('3.00 times less');
  });

  it('every row of the issue has a promise, and flops are counted as 8.4 million a step at the largest size', () => {
    expect(ROWS).toHaveLength(19);
    expect(ROWS.every(({ promises }) => promises.length > 0)).toBe(true);
    expect(row('forward-32x128').flops).toBe(8_388_608);
  });
});

describe('the tables', () => {
  it('say times, variants, rates, and what is amiss', () => {
    const apart = result(entry('fused native', [1]), entry('JAX 1', [1], { loss: 3, gradient: 3 }));
    expect(timesTable([apart])).toContain('1.00e+3');
    expect(variantsTable([apart])).toContain('JAX 1: only');
    expect(agreementSentence([apart])).toContain('do not compute the same');
    expect(agreementSentence([result(entry('fused native', [1]))])).toContain('All compute the same');
    expect(failureSentence([{ ...apart, failures: [{ peer: 'x', variant: 'y', failed: 'z' }] }])).toContain('x (y)');
    expect(queryRates([{ ...apart, row: row('query-1') }])).toContain('1 a second');
  });
});

describe('a contest in parts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'odecast-bench-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('takes rows that were not measured anew from the run before, in the order of the table', () => {
    const file = join(folder, 'some', 'results.json');
    const at = (id: string, seconds: number): RowResult => ({
      row: row(id),
      entries: [entry('fused native', [seconds])],
      failures: [],
    });
    keepResults([at('query-1', 1), at('forward-4x20', 2)], file);
    const joined = withKept([at('query-1', 3), at('gradient-4x20', 4)], file);
    expect(joined.map(({ row, entries }) => [row.id, entries[0].rounds[0]])).toEqual([
      ['forward-4x20', 2],
      ['gradient-4x20', 4],
      ['query-1', 3],
    ]);
  });
});

describe('cost against size', () => {
  const line = (of: (n: number) => number): CostPoint[] =>
    DIRECTIONS.flatMap(({ name, sizes }) => sizes.map((size) => ({ direction: name, size, ms: of(size) })));

  it('a line is found again to 1e-9', () => {
    const { base, slope, error } = fitLine([1, 2, 4, 8, 64].map((size) => ({ size, ms: 3 + 0.5 * size })));
    expect(Math.abs(base - 3) + Math.abs(slope - 0.5) + error).toBeLessThan(1e-9);
  });

  it('a square is no line', () => {
    expect(costGoals(line((n) => 1 + n)).every(({ met }) => met)).toBe(true);
    expect(costGoals(line((n) => n * n)).some(({ met }) => met)).toBe(false);
  });
});
