/** Loss, gradient, posterior and path are the oracle's: on random specs of every kind, and on each option by name. */
import { expect, it } from 'vitest';
import type { TrainingBatch } from '../../../../model/latent/batch.ts';
import { parameterLayout } from '../../../../model/latent/layout.ts';
import { createRandom } from '../../../../model/latent/random.ts';
import type { ModelSpec, SolverSpec } from '../../../../model/latent/spec.ts';
import { createOracle } from '../../../oracle/latent-ode.ts';
import { createSpec, randomBatch, randomParameters, randomSpec } from '../problems.ts';
import { randomProblem, smallProblem, solved } from './solved-problems.ts';
import { distance, relative, type Subject } from './under-test.ts';

const SEEDS = Array.from({ length: 10 }, (_, i) => i + 1);

export function oracleCases(subject: Subject): void {
  const seedsFrom = (first: number) => SEEDS.filter((seed) => subject.runs(randomSpec(createRandom(first + seed))));
  const options = OPTIONS.filter((option) => subject.runs(specOf(option)));

  it.for(seedsFrom(0))(
    "loss, its parts and gradient are the oracle's, random model %i (1e-5; gradient 1e-4 of its norm)",
    async (seed) => {
      const { spec, parameters, batch, expected, gradient } = solved(`random ${seed}`, () => {
        const random = createRandom(seed);
        return randomProblem(randomSpec(random), random);
      });
      const result = await (await subject.open(spec)).lossAndGradient(parameters, batch);
      expect(result.status).toBe('success');
      expect(relative(result.loss, expected.loss)).toBeLessThan(1e-5);
      expect(relative(result.negativeLogLikelihood, expected.negativeLogLikelihood)).toBeLessThan(1e-5);
      expect(relative(result.kl, expected.kl)).toBeLessThan(1e-5);
      expect(distance(result.gradient, gradient)).toBeLessThan(1e-4);
    },
  );

  it.for(seedsFrom(100))("posterior is the oracle's, random model %i (1e-5 of its norm)", async (seed) => {
    const random = createRandom(100 + seed);
    const spec = randomSpec(random);
    const [parameters, { context }] = [randomParameters(spec, random), randomBatch(spec, random)];
    const expected = createOracle(spec, parameterLayout(spec), parameters).posterior(context);
    const posterior = await (await subject.open(spec)).encode(parameters, context);
    const of = (part: 'mean' | 'logVariance') => expected.flatMap((sample) => [...sample[part]]);
    expect(distance(posterior.mean, of('mean'))).toBeLessThan(1e-5);
    expect(distance(posterior.logVariance, of('logVariance'))).toBeLessThan(1e-5);
  });

  it.for(options)("%s: loss and gradient are the oracle's (1e-5; gradient 1e-4 of its norm)", async (option) => {
    const [name, , , batchChanges, draws] = option;
    const problem = () => smallProblem(specOf(option), 300, batchChanges, draws);
    const { spec, parameters, batch, expected, gradient } = solved(name, problem);
    const result = await (await subject.open(spec)).lossAndGradient(parameters, batch);
    expect(result.status).toBe('success');
    expect(relative(result.loss, expected.loss)).toBeLessThan(1e-5);
    expect(distance(result.gradient, gradient)).toBeLessThan(1e-4);
  });
}

type Option = readonly [
  name: string,
  spec: Partial<Omit<ModelSpec, 'solver'>>,
  solver?: Partial<SolverSpec>,
  batch?: Partial<TrainingBatch>,
  draws?: number,
];

/** Differences cost with the square of a model's size. */
const SMALL: Partial<ModelSpec> = {
  latentSize: 2,
  encoder: { kind: 'gru', units: 3, clock: 'gap' },
  dynamics: { units: 4, depth: 1, periodsMs: [] },
  decoder: { units: 3, likelihood: 'gaussian' },
};

const specOf = ([, changes, solver]: Option): ModelSpec => createSpec({ ...SMALL, ...changes }, solver);

const odeRnn = (clock: 'gap' | 'elapsed', units: number, steps: number) =>
  ({ encoder: { kind: 'ode-rnn', units: 3, clock, drift: { units, steps } } }) as const;

const student = (degreesOfFreedom: number) =>
  ({ decoder: { units: 3, likelihood: 'student-t', degreesOfFreedom } }) as const;

const importanceWeighted = (draws: number): Option => [
  `importance-weighted bound of ${draws} samples`,
  draws % 2 === 0 ? {} : student(4),
  {},
  { bound: 'importance-weighted', beta: draws === 1 ? 1 : 0.5 },
  draws,
];

const OPTIONS: readonly Option[] = [
  ['GRU, Gaussian, elbo', {}, {}, { bound: 'elbo' }],
  ['ODE-RNN, one step a gap', odeRnn('gap', 2, 1)],
  ['ODE-RNN, three steps a gap, elapsed time', odeRnn('elapsed', 4, 3)],
  ['Student-t, 2.1 degrees of freedom', student(2.1), {}, { bound: 'elbo' }],
  ['Student-t, 100 degrees of freedom', student(100), {}, { bound: 'elbo' }],
  ...[1, 2, 3, 4, 5].map(importanceWeighted),
  ['reversible Heun, checkpointed', {}, { method: 'reversible-heun', gradient: 'checkpointed' }],
  ['reversible Heun, reversible', {}, { method: 'reversible-heun', gradient: 'reversible' }],
  ['rk4, checkpointed', {}, { gradient: 'checkpointed' }],
];
