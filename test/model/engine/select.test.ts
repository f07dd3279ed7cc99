import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { EngineError } from '../../../model/engine/engine-error.ts';
import { selectEngine } from '../../../model/engine/select.ts';
import { createRandom } from '../../../model/latent/random.ts';
import { createSpec, randomBatch, randomParameters } from './problems.ts';

const made: string[] = [];
afterAll(() => Promise.all(made.map((folder) => rm(folder, { recursive: true }))));

async function packageFolder(source: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'odecast-engine-'));
  made.push(folder);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "main": "index.js" }');
  await writeFile(join(folder, 'index.js'), source);
  return folder;
}

describe('selectEngine', () => {
  it('gives an engine that computes, and one sentence that says what and why', async () => {
    const sentences: string[] = [];
    const provider = await selectEngine({ log: (sentence) => sentences.push(sentence) });
    expect(sentences).toEqual([provider.description]);
    expect(provider.description).toMatch(/^Engine tfjs-[a-z-]+: .+, because .+\.$/);
    const spec = createSpec();
    const random = createRandom(1);
    const engine = provider.open(spec);
    const result = await engine.lossAndGradient(randomParameters(spec, random), randomBatch(spec, random));
    expect(result.status).toBe('success');
  });

  it('runs in WebAssembly with SIMD where nothing is installed beside the project', async () => {
    const provider = await selectEngine({ preference: 'tfjs-wasm' });
    expect(provider.description).toContain('WebAssembly with SIMD');
    expect(provider.gpu).toBe(false);
  });

  it('leaves no listeners on the process', async () => {
    const before = process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection');
    await selectEngine({ preference: 'tfjs-wasm' });
    expect(process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection')).toBe(before);
  });

  it('goes on to the next when a binding is broken, and names the reason', async () => {
    const nativeFolder = await packageFolder('throw new Error("libcudart.so.12 is missing\\nand more");');
    const provider = await selectEngine({ nativeFolder });
    expect(provider.description).toContain('not taken: tfjs-node-gpu: libcudart.so.12 is missing');
    expect(provider.description).not.toContain('and more');
  });

  it('does not take a GPU package that runs on the CPU', async () => {
    const nativeFolder = await packageFolder(
      'module.exports = { enableProdMode() {}, backend: () => ({ isUsingGpuDevice: false, isGPUPackage: true }) };',
    );
    await expect(selectEngine({ preference: 'tfjs-node-gpu', nativeFolder })).rejects.toThrow(/no GPU is in use/);
  });

  it('fails with a typed error when what was asked for is not here or does not exist', async () => {
    const nativeFolder = await packageFolder('throw new Error("no");');
    await expect(selectEngine({ preference: 'tfjs-node', nativeFolder })).rejects.toThrow(EngineError);
    await expect(selectEngine({ preference: 'abacus' })).rejects.toThrow(/take one of auto/);
  });
});
