/**
 * Before any suite: the kernels are brought up to date, so that no test runs stale ones. Costs milliseconds when they are.
 * Kernels that do not compile are said so here and fail the tests that need them, not all the others.
 */
import path from 'node:path';
import { buildKernels, sentenceOf } from '../scripts/build-kernels.ts';

export async function setup(): Promise<void> {
  const built = await buildKernels(path.join(import.meta.dirname, '..'));
  for (const sentence of built.map(sentenceOf)) if (sentence !== undefined) console.error(sentence);
}
