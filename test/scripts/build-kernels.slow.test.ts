import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { buildKernels, sentenceOf } from '../../scripts/build-kernels.ts';
import { temporaryTree } from './temporary-tree.ts';

const REPOSITORY = path.join(import.meta.dirname, '../..');

const read = (name: string): string => readFileSync(path.join(REPOSITORY, name), 'utf8');

test('WebAssembly that does not compile shows what the compiler says', async () => {
  const kernels = { 'model/kernels/kernels.c': 'int f(void) { return missing; }\n', 'model/kernels/addon.c': '' };
  const root = temporaryTree({ 'package.json': read('package.json'), ...kernels });
  const built = await buildKernels(root, { only: 'wasm' });
  expect(built.map(({ outcome }) => outcome.state)).toEqual(['failed', 'failed']);
  expect(sentenceOf(built[0])).toMatch(
    /^kernels-plain.wasm: not built.\nkernels.c:1:.*undeclared identifier 'missing'/,
  );
});

test('the command succeeds on this project, and again at once', async () => {
  const run = () => promisify(execFile)('npx', ['tsx', 'scripts/build-kernels.ts'], { cwd: REPOSITORY });
  await run();
  const { stderr } = await run();
  expect(stderr).not.toMatch(/built in|not built/);
});
