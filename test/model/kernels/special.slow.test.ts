/**
 * The stated errors of the kernels' elementary functions, measured by a C program that the machine's compiler builds with the
 * kernels' own flags (special-scan.c): over every float where something happens for the widest vectors that the CPU has, and
 * over every 17th for the others.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadKernels } from '../../../model/engine/fused/kernels.ts';
import { compilerCommand, nativeWidths } from '../../../scripts/kernels/native.ts';
import { KERNEL_FLAGS } from '../../../scripts/kernels/sources.ts';
import { promised, SPECIAL_ERRORS } from './special-errors.ts';

const KERNELS = path.join(import.meta.dirname, '../../../model/kernels');
const SCAN = path.join(import.meta.dirname, 'special-scan.c');
const FIFTEEN_MINUTES = 900_000;

/** Those that this CPU runs, the widest first; none without a compiler. */
const widths: string[] = [];
for (const width of nativeWidths().keys()) {
  const runs = await loadKernels({ choice: `native-${width}` }).catch(() => undefined);
  if (runs) widths.push(width);
}

let work: string;
beforeAll(() => {
  work = mkdtempSync(path.join(tmpdir(), 'odecast-special-'));
});
afterAll(() => rmSync(work, { recursive: true }));

describe.skipIf(widths.length === 0)('every elementary function is as near as it says', () => {
  test.each(widths)('%s', { timeout: FIFTEEN_MINUTES }, (width) => {
    const measured = scan(width, width === widths[0] ? 1 : 17);
    console.log(measured.map(({ name, worst, at }) => `${width} ${name}: ${worst} ulp at ${at}`).join('\n'));
    expect(measured.map(({ name }) => name)).toEqual(SPECIAL_ERRORS.map(({ name }) => name));
    measured.forEach(({ name, worst }, i) => {
      expect(worst, name).toBeLessThanOrEqual(promised(SPECIAL_ERRORS[i], width));
    });
  });
});

interface Measured {
  readonly name: string;
  /** ulp */
  readonly worst: number;
  readonly at: number;
}

function scan(width: string, stride: number): Measured[] {
  const [command, ...given] = compilerCommand();
  const program = path.join(work, width);
  const flags = [...KERNEL_FLAGS, ...([...nativeWidths()].find(([name]) => name === width)?.[1] ?? [])];
  execFileSync(command, [...given, ...flags, '-I', KERNELS, SCAN, '-o', program, '-lm']);
  const lines = execFileSync(program, [String(stride)], { encoding: 'utf8' })
    .trim()
    .split('\n');
  return lines.map((line) => {
    const [name, worst, at] = line.split(' ');
    return { name, worst: Number(worst), at: Number(at) };
  });
}
