/** The kernels as a WebAssembly instance: its memory from the end of its own data on is the arena. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { EngineError } from '../engine-error.ts';
import { ALIGNMENT, type LoadedBuild } from './kernel-library.ts';

export const WASM_VARIANTS = { relaxed: 'relaxed SIMD', plain: 'plain SIMD' } as const;

export type WasmVariant = keyof typeof WASM_VARIANTS;

const PAGE = 65536;

/** What kernels.c exports under entry.h's names. */
interface Library {
  readonly memory: WebAssembly.Memory;
  /** Bytes before this one are the module's own. */
  readonly __heap_base: { readonly value: number };
  kernel_abi(): number;
  kernel_lanes(): number;
  kernel_vector_length(): number;
  kernel_run(base: number, operation: number, job: number): number;
}

/** @throws EngineError `no-engine` when the build is not there, or not for this runtime. */
export async function loadWasmBuild(folder: string, variant: WasmVariant): Promise<LoadedBuild> {
  const bytes = await read(path.join(folder, `kernels-${variant}.wasm`));
  // The probe is the module itself: a runtime without relaxed SIMD (Node 20) refuses to compile it.
  if (!WebAssembly.validate(bytes)) throw new EngineError('no-engine', `this Node.js has no ${WASM_VARIANTS[variant]}`);
  const { instance } = await WebAssembly.instantiate(bytes);
  return buildOf(libraryOf(instance), `WebAssembly kernels, ${WASM_VARIANTS[variant]}`);
}

async function read(file: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return await readFile(file);
  } catch {
    throw new EngineError('no-engine', `${path.basename(file)} is not there; run npm run build:kernels`);
  }
}

/** The edge of what a compiler can know: a module's exports are what its sources say. */
const libraryOf = (instance: WebAssembly.Instance): Library =>
  instance.exports as { [name: string]: unknown } & Library;

function buildOf(library: Library, description: string): LoadedBuild {
  const base = Math.ceil(library.__heap_base.value / ALIGNMENT) * ALIGNMENT;
  return {
    kind: 'wasm',
    description,
    abi: library.kernel_abi(),
    lanes: library.kernel_lanes(),
    vectorLength: library.kernel_vector_length(),
    allocate: (cells) => ({ buffer: grown(library.memory, base + 4 * cells), start: base }),
    run: (_arena, operation, job) => library.kernel_run(base, operation, job),
  };
}

function grown(memory: WebAssembly.Memory, bytes: number): ArrayBuffer {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  return memory.buffer;
}
