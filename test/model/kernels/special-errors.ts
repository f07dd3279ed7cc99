/**
 * What the kernels' elementary functions promise, on every build of them (model/kernels/special.h): the one place where it is
 * stated. The tests measure it; docs/engine.md tells it.
 */

import { scaledTail } from '../../../scripts/fit-special.ts';

/** The order of `enum special_function` in special-job.h. */
export const SPECIAL_KINDS = ['exp', 'tanh', 'sigmoid', 'log', 'sincos', 'normal'] as const;

export interface SpecialError {
  readonly name: string;
  readonly kind: (typeof SPECIAL_KINDS)[number];
  /** Which of the job's outputs. */
  readonly output: 'out' | 'out2';
  /** Where the error holds; both ends belong to it. */
  readonly from: number;
  readonly to: number;
  /** Units in the last place of the true value, where fma is one rounding. */
  readonly fused: number;
  /** The same where it is two: plain WebAssembly, SSE2. */
  readonly unfused: number;
  /** The same on AVX-512 where that has a way of its own. */
  readonly avx512?: number;
  /** In doubles. */
  readonly reference: (x: number) => number;
}

/** e^(−x²/2) */
const bell = (x: number) => Math.exp(-0.5 * x * x);
const normalCdf = (x: number) => (x > 0 ? 1 - scaledTail(x) * bell(x) : scaledTail(-x) * bell(x));

const LARGEST = 3.4e38;

/** What a build promises, by its name: native-avx512, avx512, wasm-plain ... */
export function promised({ fused, unfused, avx512 }: SpecialError, build: string): number {
  if (avx512 !== undefined && build.endsWith('avx512')) return avx512;
  return /baseline|wasm/.test(build) ? unfused : fused;
}

export const SPECIAL_ERRORS: readonly SpecialError[] = [
  { name: 'exp', from: -86.98, to: 88.72, fused: 0.9, unfused: 1.2, ...of('exp', Math.exp) },
  { name: 'tanh', from: -LARGEST, to: LARGEST, fused: 4.8, unfused: 5, avx512: 4, ...of('tanh', Math.tanh) },
  {
    name: 'sigmoid',
    from: -87,
    to: LARGEST,
    fused: 2.6,
    unfused: 2.6,
    ...of('sigmoid', (x) => 1 / (1 + Math.exp(-x))),
  },
  { name: 'log', from: 2 ** -126, to: LARGEST, fused: 0.95, unfused: 0.95, ...of('log', Math.log) },
  { name: 'sine', from: -4194303, to: 4194303, fused: 1, unfused: 1.7, ...of('sincos', sineOfTurns) },
  {
    name: 'cosine',
    from: -4194303,
    to: 4194303,
    fused: 0.95,
    unfused: 1.7,
    ...of('sincos', (x) => sineOfTurns(x + 0.25)),
    output: 'out2',
  },
  { name: 'normal', from: -12, to: LARGEST, fused: 70, unfused: 70, ...of('normal', normalCdf) },
  { name: 'bell', from: -12, to: 12, fused: 70, unfused: 70, ...of('normal', bell), output: 'out2' },
];

function of(kind: SpecialError['kind'], reference: (x: number) => number) {
  return { kind, output: 'out' as const, reference };
}

/** sin 2πx, exactly 0 at multiples of a half: whole quarters are taken off before the angle is rounded. */
function sineOfTurns(turns: number): number {
  const quarters = Math.round(4 * turns);
  const angle = 2 * Math.PI * (turns - quarters / 4);
  const size = quarters % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  return ((quarters % 4) + 4) % 4 >= 2 ? -size : size;
}
