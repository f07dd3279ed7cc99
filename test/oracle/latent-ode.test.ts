/** The judge is judged: by theory, where theory has a number. */
import { describe, expect, it } from 'vitest';
import { parameterLayout } from '../../model/latent/layout.ts';
import { logNormaliser } from '../../model/latent/likelihood.ts';
import { createRandom } from '../../model/latent/random.ts';
import type { ModelSpec, SolverMethod } from '../../model/latent/spec.ts';
import { createSpec, randomBatch, randomParameters } from '../model/engine/problems.ts';
import { createOracle } from './latent-ode.ts';

const oracleOf = (spec: ModelSpec, parameters: Float32Array) => createOracle(spec, parameterLayout(spec), parameters);

function finalState(method: SolverMethod, knotSpacing: number): readonly number[] {
  const spec = createSpec({}, { method, knotSpacing });
  const parameters = randomParameters(createSpec(), createRandom(1));
  const [row] = oracleOf(spec, parameters).decode({
    z0: Float32Array.of(1, -0.5, 0.25),
    origins: Float64Array.of(0),
    offsets: Int32Array.of(0, 1),
    times: Float64Array.of(2),
  });
  return row.latent;
}

const apart = (a: readonly number[], b: readonly number[]): number => Math.hypot(...a.map((v, i) => v - b[i]));

describe('the oracle', () => {
  it.each([
    ['euler', 1],
    ['midpoint', 2],
    ['reversible-heun', 2],
    ['rk4', 4],
  ] as const)('%s has order %d: half the step, an error as much smaller (to 25 %)', (method, order) => {
    const exact = finalState('rk4', 1 / 256);
    const [coarse, fine] = [1 / 8, 1 / 16].map((h) => apart(finalState(method, h), exact));
    expect(Math.abs(coarse / fine / 2 ** order - 1)).toBeLessThan(0.25);
  });

  it('importance-weighted bound of one sample at β = 1: log p(x|z) + log p(z) − log q(z|x) of that sample (1e-12)', () => {
    const random = createRandom(2);
    const spec = createSpec();
    const [parameters, drawn] = [randomParameters(spec, random), randomBatch(spec, random, 3, 1)];
    const batch = { ...drawn, beta: 1, bound: 'importance-weighted' as const };
    const oracle = oracleOf(spec, parameters);
    const { loss, negativeLogLikelihood } = oracle.loss(batch);
    const logRatio = oracle.posterior(batch.context).flatMap(({ mean, logVariance }, b) =>
      mean.map((m, i) => {
        const epsilon = batch.noise[b * spec.latentSize + i];
        const z = m + Math.exp(logVariance[i] / 2) * epsilon;
        return 0.5 * (epsilon ** 2 - z ** 2 + logVariance[i]);
      }),
    );
    const count = batch.targets.mask.reduce((sum, m) => sum + m, 0);
    const sampled = logRatio.reduce((sum, v) => sum + v, 0) / count;
    expect(Math.abs(loss - (negativeLogLikelihood - sampled))).toBeLessThan(1e-12);
  });

  it('importance-weighted bound is tighter the more samples it has, mean over forty draws', () => {
    const spec = createSpec({ latentSize: 2 }, { knotSpacing: 0.5 });
    const parameters = randomParameters(spec, createRandom(3));
    const [one, ten] = [1, 10].map((draws) => {
      const losses = Array.from({ length: 40 }, (_, i) => {
        const batch = {
          ...randomBatch(spec, createRandom(4), 2, draws),
          beta: 1,
          bound: 'importance-weighted' as const,
        };
        const random = createRandom(i);
        return oracleOf(spec, parameters).loss({ ...batch, noise: batch.noise.map(() => random.normal()) }).loss;
      });
      return losses.reduce((sum, v) => sum + v, 0) / losses.length;
    });
    expect(ten).toBeLessThan(one);
  });

  it("a Student-t's integral gives the constant of its formula (1e-6), a Gaussian's is ½ log 2π", () => {
    for (const degreesOfFreedom of [2.1, 3.5, 40]) {
      const decoder = { units: 1, likelihood: 'student-t', degreesOfFreedom } as const;
      let integral = 0;
      for (let i = 0; i < 40_000; i++) {
        const angle = ((i + 0.5) / 40_000 - 0.5) * Math.PI;
        const x = Math.tan(angle);
        integral +=
          ((1 + (x * x) / degreesOfFreedom) ** (-(degreesOfFreedom + 1) / 2) / Math.cos(angle) ** 2) * Math.PI;
      }
      expect(Math.abs(logNormaliser(decoder) + Math.log(integral / 40_000))).toBeLessThan(1e-6);
    }
    expect(logNormaliser({ units: 1, likelihood: 'gaussian' })).toBe(-0.5 * Math.log(2 * Math.PI));
  });

  it('an ODE-RNN whose field is zero is a GRU, to the bit', () => {
    const random = createRandom(5);
    const gru = createSpec();
    const odeRnn = createSpec({ encoder: { kind: 'ode-rnn', units: 5, clock: 'gap', drift: { units: 4, steps: 3 } } });
    const [parameters, { context }] = [randomParameters(gru, random), randomBatch(gru, random)];
    const widened = new Float32Array(parameterLayout(odeRnn).size);
    for (const { name, offset, size } of parameterLayout(odeRnn).blocks) {
      const from = parameterLayout(gru).blocks.find((block) => block.name === name);
      if (from !== undefined) widened.set(parameters.subarray(from.offset, from.offset + size), offset);
    }
    expect(oracleOf(odeRnn, widened).posterior(context)).toEqual(oracleOf(gru, parameters).posterior(context));
  });
});
