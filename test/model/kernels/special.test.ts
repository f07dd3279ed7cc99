/**
 * The kernels' elementary functions on each build that this machine has: their stated errors over floats spread evenly through
 * their ranges, and what happens at the ends. Every float is asked in special.slow.test.ts.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { operationCode } from '../../../model/engine/fused/job.ts';
import { KERNEL_CHOICES, type Kernels, loadKernels } from '../../../model/engine/fused/kernels.ts';
import { promised, SPECIAL_ERRORS, SPECIAL_KINDS, type SpecialError } from './special-errors.ts';

/** A prime: floats of all last bits. */
const STRIDE = 4999;
const COUNT = 4096;
const JOB = 16;
const [IN, OUT, OUT2] = [64, 64 + COUNT, 64 + 2 * COUNT];
const { NaN: none, POSITIVE_INFINITY: infinity } = Number;

const TWO_VALUES = new Set<SpecialError['kind']>(['sincos', 'normal']);

/** Builds by the name that forces them; without those that the machine does not have. */
const builds: readonly (readonly [string, Kernels])[] = await loadBuilds();

async function loadBuilds() {
  const choices = KERNEL_CHOICES.filter((choice) => /^native-|^wasm-/.test(choice));
  const loaded = choices.map(async (choice) => [choice, await loadKernels({ choice }).catch(() => undefined)] as const);
  return (await Promise.all(loaded)).flatMap(([name, kernels]) => (kernels ? [[name, kernels] as const] : []));
}

test('there is a build', () => expect(builds.map(([name]) => name)).toContain('wasm-plain'));

describe.each(builds)('%s', (build, kernels) => {
  beforeAll(() => kernels.reserve(OUT2 + COUNT));

  test.each(SPECIAL_ERRORS)('$name is as near as it says, over every 4999th float', (row) => {
    const { worst, at } = worstError(kernels, row);
    expect(worst, `at ${at}`).toBeLessThanOrEqual(promised(row, build));
  });

  test.each(SPECIAL_KINDS)('%s of NaN is NaN, and its neighbour does not notice', (kind) => {
    const alone = evaluate(kernels, kind, [1, 1]);
    expect(evaluate(kernels, kind, [none, 1])).toEqual([none, alone[1]]);
    if (TWO_VALUES.has(kind)) expect(evaluate(kernels, kind, [none], 'out2')).toEqual([none]);
  });

  test('exp ends in 0 and in infinity', () => {
    const asked = [-infinity, -1e30, -104, -87.4, 0, -0, 88.73, 1e30, infinity];
    expect(evaluate(kernels, 'exp', asked)).toEqual([0, 0, 0, 0, 1, 1, infinity, infinity, infinity]);
  });

  test('tanh is odd to the bit, keeps tiny values and the sign of 0, and is exactly ±1 beyond 8.83 and never more', () => {
    const sizes = Array.from({ length: COUNT / 2 }, (_, i) => Math.fround(1e-4 * 1.006 ** i));
    const [above, below] = [
      evaluate(kernels, 'tanh', sizes),
      evaluate(
        kernels,
        'tanh',
        sizes.map((x) => -x),
      ),
    ];
    expect(below).toEqual(above.map((y) => -y));
    expect(above.every((y, i) => y <= 1 && (sizes[i] < 8.83 || y === 1))).toBe(true);
    const tiny = [0, -0, 1e-40, -1e-40, 2 ** -126, 1e-10, -1e-10].map(Math.fround);
    expect(evaluate(kernels, 'tanh', tiny)).toEqual(tiny);
    expect(evaluate(kernels, 'tanh', [1e30, -1e30, 3.4e38, -3.4e38].map(Math.fround))).toEqual([1, -1, 1, -1]);
  });

  test('tanh of an infinity is its limit, but by look-up on AVX-512 no number', () => {
    const expected = build === 'native-avx512' ? [none, none] : [1, -1];
    expect(evaluate(kernels, 'tanh', [infinity, -infinity])).toEqual(expected);
  });

  test('sigmoid ends in 0 and in 1 and never leaves them', () => {
    const asked = [-infinity, -1e30, -89, 0, 40, 1e30, infinity];
    expect(evaluate(kernels, 'sigmoid', asked)).toEqual([0, 0, 0, 0.5, 1, 1, 1]);
  });

  test('log of 0 is −∞, of less there is none', () => {
    const asked = [0, -0, 1, infinity, -1, -infinity, -1e-40];
    expect(evaluate(kernels, 'log', asked)).toEqual([-infinity, -infinity, 0, infinity, none, none, none]);
  });

  test('the normal distribution function ends in 0 and in 1 and is a half in the middle', () => {
    const [first, second, ...rest] = evaluate(kernels, 'normal', [-infinity, -1e30, 0, 6, 1e30, infinity]);
    expect([first, second].every((y) => y >= 0 && y < 2e-33)).toBe(true);
    expect(rest).toEqual([0.5, 1, 1, 1]);
  });

  test('sine and cosine of whole quarters are exact, and those of too many turns are those of 0', () => {
    const asked = [0, 0.25, 0.5, 0.75, -0.25, 1048576.25, 2 ** 22, 1e30, infinity];
    expect(evaluate(kernels, 'sincos', asked).map(unsigned)).toEqual([0, 1, 0, -1, -1, 1, 0, 0, none]);
    expect(evaluate(kernels, 'sincos', asked, 'out2').map(unsigned)).toEqual([1, 0, -1, 0, 0, 0, 1, 1, none]);
  });
});

/** Zero without its sign. */
const unsigned = (y: number) => y + 0;

function evaluate(
  kernels: Kernels,
  kind: SpecialError['kind'],
  given: readonly number[],
  output: SpecialError['output'] = 'out',
): number[] {
  kernels.floats.fill(1, IN, IN + COUNT);
  kernels.floats.set(given, IN);
  run(kernels, kind);
  const from = output === 'out' ? OUT : OUT2;
  return [...kernels.floats.subarray(from, from + given.length)];
}

function run(kernels: Kernels, kind: SpecialError['kind']): void {
  kernels.ints.set([SPECIAL_KINDS.indexOf(kind), COUNT, IN, OUT, OUT2], JOB);
  expect(kernels.run(operationCode('special'), JOB)).toBe(0);
}

function worstError(
  kernels: Kernels,
  { kind, output, from, to, reference }: SpecialError,
): { worst: number; at: number } {
  const [first, last, start] = [placeOf(from), placeOf(to), output === 'out' ? OUT : OUT2];
  const found = { worst: 0, at: 0 };
  for (let place = first; place <= last; place += COUNT * STRIDE) {
    for (let i = 0; i < COUNT; i++) kernels.ints[IN + i] = cellAt(Math.min(place + i * STRIDE, last));
    run(kernels, kind);
    for (let i = 0; i < COUNT; i++) {
      const error = ulps(kernels.floats[start + i], reference(kernels.floats[IN + i]));
      if (!(error <= found.worst)) Object.assign(found, { worst: error, at: kernels.floats[IN + i] });
    }
  }
  return found;
}

// Floats in their order, as integers in theirs ---------------------------------------------------------------------

function placeOf(x: number): number {
  const cell = new Int32Array(Float32Array.of(x).buffer)[0];
  return cell < 0 ? -(cell & 0x7fffffff) : cell;
}

function cellAt(place: number): number {
  return place < 0 ? -place | 0x80000000 : place;
}

function ulps(got: number, wanted: number): number {
  const spacing = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(wanted))), -126) - 23);
  return Math.abs(got - wanted) / spacing;
}
