/**
 * Runs when odecast is installed as a package, which brings the WebAssembly kernels built: where a C compiler is, the native
 * ones are built beside them. In a clone `prepare` builds everything, so nothing is done here. Never fails an installation.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const builder = path.join(root, 'dist/scripts/build-kernels.js');
const isClone = existsSync(path.join(root, 'tsconfig.build.json'));

if (!isClone && existsSync(builder)) {
  try {
    const { buildKernels, sentenceOf } = await import(builder);
    for (const built of await buildKernels(root, { only: 'native' })) console.log(sentenceOf(built) ?? '');
  } catch (error) {
    console.log(`No native kernels, so the WebAssembly ones serve: ${error}`);
  }
}
