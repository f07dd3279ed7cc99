/**
 * The kernels built with the address and undefined-behaviour sanitizers, as a `Kernels` like any other: every `run` is a
 * process of its own that is given the arena and gives it back (sanitized.c). So whatever runs on kernels can run on these.
 * Slow: tens of milliseconds a job.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createKernels, type Kernels, type LoadedBuild } from '../../../model/engine/fused/kernel-library.ts';
import { loadKernels } from '../../../model/engine/fused/kernels.ts';
import type { NativeWidth } from '../../../model/engine/fused/native-kernels.ts';
import { compilerCommand, nativeWidths } from '../../../scripts/kernels/native.ts';
import { KERNEL_FLAGS } from '../../../scripts/kernels/sources.ts';

const KERNELS = path.join(import.meta.dirname, '../../../model/kernels');

/** The last -O counts. A float that does not fit the integer it becomes is undefined too, but not in `undefined`. */
const FLAGS = [
  '-O1',
  '-g',
  '-fno-omit-frame-pointer',
  '-fsanitize=address,undefined,float-cast-overflow',
  '-fno-sanitize-recover=all',
];

/** Memory is NaN until it is written, and what is not freed is no fault of a kernel. */
const ENVIRONMENT = {
  ASAN_OPTIONS: 'malloc_fill_byte=255:max_malloc_fill_size=1073741824:detect_leaks=0',
  UBSAN_OPTIONS: 'print_stacktrace=1',
};

/** What an arena holds where nothing was written. */
const NAN_BITS = -1;

export interface SanitizedBuild {
  /** A fresh arena each. */
  open(): Kernels;
  close(): void;
}

/**
 * Compiles the kernels of one vector width.
 * @param folder where a kernels.c lies that is to be built instead
 * @throws when there is no compiler, or it has no sanitizers
 */
export function buildSanitized(width: NativeWidth, folder = KERNELS): SanitizedBuild {
  const work = mkdtempSync(path.join(tmpdir(), 'odecast-sanitized-'));
  const program = path.join(work, 'sanitized');
  const [command, ...given] = compilerCommand();
  const sources = ['-I', folder, '-I', KERNELS, path.join(import.meta.dirname, 'sanitized.c')];
  const flags = [...KERNEL_FLAGS, ...FLAGS, ...(nativeWidths().get(width) ?? [])];
  execFileSync(command, [...given, ...flags, ...sources, '-o', program], { stdio: ['ignore', 'ignore', 'inherit'] });
  return {
    open: () => createKernels(loaded(program), `sanitized kernels, ${width}`),
    close: () => rmSync(work, { recursive: true, force: true }),
  };
}

function loaded(program: string): LoadedBuild {
  const [abi, lanes, vectorLength] = new Int32Array(call(program, [], new Uint8Array()));
  return {
    kind: 'native',
    description: 'sanitized kernels',
    abi,
    lanes,
    vectorLength,
    allocate: (cells) => ({ buffer: new Int32Array(cells).fill(NAN_BITS).buffer, start: 0 }),
    run: (arena, operation, job) => run(program, arena, operation, job),
  };
}

function run(program: string, arena: Int32Array, operation: number, job: number): number {
  const before = new Uint8Array(arena.buffer, arena.byteOffset, arena.byteLength);
  const after = new Int32Array(call(program, [operation, job, arena.length], before));
  arena.set(after.subarray(1));
  return after[0];
}

/** What the program writes. @throws with the sanitizers' report. */
function call(program: string, given: readonly number[], input: Uint8Array): ArrayBuffer {
  const env = { ...process.env, ...ENVIRONMENT };
  const { status, signal, stdout, stderr } = spawnSync(program, given.map(String), { input, env, maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(`the sanitized kernels ended with ${status ?? signal}:\n${stderr}`);
  return Uint8Array.from(stdout).buffer;
}

/** The widths that this CPU runs; none where there is no compiler. */
export async function widthsHere(): Promise<readonly NativeWidth[]> {
  const here: NativeWidth[] = [];
  for (const width of nativeWidths().keys()) {
    const kernels = await loadKernels({ choice: `native-${width}` }).catch(() => undefined);
    if (kernels !== undefined) here.push(width);
  }
  return here;
}
