/**
 * That the sanitized build sees what it is there for, by faults planted in a small kernel. What it finds in the real kernels
 * is asked where their jobs are made, in test/model/engine/fused.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KERNEL_ABI } from '../../../model/engine/fused/kernel-library.ts';
import type { Kernels } from '../../../model/engine/fused/kernels.ts';
import { buildSanitized, type SanitizedBuild, widthsHere } from './sanitized-kernels.ts';

/** Each operation is one fault; the job is a cell that it may use. */
const PLANTED = `
#include "entry.h"
#include "lanes.h"
int32_t ENTRY(kernel_abi)(void) { return ${KERNEL_ABI}; }
int32_t ENTRY(kernel_lanes)(void) { return LANES; }
int32_t ENTRY(kernel_vector_length)(void) { return VL; }
int32_t ENTRY(kernel_run)(float *base, int32_t operation, int32_t job) {
  struct arena arena = {base, 0, 64};
  float *first = take(&arena, 5), *second = take(&arena, 5);
  volatile int32_t one = 1;
  float read = 0;
  (void)second;
  switch (operation) {
    case 0: base[job] *= 2; return 0;                        /* none */
    case 1: store(base + job, splat(1)); return 0;           /* a vector over the arena's end */
    case 2: base[-1] = 1; return 0;                          /* before its beginning */
    case 3: first[5] = 1; return 0;                          /* beside one of scratch's arrays, inside its padding */
    case 4: first[16] = 1; return 0;                         /* into its neighbour */
    case 5: read = first[0]; return read == read ? 0 : 7;    /* never written: a NaN */
    case 6: return (int32_t)(1e30f * one);                   /* a float that is no int32 */
    case 7: return 0x7fffffff + one;                         /* signed overflow */
    default: return (int32_t)(one << (31 + one));            /* a shift by all bits */
  }
}
`;

const FAULTS: readonly [what: string, operation: number, job: number, report: RegExp][] = [
  ['a vector over the end of the arena', 1, 1999, /heap-buffer-overflow/],
  ['a write before the beginning of the arena', 2, 0, /heap-buffer-overflow/],
  ["a write into the padding of one of scratch's arrays", 3, 0, /heap-buffer-overflow/],
  ["a write into scratch's next array", 4, 0, /heap-buffer-overflow|heap-use-after-free|SEGV/],
  ['a float that is no int32', 6, 0, /outside the range of representable values/],
  ['a signed overflow', 7, 0, /signed integer overflow/],
  ['a shift by all bits', 8, 0, /shift exponent/],
];

const here = await widthsHere();

// A suite must hold some test, and without a compiler there is nothing to sanitize.
if (here.length === 0) test.skip('no C compiler, so no sanitizers', () => {});

describe.each(here)('%s', (width) => {
  let build: SanitizedBuild | undefined;
  let kernels: Kernels;

  beforeAll(() => {
    const folder = mkdtempSync(path.join(tmpdir(), 'odecast-planted-'));
    writeFileSync(path.join(folder, 'kernels.c'), PLANTED);
    build = buildSanitized(width, folder);
    rmSync(folder, { recursive: true });
    kernels = build.open();
    kernels.reserve(2000);
  });
  afterAll(() => build?.close());

  test('a sound job gives its status and the arena back', () => {
    kernels.floats[1999] = 21;
    expect(kernels.run(0, 1999)).toBe(0);
    expect(kernels.floats[1999]).toBe(42);
  });

  test.each(FAULTS)('%s is reported', (_what, operation, job, report) => {
    expect(() => kernels.run(operation, job)).toThrow(report);
  });

  test('scratch is NaN until it is written', () => {
    expect(kernels.run(5, 0)).toBe(7);
  });
});
