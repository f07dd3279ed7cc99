/** The kernels as a native addon (model/kernels/addon.c), of which one build, for one vector width, is taken. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { EngineError } from '../engine-error.ts';
import { ALIGNMENT, type LoadedBuild } from './kernel-library.ts';

/** The builds that there can be, the widest first; which of them the addon shows depends on the CPU. */
export const NATIVE_WIDTHS = { avx512: 'AVX-512', avx2: 'AVX2', neon: 'NEON', baseline: 'baseline SIMD' } as const;

export type NativeWidth = keyof typeof NATIVE_WIDTHS;

interface Build {
  readonly name: NativeWidth;
  readonly abi: number;
  readonly lanes: number;
  readonly vectorLength: number;
  run(arena: Float32Array | Int32Array, operation: number, job: number): number;
}

interface Addon {
  /** Name and version. */
  readonly compiler: string;
  readonly builds: readonly Build[];
  /** Cells from an arena's start to its first multiple of 64 bytes. */
  skip(arena: Float32Array | Int32Array): number;
}

/**
 * @param width the widest that this CPU has, if left out
 * @throws EngineError `no-engine` when it was not built, does not load, or has not this width
 */
export function loadNativeBuild(folder: string, width?: NativeWidth): LoadedBuild {
  const addon = load(path.join(folder, `kernels-${process.platform}-${process.arch}.node`));
  const build = addon.builds.find(({ name }) => width === undefined || name === width);
  if (build === undefined) throw new EngineError('no-engine', `this CPU has no ${NATIVE_WIDTHS[width ?? 'baseline']}`);
  return {
    kind: 'native',
    description: `native kernels, ${NATIVE_WIDTHS[build.name]} (${addon.compiler.trim()})`,
    abi: build.abi,
    lanes: build.lanes,
    vectorLength: build.vectorLength,
    allocate: (cells) => aligned(addon, new Int32Array(cells + ALIGNMENT / 4)),
    run: build.run,
  };
}

function aligned(addon: Addon, memory: Int32Array<ArrayBuffer>): ReturnType<LoadedBuild['allocate']> {
  return { buffer: memory.buffer, start: 4 * addon.skip(memory) };
}

function load(file: string): Addon {
  try {
    return createRequire(import.meta.url)(file);
  } catch (error) {
    throw new EngineError('no-engine', whyMissing(file, error));
  }
}

/** A build that failed has left its reason beside where the addon would be. */
function whyMissing(file: string, error: unknown): string {
  try {
    const { failure } = JSON.parse(readFileSync(`${file}.json`, 'utf8'));
    if (typeof failure === 'string') return `native kernels were not built: ${failure.split('\n')[0]}`;
  } catch {
    return `native kernels were not built; run npm run build:kernels`;
  }
  return `native kernels do not load: ${error instanceof Error ? error.message.split('\n')[0] : error}`;
}
