/** From z₀ to a path and its observation model at any times. */
import { expect, it } from 'vitest';
import type { DecodeRequest } from '../../../../model/latent/batch.ts';
import { parameterLayout } from '../../../../model/latent/layout.ts';
import { createRandom } from '../../../../model/latent/random.ts';
import type { ModelSpec } from '../../../../model/latent/spec.ts';
import { createOracle } from '../../../oracle/latent-ode.ts';
import { createSpec, randomBatch, randomParameters, randomRagged, randomSpec } from '../problems.ts';
import { distance, type Subject } from './under-test.ts';

export function randomRequest(spec: ModelSpec, seed: number, lengths: readonly number[] = [5, 0, 1, 7]): DecodeRequest {
  const random = createRandom(seed);
  const { times, offsets } = randomRagged(spec, random, { lengths, from: -1.4, to: 2.3, observed: 1 });
  const { origins } = randomBatch(spec, random, lengths.length);
  return {
    z0: Float32Array.from({ length: lengths.length * spec.latentSize }, () => random.normal()),
    origins,
    offsets,
    times,
  };
}

function oracleDecode(spec: ModelSpec, parameters: Float32Array, request: DecodeRequest) {
  const rows = createOracle(spec, parameterLayout(spec), parameters).decode(request);
  const of = (part: 'latent' | 'mean' | 'scale') => rows.flatMap((row) => [...row[part]]);
  return { latent: of('latent'), mean: of('mean'), scale: of('scale') };
}

const SEEDS = Array.from({ length: 10 }, (_, i) => i + 1);

export function decodeCases(subject: Subject): void {
  it.for(SEEDS.filter((seed) => subject.runs(randomSpec(createRandom(200 + seed)))))(
    "path, mean and scale are the oracle's at any times, also before 0, random model %i (1e-5 of the norm)",
    async (seed) => {
      const random = createRandom(200 + seed);
      const spec = randomSpec(random);
      const parameters = randomParameters(spec, random);
      const request = randomRequest(spec, seed);
      const expected = oracleDecode(spec, parameters, request);
      const decoded = await (await subject.open(spec)).decode(parameters, request);
      expect(decoded.status).toEqual(['success', 'success', 'success', 'success']);
      expect(distance(decoded.latent, expected.latent)).toBeLessThan(1e-5);
      expect(distance(decoded.mean, expected.mean)).toBeLessThan(1e-5);
      expect(distance(decoded.scale, expected.scale)).toBeLessThan(1e-5);
    },
  );

  it.for(['dopri5', 'tsit5'] as const)(
    '%s at rtol 1e-6, forwards and backwards in time (1e-4 of the norm)',
    async (method) => {
      const spec = createSpec({}, { method });
      const parameters = randomParameters(spec, createRandom(31));
      const request = randomRequest(spec, 31);
      const expected = oracleDecode(spec, parameters, request);
      const decoded = await (await subject.open(spec)).decode(parameters, request);
      expect(distance(decoded.mean, expected.mean)).toBeLessThan(1e-4);
      const { steps, functionEvaluations, evaluationsByTrajectory } = decoded.statistics;
      expect(steps).toBeGreaterThan(1);
      expect(evaluationsByTrajectory?.length ?? 4).toBe(4);
      expect(evaluationsByTrajectory?.every((count) => count <= functionEvaluations) ?? true).toBe(true);
    },
  );

  it.for((['rk4', 'reversible-heun', 'tsit5'] as const).filter((method) => subject.runs(createSpec({}, { method }))))(
    '%s: the path at time 0 is z₀ itself, to the bit',
    async (method) => {
      const spec = createSpec({}, { method });
      const request = { ...randomRequest(spec, 32, [1]), times: Float64Array.of(0) };
      const engine = await subject.open(spec);
      const decoded = await engine.decode(randomParameters(spec, createRandom(32)), request);
      expect(decoded.latent).toEqual(request.z0);
    },
  );

  it('no samples and no times are answered with nothing', async () => {
    const spec = createSpec();
    const parameters = randomParameters(spec, createRandom(33));
    const none = {
      z0: new Float32Array(0),
      origins: new Float64Array(0),
      offsets: Int32Array.of(0),
      times: new Float64Array(0),
    };
    const decoded = await (await subject.open(spec)).decode(parameters, none);
    expect([decoded.mean.length, decoded.status.length]).toEqual([0, 0]);
  });
}
