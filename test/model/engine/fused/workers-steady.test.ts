/** Ten thousand steps of ever other shapes take no more memory than the first hundred. */
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { createFusedEngine } from '../../../../model/engine/fused/fused-engine.ts';
import { loadKernels } from '../../../../model/engine/fused/kernels.ts';
import { alone, type Crew, createWorkers } from '../../../../model/engine/fused/workers.ts';
import { createRandom } from '../../../../model/latent/random.ts';
import { createSpec, randomBatch, randomParameters } from '../problems.ts';

const STEPS = 10_000;
const SHAPES = 100;
const MIB = 2 ** 20;
/** MiB by which the heaps of two threads rise and fall; a step that kept its batch would take hundreds. */
const BREATH = 64;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Resident memory once garbage is gone, MiB. */
function resident(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().rss / MIB;
}

test.each([
  ['one thread', 1],
  ['two threads', 2],
])(
  '%s: the arena does not change after the first 100 steps, resident memory by less than 64 MiB after 1,000',
  async (_, threads) => {
    const [spec, kernels] = [createSpec(), await loadKernels()];
    const crews: Crew[] = [];
    const engine = createFusedEngine(spec, kernels, (trainer) => {
      crews.push(threads === 1 ? alone(trainer) : createWorkers(trainer, { threads, kernels: {} }));
      return crews[0];
    });
    onTestFinished(() => engine.close());
    const problems = Array.from({ length: SHAPES }, (_, i) => {
      const random = createRandom(i);
      return {
        parameters: randomParameters(spec, random),
        batch: randomBatch(spec, random, 1 + random.int(2 * kernels.lanes)),
      };
    });
    const run = async (steps: number) => {
      for (let i = 0; i < steps; i++) {
        const { parameters, batch } = problems[i % SHAPES];
        const { status } = await engine.lossAndGradient(parameters, batch);
        expect(status).toBe('success');
      }
    };
    while (crews[0].threads < threads) {
      await run(SHAPES);
      await setImmediate();
    }
    await run(SHAPES);
    const arena = kernels.ints.length;
    await run(900);
    const before = resident();
    await run(STEPS - 1000);
    expect(kernels.ints.length).toBe(arena);
    expect(resident() - before).toBeLessThan(BREATH);
  },
  120_000,
);
