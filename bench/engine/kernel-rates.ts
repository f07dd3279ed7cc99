/** What single kernels reach of a core's peak, and what keeps them from it: `kernels.c`, and a call from JavaScript. */
import { join } from 'node:path';
import { operationCode } from '../../model/engine/fused/job.ts';
import { loadKernels } from '../../model/engine/fused/kernels.ts';
import { markdownTable } from '../report.ts';
import { runNative } from './native-program.ts';

export interface KernelRate {
  readonly name: string;
  /** A call. */
  readonly nanoseconds: number;
  readonly multiplyAdds: number;
  /** That go through an elementary function. */
  readonly vectors: number;
}

/** On a core with AVX-512. By a kernel's whole name, else by its first word. */
const LIMITS: Readonly<Record<string, string>> = {
  exp: 'arithmetic: 15 operations a vector on two ports',
  tanh: 'arithmetic: 13 operations a vector on two ports, look-ups on one of them',
  sigmoid: 'arithmetic, and a division that keeps the divider for 10 cycles a vector',
  affine: 'multiply-adds; with 4 inputs, to fill and empty the sums',
  affine_tanh: 'tanh, which is more work than the products up to some 30 inputs',
  affine_transposed: 'multiply-adds',
  affine_transposed_tanh: 'multiply-adds, and the values of tanh, which are read from beyond the nearest cache',
  contract: 'sums across lanes, a sixth of it; then the second-level cache: 20 records are more than the first holds',
  gru_step: 'sigmoids and tanh: 75 vectors a lane vector, two thirds of them with a division',
  'affine_tanh 20 x 20, one lane': 'latency: a chain of 20 multiply-adds of 4 cycles, then of tanh',
  call: 'the way into native code and its checks',
};

/** Undefined without a compiler. */
export async function measureKernels(): Promise<readonly KernelRate[] | undefined> {
  const printed = runNative('kernels.c', `-I${join(import.meta.dirname, '../../model/kernels')}`);
  if (printed.length === 0) return undefined;
  const runs = printed.map((run) => run.trim().split('\n').map(rateOf));
  const rates = runs.reduce((best, run) =>
    best.map((rate, i) => (run[i].nanoseconds < rate.nanoseconds ? run[i] : rate)),
  );
  return [
    ...rates,
    { name: 'call of a job from JavaScript', nanoseconds: await measureCall(), multiplyAdds: 0, vectors: 0 },
  ];
}

function rateOf(line: string): KernelRate {
  const [name, ...numbers] = line.split('\t');
  const [nanoseconds, multiplyAdds, vectors] = numbers.map(Number);
  return { name, nanoseconds, multiplyAdds, vectors };
}

const CALLS = 1000;

/** Of a job that has nothing to do: exponentials of no numbers. */
async function measureCall(): Promise<number> {
  const kernels = await loadKernels();
  kernels.ints.fill(0);
  const code = operationCode('special');
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 200; round++) {
    const begun = performance.now();
    for (let i = 0; i < CALLS; i++) kernels.run(code, 0);
    best = Math.min(best, performance.now() - begun);
  }
  return (1e6 * best) / CALLS;
}

/** @param peak of the same run, operations a second */
export function kernelTable(rates: readonly KernelRate[], peak: number): string {
  const rows = rates.map(({ name, nanoseconds, multiplyAdds, vectors }) => {
    const rate = (2 * multiplyAdds) / nanoseconds;
    const share = `${rate.toFixed(0)}, ${((100 * 1e9 * rate) / peak).toFixed(0)} %`;
    const each = vectors > 0 ? (nanoseconds / vectors).toFixed(2) : '–';
    return [name, nanoseconds.toPrecision(3), multiplyAdds > 0 ? share : '–', each, limitOf(name)];
  });
  const head = [
    'kernel',
    'ns a call',
    `GFLOP/s, share of ${(peak / 1e9).toFixed(0)}`,
    'ns a vector of its function',
    'limited by (on AVX-512)',
  ];
  return markdownTable([head, ...rows]);
}

/** What code in vectors of four, as WebAssembly is, can reach at best of what the widest vectors reach. */
export function narrowSentence(peak: number, narrow: number): string {
  const [wide, four] = [peak, narrow].map((rate) => (rate / 1e9).toFixed(0));
  const times = (peak / narrow).toFixed(2);
  return (
    `In vectors of four floats, which are all that WebAssembly has, this core's peak is ${four} GFLOP/s, ${times} times less than ${wide}: ` +
    'where products are the work, no code of such vectors is nearer to native than that.'
  );
}

function limitOf(name: string): string {
  return LIMITS[name] ?? LIMITS[name.split(' ')[0]] ?? '';
}
