/**
 * Takes the best build of the kernels that this machine has: native and as wide as the CPU's vectors, else WebAssembly with
 * relaxed SIMD, else with plain SIMD. `ODECAST_KERNELS` forces one.
 */
import path from 'node:path';
import { EngineError } from '../engine-error.ts';
import { createKernels, type Kernels, type LoadedBuild } from './kernel-library.ts';
import { loadNativeBuild, NATIVE_WIDTHS, type NativeWidth } from './native-kernels.ts';
import { loadWasmBuild } from './wasm-kernels.ts';

export type { Kernels } from './kernel-library.ts';

interface Candidate {
  readonly name: string;
  load(folder: string): LoadedBuild | Promise<LoadedBuild>;
}

const native = (name: string, width?: NativeWidth): Candidate => ({
  name,
  load: (folder) => loadNativeBuild(folder, width),
});
const RELAXED: Candidate = { name: 'wasm-relaxed', load: (folder) => loadWasmBuild(folder, 'relaxed') };
const PLAIN: Candidate = { name: 'wasm-plain', load: (folder) => loadWasmBuild(folder, 'plain') };
const WIDEST = native('native');

/** What `ODECAST_KERNELS` may say → what is tried, in this order. */
const CHOICES: Readonly<Record<string, readonly Candidate[]>> = {
  auto: [WIDEST, RELAXED, PLAIN],
  native: [WIDEST],
  ...Object.fromEntries(widths().map((width) => [`native-${width}`, [native(`native-${width}`, width)]])),
  wasm: [RELAXED, PLAIN],
  'wasm-relaxed': [RELAXED],
  'wasm-plain': [PLAIN],
};

function widths(): readonly NativeWidth[] {
  const known = (name: string): name is NativeWidth => name in NATIVE_WIDTHS;
  return Object.keys(NATIVE_WIDTHS).filter(known);
}

export const KERNEL_CHOICES: readonly string[] = Object.keys(CHOICES);

/** Where the build leaves the kernels, seen from the sources and from dist. */
const FOLDER = path.join(
  import.meta.dirname,
  '../../..',
  import.meta.filename.endsWith('.ts') ? 'dist/kernels' : 'kernels',
);

export interface LoadKernelsOptions {
  /** One of `KERNEL_CHOICES`. Default: the environment's ODECAST_KERNELS, else `auto`. */
  readonly choice?: string;
  /** Where the built kernels are. */
  readonly folder?: string;
}

/**
 * A fresh instance with an arena of its own, for one thread.
 * @throws EngineError `no-engine` when none of what was chosen can be had, with the reasons.
 */
export async function loadKernels(options: LoadKernelsOptions = {}): Promise<Kernels> {
  const { choice = process.env.ODECAST_KERNELS || 'auto', folder = FOLDER } = options;
  const refused: string[] = [];
  for (const candidate of candidates(choice)) {
    try {
      const build = await candidate.load(folder);
      return createKernels(build, `${build.description}${reasons(refused)}`);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      refused.push(`${candidate.name}: ${error.message}`);
    }
  }
  throw new EngineError('no-engine', `No kernels can be had on this machine: ${refused.join('; ')}.`);
}

const reasons = (refused: readonly string[]): string =>
  refused.length > 0 ? ` (not taken: ${refused.join('; ')})` : '';

function candidates(choice: string): readonly Candidate[] {
  const chosen = Object.hasOwn(CHOICES, choice) ? CHOICES[choice] : undefined;
  if (chosen !== undefined) return chosen;
  const known = KERNEL_CHOICES.join(', ');
  throw new EngineError('no-engine', `ODECAST_KERNELS cannot be ${choice}; take one of ${known}, or leave it out.`);
}
