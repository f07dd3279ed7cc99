/** Solvers on immutable states that are freed by hand: nothing is read after it was freed, nothing is left behind. */
import { describe, expect, it } from 'vitest';
import {
  abm4,
  adjoint,
  backprop,
  type Controller,
  checkpointed,
  constantSteps,
  dop853,
  dopri5,
  euler,
  float64Space,
  type Gradient,
  leapfrog,
  type Method,
  onKnots,
  pi,
  reversible,
  rk4,
  type SaveAt,
  solve,
  solveWithGradient,
  type VectorField,
} from '../../../model/ode/index.ts';
import { neuralField } from './support.ts';
import { createTrackedSpace, type Tracked, type TrackedSpace } from './tracked-space.ts';

/** The same field on tracked states; it leaves a scrap behind, as composed tensor operations do. */
function trackedField(space: TrackedSpace): VectorField<Tracked, Tracked> {
  const { evaluate, vjp } = neuralField;
  return {
    evaluate: (t, y, p) => {
      space.create([0]);
      return space.create(evaluate(t, space.read(y), space.read(p)));
    },
    vjp: (t, y, p, g) => {
      space.create([0]);
      const pulled = vjp?.(t, space.read(y), space.read(p), space.read(g));
      if (pulled === undefined) throw new Error('the neural field has a vjp');
      return { y: space.create(pulled.y), parameters: space.create(pulled.parameters) };
    },
  };
}

const START = [1, 0.5];
const PARAMETERS = [-0.3, 1.1, -1.2, -0.4, 0.7, -0.2];
const CASES: [string, Method, Controller][] = [
  ['euler', euler, constantSteps(5)],
  ['abm4', abm4, constantSteps(8)],
  ['leapfrog', leapfrog, constantSteps(8)],
  ['leapfrog, adaptive', leapfrog, pi({ rtol: 1e-3 })],
  ['rk4 on knots', rk4, onKnots([0, 0.5, 1, 2])],
  ['dop853', dop853, pi({ rtol: 1e-8 })],
  ['dopri5', dopri5, pi({ rtol: 1e-6 })],
  ['dopri5 with rejections', dopri5, pi({ rtol: 1e-9, firstStep: 2 })],
];
const SAVES: [string, SaveAt][] = [
  ['times', { times: [2, 0.3, 0, 0.3] }],
  ['steps', { steps: true }],
  ['final', { final: true }],
];

/** The gradient modes that a method has. */
function modesOf(method: Method): Gradient[] {
  const exact = method.pull ? [backprop(), checkpointed({ checkpoints: 3 })] : [];
  return [adjoint(), ...exact, ...(method.retrace ? [reversible()] : [])];
}

describe.each(CASES)('%s', (_name, method, controller) => {
  const common = { method, controller, t0: 0, t1: 2 };
  const host = { space: float64Space, parameterSpace: float64Space, field: neuralField };
  const hostOptions = { ...host, parameters: Float64Array.from(PARAMETERS), y0: Float64Array.from(START), ...common };

  it.each(SAVES)('%s: the same numbers as on the host, and only the solution stays', (_save, saveAt) => {
    const space = createTrackedSpace();
    const [y0, parameters] = [space.create(START), space.create(PARAMETERS)];
    const solution = solve({ space, field: trackedField(space), y0, parameters, saveAt, ...common });
    expect(solution.ys.map((y) => space.read(y))).toEqual([...solve({ ...hostOptions, saveAt }).ys]);
    expect(space.alive()).toBe(2 + solution.ys.length);
  });

  for (const gradient of modesOf(method)) {
    it.each(SAVES)(
      `${gradient.name} over %s: as on the host, and only the solution and gradients stay`,
      (_save, saveAt) => {
        const space = createTrackedSpace();
        const [y0, parameters] = [space.create(START), space.create(PARAMETERS)];
        const options = { space, parameterSpace: space, field: trackedField(space), y0, parameters, saveAt, ...common };
        const solved = solveWithGradient({ ...options, gradient });
        const ones = solved.solution.ys.map(() => space.create([1, 1]));
        const result = solved.pullback(ones);
        solved.dispose();
        const expected = solveWithGradient({ ...hostOptions, saveAt, gradient });
        const onHost = expected.pullback(expected.solution.ys.map(() => Float64Array.of(1, 1)));
        expect(space.read(result.y0)).toEqual(onHost.y0);
        expect(space.read(result.parameters)).toEqual(onHost.parameters);
        expect(space.alive()).toBe(2 + 2 * ones.length + 2);
      },
    );
  }

  it('dense output, read here and there: only what was read stays', () => {
    const space = createTrackedSpace();
    const [y0, parameters] = [space.create(START), space.create(PARAMETERS)];
    const options = { space, field: trackedField(space), y0, parameters, ...common };
    const solution = solve({ ...options, saveAt: { dense: true } });
    const onHost = solve({ ...hostOptions, saveAt: { dense: true } });
    for (const t of [0, 0.7, 1.3, 2]) expect(solution.at && space.read(solution.at(t))).toEqual(onHost.at?.(t));
    solution.dispose?.();
    expect(space.alive()).toBe(2 + 1 + 4);
  });

  for (const gradient of modesOf(method)) {
    it(`a failed ${gradient.name} leaves nothing but NaN`, () => {
      const space = createTrackedSpace();
      const [y0, parameters] = [space.create(START), space.create(PARAMETERS)];
      const field = trackedField(space);
      const options = { space, parameterSpace: space, field, y0, parameters, ...common, maxSteps: 2, gradient };
      const { solution, pullback, dispose } = solveWithGradient(options);
      pullback([space.create([1, 1])]);
      dispose();
      expect(solution.status).toBe('max-steps');
      expect(space.alive()).toBe(2 + 1 + 1 + 2);
    });
  }

  it('a failed solve leaves nothing either', () => {
    const space = createTrackedSpace();
    const [y0, parameters] = [space.create(START), space.create(PARAMETERS)];
    const options = { space, field: trackedField(space), y0, parameters, ...common, maxSteps: 1 };
    expect(solve({ ...options, saveAt: { times: [1, 2] } }).status).toBe('max-steps');
    expect(space.alive()).toBe(4);
  });
});

describe('memory: most states alive at once in a solve and its gradient, beside its start and its end', () => {
  /** Of leapfrog, which has every mode. */
  function peakOf(gradient: Gradient, steps: number): number {
    const space = createTrackedSpace();
    const [y0, parameters] = [space.create(START), space.create(PARAMETERS)];
    const controller = constantSteps(steps);
    const options = { space, parameterSpace: space, field: trackedField(space), y0, parameters, t0: 0, t1: 2 };
    const { pullback } = solveWithGradient({ ...options, method: leapfrog, controller, gradient });
    pullback([space.create([1, 1])]);
    return space.takePeak();
  }

  it.each([
    ['adjoint', adjoint()],
    ['reversible', reversible()],
    ['checkpointed(5)', checkpointed({ checkpoints: 5 })],
  ])('%s: no more in 400 steps than in 50', (_name, gradient) => {
    expect(peakOf(gradient, 400)).toBe(peakOf(gradient, 50));
  });

  it('checkpointed: two states a checkpoint of a method that carries its slope', () => {
    const [five, nine] = [5, 9].map((checkpoints) => peakOf(checkpointed({ checkpoints }), 400));
    expect(nine - five).toBe(2 * 4);
  });

  it('backprop: two states a step', () => {
    expect(peakOf(backprop(), 400) - peakOf(backprop(), 50)).toBe(2 * 350);
  });
});
