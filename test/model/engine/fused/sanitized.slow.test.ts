/**
 * The fused engine on kernels under the address and undefined-behaviour sanitizers: every method with every gradient, on models
 * and batches of random shapes. Nothing is reported, and the answers are those of the build that is in use: to more than rounding,
 * as a step that one accepts and the other rejects by a hair moves an answer by a part of the tolerance.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../../../model/engine/engine.ts';
import { createFusedEngine } from '../../../../model/engine/fused/fused-engine.ts';
import { type Kernels, loadKernels } from '../../../../model/engine/fused/kernels.ts';
import type { DecodeRequest, TrainingBatch } from '../../../../model/latent/batch.ts';
import type { PathRequest } from '../../../../model/latent/query.ts';
import { createRandom, type Random } from '../../../../model/latent/random.ts';
import { GRADIENTS_THROUGH, type ModelSpec, SOLVER_METHODS, type SolverSpec } from '../../../../model/latent/spec.ts';
import { buildSanitized, type SanitizedBuild, widthsHere } from '../../kernels/sanitized-kernels.ts';
import { randomBatch, randomParameters, randomRagged, randomSpec } from '../problems.ts';

const here = await widthsHere();

// A suite must hold some test, and without a compiler there is nothing to sanitize.
if (here.length === 0) test.skip('no C compiler, so no sanitizers', () => {});

const SOLVERS = SOLVER_METHODS.flatMap((method) => GRADIENTS_THROUGH[method].map((gradient) => ({ method, gradient })));

/** One sample, a part of a tile, a tile and one, two tiles. */
const samplesOf = (seed: number, lanes: number): number => [1, lanes - 3, lanes + 1, 2 * lanes][seed % 4];

describe.each(here)('%s', (width) => {
  let build: SanitizedBuild | undefined;
  let sanitized: Kernels;
  let used: Kernels;

  beforeAll(async () => {
    build = buildSanitized(width);
    sanitized = build.open();
    used = await loadKernels({ choice: `native-${width}` });
  });
  afterAll(() => build?.close());

  test.each(SOLVERS)('$method, $gradient: as without sanitizers (1e-3 of the norm)', async (solver) => {
    const seed = SOLVERS.length * here.indexOf(width) + SOLVERS.indexOf(solver);
    const random = createRandom(seed);
    const spec = withSolver(seed % 3 === 0 ? withUnits(randomSpec(random), 40) : randomSpec(random), solver);
    const engines = [createFusedEngine(spec, sanitized), createFusedEngine(spec, used)];
    const [found, expected] = await everything(engines, spec, random, samplesOf(seed, used.lanes));
    for (const [part, numbers] of Object.entries(expected)) expectNear(part, found[part], numbers);
  });

  test('samples without a time beside others that only go back in time', async () => {
    const random = createRandom(5);
    const spec = withSolver(randomSpec(random), { method: 'rk4', gradient: 'checkpointed' });
    const parameters = randomParameters(spec, random);
    const lengths = [0, 1, 0];
    const { offsets, times } = randomRagged(spec, random, { lengths, from: -1, to: -0.5, observed: 0 });
    const z0 = new Float32Array(3 * spec.latentSize).fill(0.5);
    const posterior = { mean: z0, logVariance: z0 };
    const context = randomRagged(spec, random, { lengths: [], from: 0, to: 1, observed: 1 });
    const queries = lengths.map((length, sample) => ({
      posterior: sample,
      origin: 0,
      times: times.slice(0, length),
      noise: new Float32Array(spec.latentSize),
    }));
    const engine = createFusedEngine(spec, sanitized);
    const decoded = await engine.decode(parameters, { z0, origins: new Float64Array(3), offsets, times });
    const answered = await engine.answer?.(parameters, { context, known: posterior, queries });
    expect(decoded.status).toEqual(['success', 'success', 'success']);
    expect(answered?.answers.map(({ status }) => status)).toEqual([['success'], ['success'], ['success']]);
  });

  test('quantiles: as without sanitizers (1e-3 of the norm)', () => {
    const random = createRandom(7);
    const normal = (length: number) => Float32Array.from({ length }, () => random.normal());
    const levels = { tails: Float32Array.of(0.05, 0.5, 0.01), probits: Float32Array.of(-1.6448536, 0, 2.3263479) };
    for (const [rows, components] of [
      [1, 1],
      [5, 3],
      [100, 64],
    ] as const) {
      // biome-ignore format: a table
      const [means, scales] = [normal(rows * components), normal(rows * components).map((x) => Math.abs(x) + 0.1)];
      const mixture = { components, means, scales, weights: new Float32Array(components).fill(1 / components) };
      const [found, expected] = [sanitized, used].map((kernels) =>
        createFusedEngine(withSolver(randomSpec(random), SOLVERS[0]), kernels).quantiles?.(mixture, levels),
      );
      expectNear('quantiles', found, expected);
    }
  });
});

/** So many units that a single lane's GRU takes two vectors at once and has one left over. */
const withUnits = (spec: ModelSpec, units: number): ModelSpec => ({ ...spec, encoder: { ...spec.encoder, units } });

const withSolver = (spec: ModelSpec, solver: Pick<SolverSpec, 'method' | 'gradient'>): ModelSpec => ({
  ...spec,
  solver: { ...spec.solver, rtol: 1e-5, atol: 1e-7, ...solver },
});

type Answers = Record<string, Float32Array>;

/** All that an engine can be asked, of each of the engines. */
async function everything(engines: readonly Engine[], spec: ModelSpec, random: Random, samples: number) {
  const parameters = randomParameters(spec, random);
  const batch = randomBatch(spec, random, samples);
  const request = decodeRequest(spec, random, samples);
  const paths = pathRequest(spec, random, batch);
  return Promise.all(engines.map((engine) => answers(engine, parameters, batch, request, paths)));
}

async function answers(
  engine: Engine,
  parameters: Float32Array,
  batch: TrainingBatch,
  request: DecodeRequest,
  paths: PathRequest,
): Promise<Answers> {
  const { loss, gradient } = await engine.lossAndGradient(parameters, batch);
  const { mean, logVariance } = await engine.encode(parameters, batch.context);
  const decoded = await engine.decode(parameters, request);
  const answered = await engine.answer?.(parameters, paths);
  return {
    loss: Float32Array.of(loss),
    gradient,
    'posterior mean': mean,
    'posterior variance': logVariance,
    latent: decoded.latent,
    'decoded mean': decoded.mean,
    'decoded scale': decoded.scale,
    answers: Float32Array.from(answered?.answers.flatMap((answer) => [...answer.mean, ...answer.scale]) ?? []),
  };
}

function decodeRequest(spec: ModelSpec, random: Random, samples: number): DecodeRequest {
  const lengths = Array.from({ length: samples }, () => random.int(5));
  const { offsets, times } = randomRagged(spec, random, { lengths, from: -1, to: 1.9, observed: 0 });
  const z0 = Float32Array.from({ length: samples * spec.latentSize }, () => random.normal());
  return { z0, origins: new Float64Array(samples).fill(1.7e12), offsets, times };
}

/** A query of each context and of one posterior that is known, with all numbers of draws. */
function pathRequest(spec: ModelSpec, random: Random, { context }: TrainingBatch): PathRequest {
  const samples = context.offsets.length - 1;
  const queries = Array.from({ length: samples + 1 }, (_, posterior) => ({
    posterior,
    origin: 1.7e12,
    times: Float64Array.from({ length: random.int(5) }, () => 3 * random.uniform() - 1).sort(),
    noise: Float32Array.from({ length: spec.latentSize * (1 + random.int(9)) }, () => random.normal()),
  }));
  const known = new Float32Array(spec.latentSize).fill(0.25);
  return { context, known: { mean: known, logVariance: known }, queries };
}

function expectNear(part: string, found: Float32Array | undefined, expected: Float32Array | undefined): void {
  const [a, b] = [Float64Array.from(found ?? []), Float64Array.from(expected ?? [])];
  const norm = (numbers: Float64Array) => Math.hypot(...numbers);
  expect(a.length, part).toBe(b.length);
  expect(norm(a.map((x, i) => x - b[i])), part).toBeLessThanOrEqual(1e-3 * norm(b));
}
