/** What every engine must do, run on each that the machine has; the oracle in `test/oracle` knows the answers. */
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../model/engine/engine.ts';
import type { DecodeRequest, TrainingBatch } from '../../../model/latent/batch.ts';
import { initialParameters } from '../../../model/latent/initial-parameters.ts';
import { parameterLayout } from '../../../model/latent/layout.ts';
import { createRandom } from '../../../model/latent/random.ts';
import type { ModelSpec } from '../../../model/latent/spec.ts';
import { createOracle, gradientByDifferences, type Oracle } from '../../oracle/latent-ode.ts';
import { createSpec, randomBatch, randomParameters, randomRagged, randomSpec } from './problems.ts';

export interface EngineUnderTest {
  open(spec: ModelSpec): Engine;
  /** Matrices that the backend holds. */
  liveMatrices(): number;
}

/** |a − b| / |b| in the Euclidean norm. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return Math.sqrt(difference / Math.max(norm, 1e-30));
}

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

export function engineContract(name: string, load: () => Promise<EngineUnderTest>): void {
  describe(`engine contract: ${name}`, () => {
    oracleCases(load);
    gradientCases(load);
    decodeCases(load);
    independenceCases(load);
    failureCases(load);
    leakCase(load);
  });
}

type Load = () => Promise<EngineUnderTest>;

interface SolvedProblem {
  readonly spec: ModelSpec;
  readonly parameters: Float32Array;
  readonly batch: TrainingBatch;
  readonly expected: ReturnType<Oracle['loss']>;
  readonly gradient: Float64Array;
}

/** Differences cost two losses a parameter: worked out once, for all engines. */
const SOLVED = new Map<number, SolvedProblem>();

function solvedProblem(seed: number): SolvedProblem {
  const known = SOLVED.get(seed);
  if (known !== undefined) return known;
  const random = createRandom(seed);
  const spec = randomSpec(random);
  const [parameters, batch] = [randomParameters(spec, random), randomBatch(spec, random)];
  const layout = parameterLayout(spec);
  const expected = createOracle(spec, layout, parameters).loss(batch);
  const gradient = gradientByDifferences(spec, layout, parameters, batch);
  SOLVED.set(seed, { spec, parameters, batch, expected, gradient });
  return { spec, parameters, batch, expected, gradient };
}

function oracleCases(load: Load): void {
  it.each(SEEDS)(
    "loss, its parts and gradient are the oracle's, random model %i (1e-5; gradient 1e-4 of its norm)",
    async (seed) => {
      const { spec, parameters, batch, expected, gradient } = solvedProblem(seed);
      const result = await (await load()).open(spec).lossAndGradient(parameters, batch);
      expect(result.status).toBe('success');
      expect(Math.abs(result.loss / expected.loss - 1)).toBeLessThan(1e-5);
      expect(Math.abs(result.negativeLogLikelihood / expected.negativeLogLikelihood - 1)).toBeLessThan(1e-5);
      expect(Math.abs(result.kl / expected.kl - 1)).toBeLessThan(1e-5);
      expect(distance(result.gradient, gradient)).toBeLessThan(1e-4);
    },
  );

  it.each(SEEDS)("posterior is the oracle's, random model %i (1e-5 of its norm)", async (seed) => {
    const random = createRandom(100 + seed);
    const spec = randomSpec(random);
    const [parameters, { context }] = [randomParameters(spec, random), randomBatch(spec, random)];
    const expected = createOracle(spec, parameterLayout(spec), parameters).posterior(context);
    const posterior = await (await load()).open(spec).encode(parameters, context);
    expect(
      distance(
        posterior.mean,
        expected.flatMap(({ mean }) => mean),
      ),
    ).toBeLessThan(1e-5);
    expect(
      distance(
        posterior.logVariance,
        expected.flatMap(({ logVariance }) => logVariance),
      ),
    ).toBeLessThan(1e-5);
  });
}

function gradientCases(load: Load): void {
  it('adjoint is backprop on rk4 at sixteen steps (1e-4 of the norm), and the losses are the same', async () => {
    const random = createRandom(21);
    const spec = createSpec({ dynamics: { units: 8, depth: 2, periodsMs: [86_400_000] } }, { knotSpacing: 0.125 });
    const [parameters, batch] = [randomParameters(spec, random), randomBatch(spec, random)];
    const engine = await load();
    const direct = await engine.open(spec).lossAndGradient(parameters, batch);
    const solver = { ...spec.solver, gradient: 'adjoint' as const };
    const adjoint = await engine.open({ ...spec, solver }).lossAndGradient(parameters, batch);
    expect(adjoint.loss).toBe(direct.loss);
    expect(distance(adjoint.gradient, direct.gradient)).toBeLessThan(1e-4);
  });

  it('dopri5 at rtol 1e-6, adjoint and backprop: loss 1e-5, gradient 1e-3 of its norm', async () => {
    const random = createRandom(22);
    const spec = createSpec({}, { method: 'dopri5' });
    const [parameters, batch] = [randomParameters(spec, random), randomBatch(spec, random, 2, 1)];
    const layout = parameterLayout(spec);
    const expected = createOracle(spec, layout, parameters).loss(batch).loss;
    const expectedGradient = gradientByDifferences(spec, layout, parameters, batch);
    for (const gradient of ['adjoint', 'backprop'] as const) {
      const engine = (await load()).open({ ...spec, solver: { ...spec.solver, gradient } });
      const result = await engine.lossAndGradient(parameters, batch);
      expect(result.status).toBe('success');
      expect(Math.abs(result.loss / expected - 1)).toBeLessThan(1e-5);
      expect(distance(result.gradient, expectedGradient)).toBeLessThan(1e-3);
    }
  });

  it('same inputs, same bytes, also when asked side by side', async () => {
    const random = createRandom(23);
    const spec = createSpec();
    const engine = (await load()).open(spec);
    const [parameters, batch] = [randomParameters(spec, random), randomBatch(spec, random)];
    const [first, second] = await Promise.all([
      engine.lossAndGradient(parameters, batch),
      engine.lossAndGradient(parameters, batch),
    ]);
    expect(second.loss).toBe(first.loss);
    expect(Buffer.from(second.gradient.buffer).equals(Buffer.from(first.gradient.buffer))).toBe(true);
  });

  it('a batch without any target is the KL alone', async () => {
    const random = createRandom(24);
    const spec = createSpec();
    const [parameters, batch] = [randomParameters(spec, random), randomBatch(spec, random)];
    const targets = randomRagged(spec, random, { lengths: [0, 0, 0, 0], from: 0, to: 1, observed: 1 });
    const result = await (await load()).open(spec).lossAndGradient(parameters, { ...batch, targets });
    expect(result.status).toBe('success');
    expect(result.negativeLogLikelihood).toBe(0);
    expect(Math.abs(result.loss / (batch.beta * result.kl) - 1)).toBeLessThan(1e-12);
  });

  it('plain gradient descent from the initial parameters lowers the loss', async () => {
    const random = createRandom(25);
    const spec = createSpec();
    const engine = (await load()).open(spec);
    const batch = { ...randomBatch(spec, random), beta: 0.01 };
    let parameters = initialParameters(spec, random);
    const first = (await engine.lossAndGradient(parameters, batch)).loss;
    for (let i = 0; i < 60; i++) {
      const { gradient } = await engine.lossAndGradient(parameters, batch);
      parameters = parameters.map((p, j) => p - 0.03 * gradient[j]);
    }
    expect((await engine.lossAndGradient(parameters, batch)).loss).toBeLessThan(0.8 * first);
  });
}

function randomRequest(spec: ModelSpec, seed: number, lengths = [5, 0, 1, 7]): DecodeRequest {
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

function decodeCases(load: Load): void {
  it.each(SEEDS)(
    "path, mean and scale are the oracle's at any times, also before 0, random model %i (1e-5 of the norm)",
    async (seed) => {
      const random = createRandom(200 + seed);
      const spec = randomSpec(random);
      const parameters = randomParameters(spec, random);
      const request = randomRequest(spec, seed);
      const expected = createOracle(spec, parameterLayout(spec), parameters).decode(request);
      const decoded = await (await load()).open(spec).decode(parameters, request);
      expect(decoded.status).toEqual(['success', 'success', 'success', 'success']);
      expect(
        distance(
          decoded.latent,
          expected.flatMap(({ latent }) => latent),
        ),
      ).toBeLessThan(1e-5);
      expect(
        distance(
          decoded.mean,
          expected.flatMap(({ mean }) => mean),
        ),
      ).toBeLessThan(1e-5);
      expect(
        distance(
          decoded.scale,
          expected.flatMap(({ scale }) => scale),
        ),
      ).toBeLessThan(1e-5);
    },
  );

  it('dopri5 at rtol 1e-6, forwards and backwards in time (1e-4 of the norm)', async () => {
    const spec = createSpec({}, { method: 'dopri5' });
    const parameters = randomParameters(spec, createRandom(31));
    const request = randomRequest(spec, 31);
    const expected = createOracle(spec, parameterLayout(spec), parameters).decode(request);
    const decoded = await (await load()).open(spec).decode(parameters, request);
    expect(
      distance(
        decoded.mean,
        expected.flatMap(({ mean }) => mean),
      ),
    ).toBeLessThan(1e-4);
    expect(decoded.statistics.steps).toBeGreaterThan(1);
  });

  it('the path at time 0 is z₀ itself, to the bit', async () => {
    const spec = createSpec();
    const request = { ...randomRequest(spec, 32, [1]), times: Float64Array.of(0) };
    const decoded = await (await load()).open(spec).decode(randomParameters(spec, createRandom(32)), request);
    expect(decoded.latent).toEqual(request.z0);
  });

  it('no samples and no times are answered with nothing', async () => {
    const spec = createSpec();
    const parameters = randomParameters(spec, createRandom(33));
    const none = {
      z0: new Float32Array(0),
      origins: new Float64Array(0),
      offsets: Int32Array.of(0),
      times: new Float64Array(0),
    };
    const decoded = await (await load()).open(spec).decode(parameters, none);
    expect([decoded.mean.length, decoded.status.length]).toEqual([0, 0]);
  });
}

/** One sample of a request, with some of its times. */
function alone(spec: ModelSpec, request: DecodeRequest, b: number, keep: (i: number) => boolean): DecodeRequest {
  const times = request.times.subarray(request.offsets[b], request.offsets[b + 1]).filter((_, i) => keep(i));
  return {
    z0: request.z0.slice(b * spec.latentSize, (b + 1) * spec.latentSize),
    origins: request.origins.slice(b, b + 1),
    offsets: Int32Array.of(0, times.length),
    times,
  };
}

function independenceCases(load: Load): void {
  it('with fixed steps an answer depends neither on neighbours nor on other times asked (1e-6)', async () => {
    const spec = createSpec({ dynamics: { units: 6, depth: 2, periodsMs: [86_400_000] } });
    const engine = (await load()).open(spec);
    const parameters = randomParameters(spec, createRandom(41));
    const request = randomRequest(spec, 41, [5, 3, 8, 7, 2, 9, 4]);
    const together = await engine.decode(parameters, request);
    const single = await engine.decode(
      parameters,
      alone(spec, request, 2, (i) => i % 3 === 0),
    );
    const d = spec.channels.length;
    const rows = [0, 3, 6].map((i) => request.offsets[2] + i);
    const expected = rows.flatMap((row) => Array.from(together.mean.subarray(row * d, (row + 1) * d)));
    expect(distance(single.mean, expected)).toBeLessThan(1e-6);
  });

  it('a posterior does not depend on neighbours with longer contexts (1e-6)', async () => {
    const random = createRandom(42);
    const spec = createSpec();
    const engine = (await load()).open(spec);
    const parameters = randomParameters(spec, random);
    const { context } = randomBatch(spec, random, 6);
    const together = await engine.encode(parameters, context);
    const [from, to] = [context.offsets[2], context.offsets[3]];
    const d = spec.channels.length;
    const single = await engine.encode(parameters, {
      channels: d,
      offsets: Int32Array.of(0, to - from),
      times: context.times.slice(from, to),
      values: context.values.slice(from * d, to * d),
      mask: context.mask.slice(from * d, to * d),
    });
    expect(distance(single.mean, together.mean.subarray(2 * spec.latentSize, 3 * spec.latentSize))).toBeLessThan(1e-6);
  });
}

/** Dynamics that leave f32 within a few steps. */
function exploding(spec: ModelSpec): Float32Array {
  const parameters = randomParameters(spec, createRandom(51));
  for (const { name, offset, size } of parameterLayout(spec).blocks) {
    if (name === `dynamics.${spec.dynamics.depth}.weight`) parameters.fill(3e38, offset, offset + size);
  }
  return parameters;
}

function failureCases(load: Load): void {
  it.each(['rk4', 'dopri5'] as const)(
    '%s: parameters that explode give a status, an infinite loss and no gradient',
    async (method) => {
      const spec = createSpec({}, { method });
      const batch: TrainingBatch = randomBatch(spec, createRandom(52));
      const engine = (await load()).open(spec);
      const result = await engine.lossAndGradient(exploding(spec), batch);
      expect(result.status).not.toBe('success');
      expect(result.loss).toBe(Number.POSITIVE_INFINITY);
      expect(result.gradient.every((g) => g === 0)).toBe(true);
      const decoded = await engine.decode(exploding(spec), randomRequest(spec, 53));
      expect(decoded.status[0]).not.toBe('success');
      expect(decoded.mean.subarray(0, 5 * spec.channels.length).every(Number.isNaN)).toBe(true);
    },
  );

  it('NaN in the parameters is a status as well', async () => {
    const spec = createSpec();
    const parameters = randomParameters(spec, createRandom(54)).fill(Number.NaN, 0, 3);
    const result = await (await load()).open(spec).lossAndGradient(parameters, randomBatch(spec, createRandom(54)));
    expect(result.status).toBe('non-finite');
    expect(result.loss).toBe(Number.POSITIVE_INFINITY);
  });

  it.each(['rk4', 'dopri5'] as const)(
    '%s: a z₀ without numbers fails alone, its neighbours are answered',
    async (method) => {
      const spec = createSpec({}, { method });
      const parameters = randomParameters(spec, createRandom(55));
      const request = randomRequest(spec, 55, [2, 2, 2]);
      request.z0[spec.latentSize] = Number.NaN;
      const decoded = await (await load()).open(spec).decode(parameters, request);
      expect(decoded.status).toEqual(['success', 'non-finite', 'success']);
      expect(decoded.mean.subarray(0, 4).every(Number.isFinite)).toBe(true);
      expect(decoded.scale.subarray(8).every((s) => s > 0)).toBe(true);
    },
  );

  it('a time beyond all reason ends in max-steps, not in a hang', async () => {
    const spec = createSpec();
    const request = { ...randomRequest(spec, 56, [1, 1]), times: Float64Array.of(0.5, 1e9) };
    const decoded = await (await load()).open(spec).decode(randomParameters(spec, createRandom(56)), request);
    expect(decoded.status).toEqual(['success', 'max-steps']);
  });

  it('what does not fit the spec is refused with a sentence', async () => {
    const spec = createSpec();
    const engine = (await load()).open(spec);
    const batch = randomBatch(spec, createRandom(57));
    const parameters = randomParameters(spec, createRandom(57));
    await expect(engine.lossAndGradient(parameters.slice(1), batch)).rejects.toThrow(/parameters/);
    await expect(engine.encode(parameters, { ...batch.context, channels: 1 })).rejects.toThrow(/channels/);
    const empty = { ...batch.context, offsets: Int32Array.from(batch.context.offsets).fill(0, 0, 2) };
    await expect(engine.encode(parameters, empty)).rejects.toThrow(/Sample 0 has no context/);
    engine.close();
    engine.close();
    await expect(engine.lossAndGradient(parameters, batch)).rejects.toThrow(/closed/);
  });
}

function leakCase(load: Load): void {
  it('holds no more tensors after 1,000 steps than after the first', { timeout: 240_000 }, async () => {
    const random = createRandom(61);
    const spec = createSpec({ encoder: { kind: 'gru', units: 2, clock: 'gap' } }, { knotSpacing: 1 });
    const backend = await load();
    const open = (gradient: 'adjoint' | 'backprop') => backend.open({ ...spec, solver: { ...spec.solver, gradient } });
    const engines = [open('adjoint'), open('backprop')];
    const [parameters, batch] = [randomParameters(spec, random), randomBatch(spec, random, 2, 1)];
    const request = randomRequest(spec, 61, [2]);
    const turn = async (i: number): Promise<void> => {
      await engines[i % 2].lossAndGradient(parameters, batch);
      if (i % 10 === 0) await engines[0].decode(parameters, request);
      if (i % 10 === 5) await engines[0].encode(parameters, batch.context);
    };
    await turn(0);
    const before = backend.liveMatrices();
    for (let i = 1; i <= 1000; i++) await turn(i);
    expect(backend.liveMatrices()).toBe(before);
  });
}
