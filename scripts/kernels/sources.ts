/** The kernels' sources and the flags that every build of them shares. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** File name → text: the one translation unit and every header. `addon.c` is Node.js's door, not a kernel. */
export type Sources = Readonly<Record<string, string>>;

export const TRANSLATION_UNIT = 'kernels.c';

/**
 * No fast-math: a lane that diverges must be seen. Contraction is allowed, as `fma` in lanes.h is meant to be one rounding
 * wherever the machine has it.
 */
export const KERNEL_FLAGS = [
  '-std=gnu11',
  '-O3',
  '-ffp-contract=fast',
  '-fno-math-errno',
  '-ffreestanding',
  '-Wall',
  '-Wextra',
] as const;

export const sourceFolder = (root: string): string => path.join(root, 'model/kernels');

export function kernelSources(root: string): Sources {
  const folder = sourceFolder(root);
  const names = readdirSync(folder).filter((name) => name === TRANSLATION_UNIT || name.endsWith('.h'));
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}
