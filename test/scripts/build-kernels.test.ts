import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ADDON } from '../../model/engine/fused/native-kernels.ts';
import { buildKernels, sentenceOf } from '../../scripts/build-kernels.ts';
import { temporaryTree } from './temporary-tree.ts';

const REPOSITORY = path.join(import.meta.dirname, '../..');
const source = (name: string): string => readFileSync(path.join(REPOSITORY, 'model/kernels', name), 'utf8');

/** A library of kernels that compiles in no time: its shape is all that it has. */
const TOY = `#include "entry.h"
#include <stdint.h>
int32_t ENTRY(kernel_abi)(void) { return 1; }
int32_t ENTRY(kernel_lanes)(void) { return 8; }
int32_t ENTRY(kernel_vector_length)(void) { return 4; }
int32_t ENTRY(kernel_run)(float *base, int32_t operation, int32_t job) { return base[job] > 0 ? operation : -1; }
`;

const toyProject = (more: Readonly<Record<string, string>> = {}): string =>
  temporaryTree({
    'package.json': readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8'),
    'model/kernels/kernels.c': TOY,
    'model/kernels/entry.h': source('entry.h'),
    'model/kernels/addon.c': source('addon.c'),
    ...more,
  });

function withCompiler(command: string): void {
  vi.stubEnv('CC', command);
  onTestFinished(() => void vi.unstubAllEnvs());
}

async function nativeSentence(root: string): Promise<string | undefined> {
  const [built] = await buildKernels(root, { only: 'native' });
  return sentenceOf(built);
}

const hasCompiler = existsSync(path.join(REPOSITORY, 'dist/kernels', ADDON));

describe('the native build', () => {
  test.runIf(hasCompiler)('leaves an addon that loads, and is skipped the next time', async () => {
    const root = toyProject();
    expect(await nativeSentence(root)).toMatch(/built in/);
    expect(await nativeSentence(root)).toBeUndefined();
    const { builds } = createRequire(import.meta.url)(path.join(root, 'dist/kernels', ADDON));
    expect(builds.length).toBeGreaterThan(0);
    for (const { abi, lanes, vectorLength } of builds) expect([abi, lanes, vectorLength]).toEqual([1, 8, 4]);
  });

  test('without a compiler is one sentence', async () => {
    withCompiler('no-such-compiler');
    expect(await nativeSentence(toyProject())).toBe(
      'No native kernels, so the WebAssembly ones serve: there is no C compiler (no-such-compiler).',
    );
  });

  test('whose compiler fails is one sentence, the first of its errors', async () => {
    const compiler = `#!/bin/sh
if [ "$1" = --version ]; then echo 'cc 1.0'; exit 0; fi
echo 'In file included from kernels.c:' >&2; echo "kernels.c:1:1: error: unknown type name 'vf'." >&2; echo 'more' >&2
exit 1
`;
    const root = toyProject({ 'bin/cc': compiler });
    chmodSync(path.join(root, 'bin/cc'), 0o755);
    withCompiler(path.join(root, 'bin/cc'));
    expect(await nativeSentence(root)).toBe(
      "No native kernels, so the WebAssembly ones serve: kernels.c:1:1: error: unknown type name 'vf'.",
    );
  });
});
