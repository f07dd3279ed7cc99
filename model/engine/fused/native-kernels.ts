/** The kernels as a native addon (model/kernels/addon.c), of which one build, for one vector width, is taken. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { EngineError } from '../engine-error.ts';
import { ALIGNMENT, type LoadedBuild } from './kernel-library.ts';

/** The builds that there can be, the widest first; which of them the addon shows depends on the CPU. */
export const NATIVE_WIDTHS = { avx512: 'AVX-512', avx2: 'AVX2', neon: 'NEON', baseline: 'baseline SIMD' } as const;

export type NativeWidth = keyof typeof NATIVE_WIDTHS;

/** The addon's name among the built kernels: several platforms may share a folder. */
export const ADDON = `kernels-${process.platform}-${process.arch}.node`;

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
  const addon = load(path.join(folder, ADDON));
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
  if (!existsSync(file)) throw new EngineError('no-engine', `native kernels were not built: ${whyMissing(file)}`);
  try {
    return createRequire(import.meta.url)(file);
  } catch (error) {
    const said = error instanceof Error ? error.message.split('\n')[0] : error;
    throw new EngineError('no-engine', `native kernels do not load: ${said}`);
  }
}

/** A build that failed has left its reason beside where the addon would be (scripts/kernels/product.ts). */
function whyMissing(file: string): string {
  try {
    const { failure } = JSON.parse(readFileSync(`${file}.stamp`, 'utf8'));
    return firstError(failure);
  } catch {
    return 'run npm run build:kernels';
  }
}

/** A compiler says a page; its first error is enough for a sentence. */
export function firstError(said: string): string {
  const lines = said.split('\n');
  return (lines.find((line) => /\berror\b/.test(line)) ?? lines[0]).trim().replace(/\.$/, '');
}
