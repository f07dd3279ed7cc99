/** The gradients beside one another, where differences say too little: same step, same bytes, less loss. */
import { expect, it } from 'vitest';
import { initialParameters } from '../../../../model/latent/initial-parameters.ts';
import { createRandom } from '../../../../model/latent/random.ts';
import { type GradientMode, type ModelSpec, SOLVER_METHODS } from '../../../../model/latent/spec.ts';
import { createSpec, randomBatch, randomParameters, randomRagged } from '../problems.ts';
import { smallProblem, solved } from './solved-problems.ts';
import { distance, relative, type Subject } from './under-test.ts';

const withGradient = (spec: ModelSpec, gradient: GradientMode): ModelSpec => {
  return { ...spec, solver: { ...spec.solver, gradient } };
};

const deep = createSpec({ dynamics: { units: 8, depth: 2, periodsMs: [86_400_000] } }, { knotSpacing: 0.125 });

const forty = createSpec({}, { method: 'reversible-heun', knotSpacing: 0.05, gradient: 'checkpointed' });

export function gradientCases(subject: Subject): void {
  it('adjoint is backprop on rk4 at sixteen steps (1e-4 of the norm), and the losses are the same', async () => {
    const random = createRandom(21);
    const [parameters, batch] = [randomParameters(deep, random), randomBatch(deep, random)];
    const direct = await (await subject.open(deep)).lossAndGradient(parameters, batch);
    const adjoint = await (await subject.open(withGradient(deep, 'adjoint'))).lossAndGradient(parameters, batch);
    expect(adjoint.loss).toBe(direct.loss);
    expect(distance(adjoint.gradient, direct.gradient)).toBeLessThan(1e-4);
  });

  it.for(SOLVER_METHODS.filter((method) => subject.runs({ ...deep, solver: { ...deep.solver, method } })))(
    '%s: checkpointed is backprop (1e-5 of the norm), and the losses are the same',
    async (method) => {
      const random = createRandom(26);
      const spec = { ...deep, solver: { ...deep.solver, method } };
      const [parameters, batch] = [randomParameters(spec, random), randomBatch(spec, random)];
      const [kept, again] = await Promise.all(
        (['backprop', 'checkpointed'] as const).map(async (gradient) =>
          (await subject.open(withGradient(spec, gradient))).lossAndGradient(parameters, batch),
        ),
      );
      expect(again.loss).toBe(kept.loss);
      expect(distance(again.gradient, kept.gradient)).toBeLessThan(1e-5);
    },
  );

  if (subject.runs(forty)) reversibleCase(subject);

  it.for(['dopri5', 'tsit5'] as const)(
    '%s at rtol 1e-6, every gradient: loss 1e-5, gradient 1e-3 of its norm',
    async (method) => {
      const spec = createSpec({ encoder: { kind: 'gru', units: 3, clock: 'gap' } }, { method });
      const problem = () => smallProblem(spec, 22, {}, 1);
      const { parameters, batch, expected, gradient } = solved('adaptive', problem);
      for (const mode of ['adjoint', 'checkpointed', 'backprop'] as const) {
        const engine = await subject.open(withGradient(spec, mode));
        const result = await engine.lossAndGradient(parameters, batch);
        expect(result.status).toBe('success');
        expect(relative(result.loss, expected.loss)).toBeLessThan(1e-5);
        expect(distance(result.gradient, gradient)).toBeLessThan(1e-3);
      }
    },
  );

  it('evaluations are counted, of each trajectory where it has its own steps', async () => {
    const random = createRandom(28);
    const spec = createSpec({}, { method: 'tsit5', gradient: 'checkpointed' });
    const [parameters, batch] = [randomParameters(spec, random), randomBatch(spec, random, 4, 3)];
    const { statistics } = await (await subject.open(spec)).lossAndGradient(parameters, batch);
    const { forwardEvaluations, backwardEvaluations, forwardByTrajectory, backwardByTrajectory } = statistics;
    for (const [total, each] of [
      [forwardEvaluations, forwardByTrajectory],
      [backwardEvaluations, backwardByTrajectory],
    ] as const) {
      expect(total).toBeGreaterThan(0);
      if (each === undefined) continue;
      expect(each.length).toBe(12);
      expect(each.every((count) => count >= 0 && count <= total)).toBe(true);
      expect(Math.max(...each)).toBeGreaterThan(0);
    }
  });

  it('same inputs, same bytes, also when asked side by side', async () => {
    const random = createRandom(23);
    const spec = createSpec();
    const engine = await subject.open(spec);
    const [parameters, batch] = [randomParameters(spec, random), randomBatch(spec, random)];
    const [first, second] = await Promise.all([
      engine.lossAndGradient(parameters, batch),
      engine.lossAndGradient(parameters, batch),
    ]);
    expect(second.loss).toBe(first.loss);
    expect(second.gradient).toEqual(first.gradient);
  });

  it('a batch without any target is the KL alone', async () => {
    const random = createRandom(24);
    const spec = createSpec();
    const [parameters, batch] = [randomParameters(spec, random), randomBatch(spec, random)];
    const targets = randomRagged(spec, random, { lengths: [0, 0, 0, 0], from: 0, to: 1, observed: 1 });
    const nothing = { ...batch, targets, bound: 'elbo' as const };
    const result = await (await subject.open(spec)).lossAndGradient(parameters, nothing);
    expect(result.status).toBe('success');
    expect(result.negativeLogLikelihood).toBe(0);
    expect(relative(result.loss, batch.beta * result.kl)).toBeLessThan(1e-12);
  });

  it.for(['elbo', 'importance-weighted'] as const)(
    'plain gradient descent from the initial parameters lowers the loss, %s',
    async (bound) => {
      const random = createRandom(25);
      const spec = createSpec();
      const engine = await subject.open(spec);
      const batch = { ...randomBatch(spec, random, 4, 2), beta: 0.01, bound };
      let parameters = initialParameters(spec, random);
      const first = (await engine.lossAndGradient(parameters, batch)).loss;
      for (let i = 0; i < 60; i++) {
        const { gradient } = await engine.lossAndGradient(parameters, batch);
        parameters = parameters.map((p, j) => p - 0.03 * gradient[j]);
      }
      expect((await engine.lossAndGradient(parameters, batch)).loss).toBeLessThan(0.8 * first);
    },
  );
}

function reversibleCase(subject: Subject): void {
  it('reversible Heun over forty steps: reversible is checkpointed (1e-4 of the norm)', async () => {
    const random = createRandom(27);
    const [parameters, batch] = [randomParameters(forty, random), randomBatch(forty, random)];
    const kept = await (await subject.open(forty)).lossAndGradient(parameters, batch);
    const inverted = await subject.open(withGradient(forty, 'reversible'));
    const { gradient } = await inverted.lossAndGradient(parameters, batch);
    expect(distance(gradient, kept.gradient)).toBeLessThan(1e-4);
  });
}
