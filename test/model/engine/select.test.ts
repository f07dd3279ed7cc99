import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { EngineError } from '../../../model/engine/engine-error.ts';
import { selectEngine } from '../../../model/engine/select.ts';
import { createRandom } from '../../../model/latent/random.ts';
import type { ModelSpec } from '../../../model/latent/spec.ts';
import { createSpec, randomBatch, randomParameters } from './problems.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');

afterEach(() => {
  vi.unstubAllEnvs();
});

async function packageFolder(source: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'odecast-engine-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "main": "index.js" }');
  await writeFile(join(folder, 'index.js'), source);
  return folder;
}

/** Deeper than any kernel is. */
const DEEP = createSpec({ dynamics: { units: 3, depth: 20, periodsMs: [] } });
const REVERSIBLE = createSpec({}, { method: 'reversible-heun', gradient: 'reversible' });

async function trains(preference: string, spec: ModelSpec, sentences: string[] = []): Promise<string> {
  const provider = await selectEngine({ preference, log: (sentence) => sentences.push(sentence) });
  const engine = provider.open(spec);
  onTestFinished(() => engine.close());
  const random = createRandom(1);
  const { status } = await engine.lossAndGradient(randomParameters(spec, random), randomBatch(spec, random));
  return status;
}

describe('selectEngine', () => {
  it('gives an engine that computes, and one sentence that says what and why', async () => {
    const sentences: string[] = [];
    const provider = await selectEngine({ log: (sentence) => sentences.push(sentence) });
    expect(sentences).toEqual([provider.description]);
    expect(provider.description).toMatch(
      /^Engine fused: (native|WebAssembly) kernels, .+, training on .+ threads?, because .+\.$/,
    );
    expect(provider.name).toBe('fused');
    await expect(trains('auto', createSpec())).resolves.toBe('success');
  });

  it.each([
    ['fused-wasm', /^Engine fused-wasm: WebAssembly kernels, (relaxed|plain) SIMD/],
    ['tfjs-wasm', /^Engine tfjs-wasm: tfjs in WebAssembly with SIMD, because/],
    ['tfjs', /^Engine tfjs-(wasm|node-gpu): /],
  ])('%s is that, and no GPU', async (preference, description) => {
    await expect(selectEngine({ preference })).resolves.toMatchObject({
      description: expect.stringMatching(description),
    });
  });

  it('ODECAST_KERNELS forces a build, and one that is not what was asked for is an error', async () => {
    vi.stubEnv('ODECAST_KERNELS', 'wasm-plain');
    const { description } = await selectEngine();
    expect(description).toContain('Engine fused: WebAssembly kernels, plain SIMD,');
    await expect(selectEngine({ preference: 'fused-native' })).rejects.toThrow(
      /ODECAST_KERNELS is wasm-plain, which is not native/,
    );
  });

  it.each([
    ['1', 'training on one thread'],
    ['3', 'training on 3 threads'],
  ])('ODECAST_THREADS=%s: %s', async (text, said) => {
    vi.stubEnv('ODECAST_THREADS', text);
    await expect(selectEngine({ preference: 'fused' })).resolves.toMatchObject({
      description: expect.stringContaining(said),
    });
  });

  it.each(['0', '1.5', 'all', '65'])('ODECAST_THREADS=%s is refused with what it may be', async (text) => {
    vi.stubEnv('ODECAST_THREADS', text);
    await expect(selectEngine({ preference: 'fused' })).rejects.toThrow(/give a whole number from 1 to 64/);
  });

  it('leaves no listeners on the process', async () => {
    const before = process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection');
    await selectEngine({ preference: 'tfjs-wasm' });
    expect(process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection')).toBe(before);
  });

  it('loads nothing of tfjs where the fused engine is taken', async () => {
    const script = `
      const { selectEngine } = await import('./model/engine/select.ts');
      const { name } = await selectEngine({ preference: 'auto' });
      const { createRequire } = await import('node:module');
      const tfjs = Object.keys(createRequire(process.cwd() + '/').cache).filter((file) => file.includes('@tensorflow'));
      console.log(name, tfjs.length);`;
    const run = promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: REPOSITORY,
    });
    await expect(run).resolves.toMatchObject({ stdout: 'fused 0\n' });
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

  it('takes a GPU that is in use before all others', async () => {
    const nativeFolder = await packageFolder(
      'module.exports = { enableProdMode() {}, backend: () => ({ isUsingGpuDevice: true }), memory: () => ({}) };',
    );
    await expect(selectEngine({ nativeFolder })).resolves.toMatchObject({ name: 'tfjs', gpu: true });
  });

  it('fails with a typed error when what was asked for is not here or does not exist', async () => {
    const nativeFolder = await packageFolder('throw new Error("no");');
    await expect(selectEngine({ preference: 'tfjs-node', nativeFolder })).rejects.toThrow(EngineError);
    await expect(selectEngine({ preference: 'abacus' })).rejects.toThrow(/take one of auto, fused, /);
  });
});

describe('a model that the chosen engine does not run', () => {
  it('runs on the next that can, which is said with the reason', async () => {
    const sentences: string[] = [];
    await expect(trains('auto', DEEP, sentences)).resolves.toBe('success');
    expect(sentences).toHaveLength(2);
    expect(sentences[1]).toMatch(
      /^Engine tfjs-wasm: .+ The engine fused does not run this model\. .+ at most 16 hidden layers, not 20\.$/,
    );
  });

  it('is refused at once, with the reason, where no other was asked for', async () => {
    for (const [preference, spec, said] of [
      ['fused', DEEP, /at most 16 hidden layers, not 20/],
      ['tfjs', REVERSIBLE, /has no method reversible-heun/],
    ] as const) {
      const provider = await selectEngine({ preference });
      const refused = { code: 'unsupported-spec', message: expect.stringMatching(said) };
      expect(() => provider.open(spec)).toThrow(expect.objectContaining(refused));
    }
  });

  it('closed before the other has been loaded: its calls are rejected', async () => {
    const provider = await selectEngine();
    const engine = provider.open(DEEP);
    engine.close();
    const random = createRandom(1);
    const call = engine.lossAndGradient(randomParameters(DEEP, random), randomBatch(DEEP, random));
    await expect(call).rejects.toMatchObject({ code: 'closed' });
  });
});
