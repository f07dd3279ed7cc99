/** Queries of the kernels, on each build of them that this machine has: alone, in company, and against encode and decode. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeAndDecode } from '../../../../model/engine/encode-decode.ts';
import type { Engine } from '../../../../model/engine/engine.ts';
import { createFusedEngine } from '../../../../model/engine/fused/fused-engine.ts';
import { KERNEL_CHOICES, type Kernels, loadKernels } from '../../../../model/engine/fused/kernels.ts';
import type { Ragged } from '../../../../model/latent/batch.ts';
import { MAX_KNOTS } from '../../../../model/latent/knots.ts';
import { parameterLayout } from '../../../../model/latent/layout.ts';
import type { PathAnswer, PathQuery, PathRequest } from '../../../../model/latent/query.ts';
import { createRandom, type Random } from '../../../../model/latent/random.ts';
import type { ModelSpec } from '../../../../model/latent/spec.ts';

const HOUR = 3_600_000;
const RK4: ModelSpec = {
  channels: ['a', 'b'],
  latentSize: 3,
  encoder: { kind: 'gru', units: 7, clock: 'gap' },
  dynamics: { units: 9, depth: 2, periodsMs: [24 * HOUR] },
  decoder: { units: 5, likelihood: 'gaussian' },
  solver: { method: 'rk4', knotSpacing: 0.25, rtol: 1e-4, atol: 1e-5, gradient: 'checkpointed' },
  timescaleMs: HOUR,
};
const SPECS: Readonly<Record<string, ModelSpec>> = {
  rk4: RK4,
  // 40 and 20 units: a single lane's GRU takes two vectors of them at once, and what is left over alone.
  dopri5: {
    ...RK4,
    encoder: { kind: 'gru', units: 40, clock: 'gap' },
    solver: { ...RK4.solver, method: 'dopri5' },
  },
  'reversible-heun, ODE-RNN, Student-t': {
    ...RK4,
    encoder: { kind: 'ode-rnn', units: 20, clock: 'elapsed', drift: { units: 4, steps: 2 } },
    dynamics: { units: 8, depth: 1, periodsMs: [] },
    decoder: { units: 5, likelihood: 'student-t', degreesOfFreedom: 5 },
    solver: { ...RK4.solver, method: 'reversible-heun', gradient: 'reversible' },
  },
};

const builds: readonly (readonly [string, Kernels])[] = await loadBuilds();

async function loadBuilds() {
  const choices = KERNEL_CHOICES.filter((choice) => /^native-|^wasm-/.test(choice));
  const loaded = choices.map(async (choice) => [choice, await loadKernels({ choice }).catch(() => undefined)] as const);
  return (await Promise.all(loaded)).flatMap(([name, kernels]) => (kernels ? [[name, kernels] as const] : []));
}

function parametersOf(spec: ModelSpec, scale = 0.4): Float32Array {
  const random = createRandom('parameters');
  return Float32Array.from({ length: parameterLayout(spec).size }, () => scale * random.normal());
}

function blockOf(spec: ModelSpec, name: string) {
  const block = parameterLayout(spec).blocks.find((each) => each.name === name);
  if (block === undefined) throw new Error(`no block ${name}`);
  return block;
}

function contextOf(random: Random, lengths: readonly number[], channels = 2): Ragged {
  const offsets = Int32Array.from([0, ...lengths.map((_, i) => lengths.slice(0, i + 1).reduce((a, b) => a + b, 0))]);
  const mask = Uint8Array.from({ length: offsets[lengths.length] * channels }, () => (random.uniform() < 0.8 ? 1 : 0));
  return {
    channels,
    offsets,
    times: Float64Array.from(
      lengths.flatMap((n) => Array.from({ length: n }, (_, i) => 0.3 * i + 0.2 * random.uniform())),
    ),
    values: Float32Array.from(mask, (seen) => seen * random.normal()),
    mask,
  };
}

const normals = (random: Random, length: number) => Float32Array.from({ length }, () => random.normal());

/** A query of K paths at T times, some before model time 0. */
function queryOf(random: Random, posterior: number, paths: number, times: number): PathQuery {
  return {
    posterior,
    origin: 1.7e12 + HOUR * random.uniform(),
    times: Float64Array.from({ length: times }, () => 6 * random.uniform() - 1.5).sort(),
    noise: normals(random, 3 * paths),
  };
}

const NOTHING: Ragged = contextOf(createRandom(0), []);

async function ask(engine: Engine, parameters: Float32Array, request: PathRequest) {
  if (engine.answer === undefined) throw new Error('the fused engine answers');
  return engine.answer(parameters, request);
}

const mixes = fc.array(
  fc.record({
    seed: fc.nat(),
    posterior: fc.nat({ max: 4 }),
    paths: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 70 }), fc.constantFrom(16, 32, 64)),
    times: fc.integer({ min: 0, max: 40 }),
  }),
  { minLength: 1, maxLength: 7 },
);

test('there is a build', () => expect(builds.map(([name]) => name)).toContain('wasm-plain'));

describe.each(builds)('%s', (_, kernels) => {
  describe.each(Object.entries(SPECS))('%s', (_, spec) => {
    const engine = createFusedEngine(spec, kernels);
    const parameters = parametersOf(spec);

    test('an observation beyond all measure saturates, and the posterior has numbers', async () => {
      const context = contextOf(createRandom(8), [5, 1, 9]);
      const at = context.mask.indexOf(1);
      const posteriorWith = (outlier: number) =>
        engine.encode(parameters, { ...context, values: context.values.map((x, i) => (i === at ? outlier : x)) });
      const { mean, logVariance } = await posteriorWith(3e38);
      expect([...mean, ...logVariance].every(Number.isFinite)).toBe(true);
      expect({ mean, logVariance }).toEqual(await posteriorWith(1e30));
    });

    test('of any company has the bits that it has alone, whatever was known', async () => {
      const check = async (mix: readonly { seed: number; posterior: number; paths: number; times: number }[]) => {
        const random = createRandom(mix[0].seed);
        const [context, others] = [contextOf(random, [5, 1, 9]), contextOf(random, [3, 12])];
        const known = await engine.encode(parameters, others);
        const queries = mix.map((of) => queryOf(createRandom(of.seed), of.posterior, of.paths, of.times));
        const together = await ask(engine, parameters, { context, known, queries });
        expect(together.posterior).toEqual(await engine.encode(parameters, context));
        for (const [i, query] of queries.entries()) {
          const alone = await ask(engine, parameters, { context, known, queries: [query] });
          expect(alone.answers[0]).toEqual(together.answers[i]);
        }
      };
      await fc.assert(fc.asyncProperty(mixes, check), { numRuns: 8 });
    });

    test('are what encode and decode say: bit for bit where σ is 0 or 1, else to 1e-4, the tolerance of the steps', async () => {
      const random = createRandom(3);
      const context = contextOf(random, [6, 11]);
      const unit = { mean: normals(random, 3), logVariance: new Float32Array(3) };
      const queries = [queryOf(random, 1, 37, 21), queryOf(random, 0, 1, 40), queryOf(random, 2, 33, 9)];
      const both = async (asked: PathQuery[]) => {
        const request = { context, known: unit, queries: asked };
        return [await ask(engine, parameters, request), await encodeAndDecode(engine, parameters, request)];
      };
      const still = (query: PathQuery) => ({ ...query, noise: new Float32Array(query.noise.length) });
      const [exact, parted] = await both([still(queries[0]), still(queries[1]), queries[2]]);
      exact.answers.forEach(({ mean, scale, status }, i) => {
        expect(mean).toEqual(parted.answers[i].mean);
        expect(scale).toEqual(parted.answers[i].scale);
        expect(status).toEqual(parted.answers[i].status);
      });
      const [noisy, expected] = await both(queries);
      noisy.answers.forEach(({ mean }, i) => {
        const miss = mean.map((x, at) => Math.abs(x - expected.answers[i].mean[at]));
        expect(Math.max(...miss)).toBeLessThan(1e-4);
      });
    });
  });

  const engine = createFusedEngine(RK4, kernels);

  test('that diverge, or are too far, touch no others', async () => {
    const parameters = parametersOf(RK4);
    const random = createRandom(4);
    const known = { mean: Float32Array.of(0.1, 0.2, 0.3, Number.NaN, 0, 0), logVariance: new Float32Array(6) };
    const [fine, lost, far] = [queryOf(random, 0, 3, 8), queryOf(random, 1, 3, 8), queryOf(random, 0, 2, 2)];
    far.times[1] = 0.25 * (MAX_KNOTS + 2);
    const { answers } = await ask(engine, parameters, { context: NOTHING, known, queries: [lost, fine, far] });
    const alone = await ask(engine, parameters, { context: NOTHING, known, queries: [fine] });
    expect(answers[1]).toEqual(alone.answers[0]);
    expect(answers.map(({ status }) => status)).toEqual([
      ['non-finite', 'non-finite', 'non-finite'],
      ['success', 'success', 'success'],
      ['max-steps', 'max-steps'],
    ]);
    expect([answers[0], answers[2]].every(({ mean, scale }) => [...mean, ...scale].every(Number.isNaN))).toBe(true);
  });

  test('whose decoder leaves the floats have a status and no numbers', async () => {
    const parameters = parametersOf(RK4);
    const { offset, size } = blockOf(RK4, 'decoder.output.weight');
    parameters.fill(3e38, offset, offset + size);
    const known = { mean: Float32Array.of(0.1, 0.2, 0.3), logVariance: new Float32Array(3) };
    for (const draws of [1, 40]) {
      const query = queryOf(createRandom(7), 0, draws, 3);
      const [{ status, mean, scale }] = (await ask(engine, parameters, { context: NOTHING, known, queries: [query] }))
        .answers;
      expect(status).toContain('non-finite');
      const lost = (at: number) => status[at % draws] === 'non-finite';
      expect([mean, scale].every((rows) => rows.every((x, at) => Number.isFinite(x) !== lost(at)))).toBe(true);
    }
  });

  test('are judged where they end, not where the longest in the same tile does', async () => {
    const steep = parametersOf(RK4, 3e8);
    const random = createRandom(5);
    const known = { mean: Float32Array.of(0.1, 0.2, 0.3), logVariance: new Float32Array(3) };
    const [short, long] = [0.2, 40].map((end) => ({ ...queryOf(random, 0, 5, 2), times: Float64Array.of(0, end) }));
    const answersOf = async (queries: PathQuery[]): Promise<readonly PathAnswer[]> =>
      (await ask(engine, steep, { context: NOTHING, known, queries })).answers;
    const [own] = await answersOf([short]);
    expect(await answersOf([short, long])).toEqual([own, (await answersOf([long]))[0]]);
  });

  test('that do not fit the request are refused with a sentence', async () => {
    const parameters = parametersOf(RK4);
    const query = queryOf(createRandom(6), 0, 1, 2);
    const known = { mean: new Float32Array(3), logVariance: new Float32Array(3) };
    const refused: [Partial<PathRequest>, RegExp][] = [
      [{ queries: [{ ...query, posterior: 1 }] }, /starts from posterior 1; there are 1/],
      [{ queries: [{ ...query, noise: new Float32Array(4) }] }, /4 numbers of noise/],
      [{ queries: [{ ...query, times: Float64Array.of(Number.NaN) }] }, /must be finite/],
      [{ queries: [{ ...query, origin: Number.NaN }] }, /origin NaN/],
      [{ known: { mean: new Float32Array(4), logVariance: new Float32Array(4) } }, /whole posteriors/],
    ];
    for (const [change, sentence] of refused) {
      const request = { context: NOTHING, known, queries: [query], ...change };
      await expect(ask(engine, parameters, request)).rejects.toThrow(sentence);
    }
  });
});
