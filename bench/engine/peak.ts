/** The core's peak of multiply-adds, by `peak.c` where a C compiler is there. */
import { runNative } from './native-program.ts';

/** Floating point operations a second, or undefined without a compiler. */
export const measurePeak = (): number | undefined => rateOf(runNative('peak.c'));

/** The same in vectors of four floats, which are all that WebAssembly has; undefined also on another architecture. */
export const measureNarrowPeak = (): number | undefined =>
  process.arch === 'x64' ? rateOf(runNative('peak.c', '-mno-avx512f', '-mno-avx2')) : undefined;

const rateOf = (printed: readonly string[]) =>
  printed.length === 0 ? undefined : 1e9 * Math.max(...printed.map(Number));
