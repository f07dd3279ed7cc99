/**
 * The WebAssembly kernels, compiled by clang and lld that are WebAssembly themselves (`@yowasp/clang`): Node.js is all that
 * it takes. Two builds: with the SIMD that every runtime has, and with relaxed SIMD, whose multiply-add is one rounding.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Product, saidBy } from './product.ts';
import { KERNEL_FLAGS, kernelSources, type Sources, TRANSLATION_UNIT } from './sources.ts';

export const WASM_VARIANTS = {
  plain: ['-msimd128'],
  relaxed: ['-msimd128', '-mrelaxed-simd'],
} as const;

/** Where the arena begins is `__heap_base`. The stack lies below everything, so that an overflow traps. */
const FLAGS = [
  '--target=wasm32',
  '-mbulk-memory',
  '-Werror',
  '-nostdlib',
  '-Wl,--no-entry',
  '-Wl,--export=__heap_base',
  '-Wl,--stack-first',
  '-Wl,-z,stack-size=262144',
  '-Wl,--strip-all',
];

const OUTPUT = 'kernels.wasm';
const CLANG = path.join(import.meta.dirname, 'clang.mjs');

export function wasmProducts(root: string, folder: string): readonly Product[] {
  const sources = kernelSources(root);
  return Object.entries(WASM_VARIANTS).map(([variant, own]) => {
    const flags = [...KERNEL_FLAGS, ...FLAGS, ...own];
    return {
      file: path.join(folder, `kernels-${variant}.wasm`),
      ingredients: [JSON.stringify([sources, flags, clangVersion(root)])],
      make: () => compile(sources, flags),
    };
  });
}

/** As pinned; a packed odecast has neither the package nor a need to compile. */
function clangVersion(root: string): string {
  const { devDependencies = {} } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return `${devDependencies['@yowasp/clang']}`;
}

async function compile(sources: Sources, flags: readonly string[]): Promise<Uint8Array> {
  const task = { given: [...flags, TRANSLATION_UNIT, '-o', OUTPUT], files: sources, output: OUTPUT };
  const running = promisify(execFile)(process.execPath, [CLANG], { encoding: 'buffer', maxBuffer: 2 ** 26 });
  running.child.stdin?.end(JSON.stringify(task));
  try {
    return (await running).stdout;
  } catch (error) {
    throw new Error(saidBy(error));
  }
}
