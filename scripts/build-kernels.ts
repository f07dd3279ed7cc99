/**
 * Builds the kernels into dist/kernels: WebAssembly always, native where a C compiler is. What is up to date stays.
 * A native build that fails is one sentence, as the WebAssembly kernels serve then; WebAssembly that fails is a fault.
 * Usage: `tsx scripts/build-kernels.ts [wasm|native] [--again]`. `native` alone shows all that the compiler says, and fails with it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { firstError } from '../model/engine/fused/native-kernels.ts';
import { nativeProduct } from './kernels/native.ts';
import { bringUpToDate, type Outcome, type Product } from './kernels/product.ts';
import { wasmProducts } from './kernels/wasm.ts';

export interface BuildOptions {
  readonly only?: 'wasm' | 'native' | undefined;
  /** Whether to make what is up to date, too. */
  readonly again?: boolean;
}

/** One thing that was to be built, and what came of it. */
export interface Built {
  readonly kind: 'wasm' | 'native';
  readonly name: string;
  readonly outcome: Outcome;
}

/** Brings `root`/dist/kernels up to date with `root`/model/kernels. Throws nothing that a compiler says. */
export async function buildKernels(root: string, { only, again = false }: BuildOptions = {}): Promise<Built[]> {
  const folder = path.join(root, 'dist/kernels');
  const wasm = only === 'native' ? [] : wasmProducts(root, folder);
  const native = only === 'wasm' ? [] : [nativeProduct(root, folder)];
  const build = async (kind: Built['kind'], product: Product): Promise<Built> => ({
    kind,
    name: path.basename(product.file),
    outcome: await bringUpToDate(product, again),
  });
  // A core each for the two in WebAssembly; the native build takes all there are.
  const portable = await Promise.all(wasm.map((product) => build('wasm', product)));
  return [...portable, ...(await Promise.all(native.map((product) => build('native', product))))];
}

/** The sentence for a log; undefined if there is nothing to say. */
export function sentenceOf({ kind, name, outcome }: Built): string | undefined {
  if (outcome.state === 'current') return undefined;
  if (outcome.state === 'made') return `${name}: built in ${outcome.seconds.toFixed(1)} s.`;
  if (kind === 'wasm') return `${name}: not built.\n${outcome.reason}`;
  return `No native kernels, so the WebAssembly ones serve: ${firstError(outcome.reason)}.`;
}

async function main(root: string, given: readonly string[]): Promise<void> {
  const only = given.find((argument) => argument === 'wasm' || argument === 'native');
  const built = await buildKernels(root, { only, again: given.includes('--again') });
  for (const one of built) {
    const sentence = only === 'native' && one.outcome.state === 'failed' ? one.outcome.reason : sentenceOf(one);
    if (sentence !== undefined) console.error(sentence);
  }
  const fatal = built.some(({ kind, outcome }) => outcome.state === 'failed' && (kind === 'wasm' || only === 'native'));
  process.exitCode = fatal ? 1 : 0;
}

/** The project's folder, from the source as from dist/scripts. */
const ROOT = path.join(
  import.meta.dirname,
  existsSync(path.join(import.meta.dirname, '../package.json')) ? '..' : '../..',
);

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(ROOT, process.argv.slice(2));
