/** Problems with the oracle's answers. Differences cost two losses a parameter: worked out once, for all engines. */
import type { TrainingBatch } from '../../../../model/latent/batch.ts';
import { parameterLayout } from '../../../../model/latent/layout.ts';
import { createRandom, type Random } from '../../../../model/latent/random.ts';
import type { ModelSpec } from '../../../../model/latent/spec.ts';
import { createOracle, gradientByDifferences, type Oracle } from '../../../oracle/latent-ode.ts';
import { randomBatch, randomParameters } from '../problems.ts';

export interface Problem {
  readonly spec: ModelSpec;
  readonly parameters: Float32Array;
  readonly batch: TrainingBatch;
}

export interface SolvedProblem extends Problem {
  readonly expected: ReturnType<Oracle['loss']>;
  readonly gradient: Float64Array;
}

export function randomProblem(spec: ModelSpec, random: Random): Problem {
  return { spec, parameters: randomParameters(spec, random), batch: randomBatch(spec, random) };
}

const SOLVED = new Map<string, SolvedProblem>();

/** @param name of the problem, in the whole test file */
export function solved(name: string, create: () => Problem): SolvedProblem {
  const known = SOLVED.get(name);
  if (known !== undefined) return known;
  const problem = create();
  const { spec, parameters, batch } = problem;
  const layout = parameterLayout(spec);
  const expected = createOracle(spec, layout, parameters).loss(batch);
  const answer = { ...problem, expected, gradient: gradientByDifferences(spec, layout, parameters, batch) };
  SOLVED.set(name, answer);
  return answer;
}

/** The same problem, in small: two samples, so that differences stay cheap where nothing else is to be shown. */
export function smallProblem(spec: ModelSpec, seed: number, changes: Partial<TrainingBatch> = {}, draws = 2): Problem {
  const random = createRandom(seed);
  const parameters = randomParameters(spec, random);
  return { spec, parameters, batch: { ...randomBatch(spec, random, 3, draws), ...changes } };
}
