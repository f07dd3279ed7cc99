/** Training on several threads: the same bytes on any number of them, no hang when one dies, nothing left when it is closed. */
import { execFile } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Engine } from '../../../../model/engine/engine.ts';
import { createFusedEngine } from '../../../../model/engine/fused/fused-engine.ts';
import { type Kernels, loadKernels } from '../../../../model/engine/fused/kernels.ts';
import { type Crew, createWorkers, type WorkersOptions } from '../../../../model/engine/fused/workers.ts';
import { createRandom } from '../../../../model/latent/random.ts';
import type { ModelSpec } from '../../../../model/latent/spec.ts';
import { createSpec, randomBatch, randomParameters } from '../problems.ts';

const SPECS: Readonly<Record<string, ModelSpec>> = {
  'rk4, gru': createSpec(),
  'rk4, ode-rnn, periods, student-t': createSpec({
    encoder: { kind: 'ode-rnn', units: 5, clock: 'elapsed', drift: { units: 3, steps: 2 } },
    dynamics: { units: 6, depth: 2, periodsMs: [86_400_000] },
    decoder: { units: 4, likelihood: 'student-t', degreesOfFreedom: 4 },
  }),
  'dopri5, adjoint': createSpec({}, { method: 'dopri5', gradient: 'adjoint', rtol: 1e-3, atol: 1e-4 }),
};

/** Some tiles that are full, and one that is not. */
const samplesOf = ({ lanes }: Kernels) => 4 * lanes + 3;

function problem(spec: ModelSpec, samples: number, seed = 1) {
  const random = createRandom(seed);
  return { parameters: randomParameters(spec, random), batch: randomBatch(spec, random, samples, 2) };
}

interface Crewed {
  readonly engine: Engine;
  readonly kernels: Kernels;
  readonly crew: Crew;
}

async function open(spec: ModelSpec, options: Partial<WorkersOptions> = {}): Promise<Crewed> {
  const kernels = await loadKernels();
  const crews: Crew[] = [];
  const engine = createFusedEngine(spec, kernels, (trainer) => {
    crews.push(createWorkers(trainer, { threads: 2, kernels: {}, ...options }));
    return crews[0];
  });
  onTestFinished(() => engine.close());
  return { engine, kernels, crew: crews[0] };
}

describe.each(Object.entries(SPECS))('%s', (_, spec) => {
  test('the same bytes on one thread, while others start, and on three', async () => {
    const { engine, kernels, crew } = await open(spec, { threads: 3 });
    const { parameters, batch } = problem(spec, samplesOf(kernels));
    const expected = await createFusedEngine(spec, kernels).lossAndGradient(parameters, batch);
    expect(expected.status).toBe('success');
    for (let afterAll = 0; afterAll < 10; afterAll += crew.threads === 3 ? 1 : 0) {
      expect(await engine.lossAndGradient(parameters, batch)).toEqual(expected);
      await setImmediate();
    }
  });
});

describe('workers', () => {
  const spec = createSpec();

  test('batches of all sizes, one after the other and at once, are those of one thread', async () => {
    const { engine, kernels } = await open(spec, { callerWorks: false });
    const alone = createFusedEngine(spec, kernels);
    const sizes = [kernels.lanes + 1, 1, 6 * kernels.lanes, 2 * kernels.lanes, 3, 9 * kernels.lanes + 5];
    const problems = sizes.map((size, i) => problem(spec, size, i));
    const together = await Promise.all(
      problems.map(({ parameters, batch }) => engine.lossAndGradient(parameters, batch)),
    );
    for (const [i, { parameters, batch }] of problems.entries()) {
      expect(together[i]).toEqual(await alone.lossAndGradient(parameters, batch));
    }
  });

  test('steps on another thread leave the event loop of this one idle for two thirds of their time', async () => {
    const heavy = createSpec({ latentSize: 16, dynamics: { units: 64, depth: 2, periodsMs: [] } });
    const { engine, kernels } = await open(heavy, { threads: 1, callerWorks: false });
    const random = createRandom(2);
    const parameters = randomParameters(heavy, random);
    await engine.lossAndGradient(parameters, randomBatch(heavy, random, 1));
    const batch = randomBatch(heavy, random, 2 * kernels.lanes, 24);
    // Not by a timer's delay: on a busy machine that measures the other processes.
    const [before, begun] = [performance.eventLoopUtilization(), performance.now()];
    while (performance.now() - begun < 300) await engine.lossAndGradient(parameters, batch);
    const took = performance.now() - begun;
    expect(performance.eventLoopUtilization(before).active).toBeLessThan(took / 3);
  });

  test('a thread that cannot start is an error that says so, for the batch that waits and for those after it', async () => {
    const { engine } = await open(spec, { kernels: { folder: '/nowhere' }, callerWorks: false });
    const { parameters, batch } = problem(spec, 100);
    const says = {
      code: 'worker-died',
      message: expect.stringMatching(/training thread ended \(No kernels can be had/),
    };
    await expect(engine.lossAndGradient(parameters, batch)).rejects.toMatchObject(says);
    await expect(engine.lossAndGradient(parameters, batch)).rejects.toMatchObject(says);
  });

  test('closed while a batch is in work: that one is rejected, and so are those after it', async () => {
    const { engine } = await open(spec, { callerWorks: false });
    const { parameters, batch } = problem(spec, 500);
    const [first, second] = [engine.lossAndGradient(parameters, batch), engine.lossAndGradient(parameters, batch)];
    engine.close();
    for (const result of [first, second, engine.lossAndGradient(parameters, batch)]) {
      await expect(result).rejects.toMatchObject({ code: 'closed' });
    }
  });
});

describe('a process that trains', () => {
  const run = (last: string) =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script(last)], {
      timeout: 20_000,
    });
  const script = (last: string) => `
    const { createFusedEngine } = await import('./model/engine/fused/fused-engine.ts');
    const { loadKernels } = await import('./model/engine/fused/kernels.ts');
    const { createWorkers } = await import('./model/engine/fused/workers.ts');
    const { createRandom } = await import('./model/latent/random.ts');
    const { createSpec, randomBatch, randomParameters } = await import('./test/model/engine/problems.ts');
    const [spec, random, kernels] = [createSpec(), createRandom(1), await loadKernels()];
    const engine = createFusedEngine(spec, kernels, (trainer) =>
      createWorkers(trainer, { threads: 1, kernels: {}, callerWorks: false }));
    const batch = randomBatch(spec, random, 100);
    const { status } = await engine.lossAndGradient(randomParameters(spec, random), batch);
    console.log(status);
    ${last}`;

  test.each([
    ['closed', 'engine.close();'],
    ['not even closed', ''],
  ])('waits for its threads, and ends when they are %s', async (_, last) => {
    await expect(run(last)).resolves.toMatchObject({ stdout: 'success\n' });
  });
});
