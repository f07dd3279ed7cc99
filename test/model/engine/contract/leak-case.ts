/** Work done leaves nothing behind. */
import { expect, it } from 'vitest';
import { createRandom } from '../../../../model/latent/random.ts';
import { createSpec, randomBatch, randomParameters } from '../problems.ts';
import { randomRequest } from './decode-cases.ts';
import type { Subject } from './under-test.ts';

export function leakCase(subject: Subject): void {
  it('holds no more after 1,000 steps than after ten', { timeout: 240_000 }, async () => {
    const random = createRandom(73);
    const encoder = { kind: 'ode-rnn', units: 2, clock: 'gap', drift: { units: 2, steps: 1 } } as const;
    const spec = createSpec({ encoder }, { knotSpacing: 1 });
    const backend = await subject.load();
    const open = (gradient: 'adjoint' | 'checkpointed') =>
      backend.open({ ...spec, solver: { ...spec.solver, gradient } });
    const engines = [open('adjoint'), open('checkpointed')];
    const [parameters, batch] = [randomParameters(spec, random), randomBatch(spec, random, 2, 1)];
    const request = randomRequest(spec, 61, [2]);
    const turn = async (i: number): Promise<void> => {
      await engines[i % 2].lossAndGradient(parameters, batch);
      if (i % 10 === 0) await engines[0].decode(parameters, request);
      if (i % 10 === 5) await engines[0].encode(parameters, batch.context);
    };
    for (let i = 0; i < 10; i++) await turn(i);
    const before = backend.liveMatrices();
    for (let i = 0; i <= 1000; i++) await turn(i);
    expect(backend.liveMatrices()).toBe(before);
  });
}
