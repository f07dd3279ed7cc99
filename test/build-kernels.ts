/**
 * Before any suite: the kernels are brought up to date, so that no test runs stale ones. Costs milliseconds when they are.
 * With `ODECAST_KERNELS` only those that it names: a change of the sources is then tried on native ones in a few seconds.
 * Kernels that do not compile are said so here and fail the tests that need them, not all the others.
 */
import path from 'node:path';
import { buildKernels, sentenceOf } from '../scripts/build-kernels.ts';

export async function setup(): Promise<void> {
  const [asked] = (process.env.ODECAST_KERNELS ?? '').split('-');
  const only = asked === 'wasm' || asked === 'native' ? asked : undefined;
  const built = await buildKernels(path.join(import.meta.dirname, '..'), { only });
  for (const sentence of built.map(sentenceOf)) if (sentence !== undefined) console.error(sentence);
}
