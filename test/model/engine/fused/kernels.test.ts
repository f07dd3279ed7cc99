import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createKernels, KERNEL_ABI, type LoadedBuild } from '../../../../model/engine/fused/kernel-library.ts';
import { KERNEL_CHOICES, loadKernels } from '../../../../model/engine/fused/kernels.ts';
import { ADDON } from '../../../../model/engine/fused/native-kernels.ts';

const ROOT = path.join(import.meta.dirname, '../../../..');
const BUILT = path.join(ROOT, 'dist/kernels');

const hasAddon = existsSync(path.join(BUILT, ADDON));
const relaxedRuns = runs('kernels-relaxed.wasm');

function runs(module: string): boolean {
  const file = path.join(BUILT, module);
  return existsSync(file) && WebAssembly.validate(readFileSync(file));
}

/** There is none of this number, so that a call does nothing but come back. */
const NO_OPERATION = 1000;

const refused = (said: RegExp, code = 'no-engine') =>
  expect.objectContaining({ name: 'EngineError', code, message: expect.stringMatching(said) });

/** A folder that holds some of the built kernels, and nothing else. */
function folderWith(...names: readonly string[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'odecast-kernels-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of names) copyFileSync(path.join(BUILT, name), path.join(folder, name));
  return folder;
}

describe('which kernels are taken', () => {
  test.runIf(hasAddon)('native ones where they were built, with the compiler and the vectors named', async () => {
    const kernels = await loadKernels({ choice: 'auto' });
    expect(kernels.kind).toBe('native');
    expect(kernels.description).toMatch(/^native kernels, (AVX-512|AVX2|NEON|baseline SIMD) \((gcc|clang) \d+.*\)$/);
  });

  test('else WebAssembly, and why not native', async () => {
    const kernels = await loadKernels({
      choice: 'auto',
      folder: folderWith('kernels-relaxed.wasm', 'kernels-plain.wasm'),
    });
    const variant = relaxedRuns ? 'relaxed' : 'plain';
    expect(kernels.kind).toBe('wasm');
    expect(kernels.description).toMatch(
      `WebAssembly kernels, ${variant} SIMD (not taken: native: native kernels were not built`,
    );
  });

  test('plain SIMD where the runtime has no relaxed SIMD', async () => {
    const folder = folderWith('kernels-plain.wasm');
    // Relaxed SIMD of some later version, which no runtime has: an instruction that does not exist.
    writeFileSync(path.join(folder, 'kernels-relaxed.wasm'), Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 99, 0));
    const { description } = await loadKernels({ choice: 'wasm', folder });
    expect(description).toBe(
      'WebAssembly kernels, plain SIMD (not taken: wasm-relaxed: this Node.js has no relaxed SIMD)',
    );
  });

  test('a build that failed is given as the reason', async () => {
    const folder = folderWith('kernels-plain.wasm');
    writeFileSync(
      path.join(folder, `${ADDON}.stamp`),
      JSON.stringify({ ingredients: '', failure: 'there is no C compiler (cc)' }),
    );
    const { description } = await loadKernels({ choice: 'auto', folder });
    expect(description).toContain('native kernels were not built: there is no C compiler (cc)');
  });

  test('an addon that does not load is given as the reason', async () => {
    const folder = folderWith('kernels-plain.wasm');
    writeFileSync(path.join(folder, ADDON), 'no library');
    writeFileSync(path.join(folder, `${ADDON}.stamp`), '{}');
    const { description } = await loadKernels({ choice: 'auto', folder });
    expect(description).toContain('native kernels do not load');
  });

  test('none at all: all reasons, and what to do', async () => {
    await expect(loadKernels({ choice: 'auto', folder: folderWith() })).rejects.toThrow(
      refused(/native: .*wasm-relaxed: .*wasm-plain: .*npm run build:kernels/),
    );
  });

  test.each(KERNEL_CHOICES)('%s gives what it names or says what is missing', async (choice) => {
    const kernels = await loadKernels({ choice }).catch((error: unknown) => error);
    if (kernels instanceof Error) expect(kernels).toEqual(refused(/^No kernels can be had on this machine: /));
    else expect(kernels).toMatchObject({ kind: choice === 'auto' ? expect.anything() : choice.split('-')[0] });
  });

  test.each(['avx', 'Native', 'toString', ' '])('%j is no choice', async (choice) => {
    await expect(loadKernels({ choice })).rejects.toThrow(
      refused(/^ODECAST_KERNELS cannot be .*; take one of auto, native, /),
    );
  });

  test('kernels of another ABI, or with lanes that are no whole vectors, are stale', () => {
    const stale = refused(/^kernels are stale; run npm run build:kernels/);
    expect(() => createKernels({ ...nothing, abi: KERNEL_ABI + 1 }, '')).toThrow(stale);
    expect(() => createKernels({ ...nothing, lanes: 6 }, '')).toThrow(stale);
    expect(() => createKernels(nothing, '')).not.toThrow();
  });
});

/** A build that computes nothing. */
const nothing: LoadedBuild = {
  kind: 'wasm',
  description: 'nothing',
  abi: KERNEL_ABI,
  lanes: 8,
  vectorLength: 4,
  allocate: (cells) => ({ buffer: new ArrayBuffer(4 * cells), start: 0 }),
  run: () => 0,
};

const RUNNING = [...(hasAddon ? ['native'] : []), ...(relaxedRuns ? ['wasm-relaxed'] : []), 'wasm-plain'];

describe.each(RUNNING)('the arena of %s kernels', (choice) => {
  test('holds what was asked for, and both views are of the same cells', async () => {
    const kernels = await loadKernels({ choice });
    kernels.reserve(100_000);
    kernels.floats[99_999] = 1;
    expect(kernels.ints[99_999]).toBe(0x3f800000);
    expect([kernels.floats.length, kernels.ints.length]).toEqual([100_000, 100_000]);
  });

  test('stays where it is while it is large enough', async () => {
    const kernels = await loadKernels({ choice });
    kernels.reserve(100_000);
    const { floats } = kernels;
    for (const cells of [1, 0, 100_000]) kernels.reserve(cells);
    expect(kernels.floats).toBe(floats);
  });

  test('two instances share nothing', async () => {
    const [one, other] = await Promise.all([loadKernels({ choice }), loadKernels({ choice })]);
    one.floats[7] = 7;
    expect(other.floats[7]).toBe(0);
  });

  test('memory that nobody has is a typed error, and the instance goes on', async () => {
    const kernels = await loadKernels({ choice });
    expect(() => kernels.reserve(2 ** 45)).toThrow(refused(/needs 134217728 MiB of memory/, 'bad-batch'));
    expect(kernels.run(NO_OPERATION, 0)).toBeLessThan(0);
  });

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('%d cells are refused', async (cells) => {
    const kernels = await loadKernels({ choice });
    expect(() => kernels.reserve(cells)).toThrow(refused(/cannot have/, 'bad-batch'));
  });

  test('a job outside it is refused before the kernel sees it', async () => {
    const kernels = await loadKernels({ choice });
    for (const job of [-1, 0.5, Number.NaN, kernels.ints.length, 2 ** 32]) {
      expect(() => kernels.run(NO_OPERATION, job)).toThrow(refused(/is not inside the arena/, 'bad-batch'));
    }
    for (const operation of [-1, 0.5, Number.NaN]) expect(() => kernels.run(operation, 0)).toThrow();
  });
});

describe.runIf(hasAddon)('the addon', () => {
  test('refuses by itself what is no arena, no operation and no job', () => {
    const { builds, skip } = createRequire(import.meta.url)(path.join(BUILT, ADDON));
    const memory = new Int32Array(1024);
    const arena = new Int32Array(memory.buffer, 4 * skip(memory), 64);
    const shifted = new Int32Array(memory.buffer, arena.byteOffset + 4, 64);
    const wrong: readonly (readonly unknown[])[] = [
      ...[[], [arena], [arena, 0], [{}, 0, 0], [memory.buffer, 0, 0], [new Float64Array(64), 0, 0], [shifted, 0, 0]],
      ...[-1, 64, 2 ** 32, 0.5, Number.NaN, '0', undefined].map((job) => [arena, NO_OPERATION, job]),
      ...[-1, 2 ** 32, 0.5, Number.NaN, '0', null].map((operation) => [arena, operation, 0]),
    ];
    for (const { run } of builds) {
      for (const given of wrong) expect(() => run(...given), JSON.stringify(given)).toThrow(TypeError);
      expect(run(arena, NO_OPERATION, 63)).toBeLessThan(0);
    }
  });

  test('runs in several worker threads at once, on one shared buffer', async () => {
    const shared = new SharedArrayBuffer(8192);
    const statuses = await Promise.all([0, 1, 2].map(() => runInWorker(shared)));
    expect(statuses.every((status) => status < 0)).toBe(true);
  });
});

function runInWorker(shared: SharedArrayBuffer): Promise<number> {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { builds, skip } = require(workerData.addon);
    const start = 4 * skip(new Int32Array(workerData.shared));
    parentPort.postMessage(builds[0].run(new Float32Array(workerData.shared, start, 1024), ${NO_OPERATION}, 0));`;
  const workerData = { addon: path.join(BUILT, ADDON), shared };
  return new Promise((resolve, reject) => {
    new Worker(code, { eval: true, workerData }).once('message', resolve).once('error', reject);
  });
}

describe('the builds', () => {
  test('relaxed SIMD means multiply-add in one instruction, plain SIMD has none', () => {
    const relaxedMultiplyAdd = Buffer.of(0xfd, 0x85, 0x02);
    expect(readFileSync(path.join(BUILT, 'kernels-relaxed.wasm')).includes(relaxedMultiplyAdd)).toBe(true);
    expect(readFileSync(path.join(BUILT, 'kernels-plain.wasm')).includes(relaxedMultiplyAdd)).toBe(false);
  });
});
