import { describe, expect, it } from 'vitest';
import { createStepControl, type StepControl, updateLength } from '../../../model/ode/controller.ts';
import {
  adaptive,
  constantStep,
  dopri5,
  euler,
  float64Space,
  float64SpaceWith,
  integral,
  kvaerno5,
  leapfrog,
  onKnots,
  pi,
  pid,
  rk4,
  solve,
  tsit5,
} from '../../../model/ode/index.ts';
import { stabilityBoundary } from '../../../model/ode/tableau.ts';
import { exactProblem } from '../../problems.ts';
import { optionsFor, relativeError } from './support.ts';

const VAN_DER_POL = {
  space: float64Space,
  field: { evaluate: (_t: number, [y, v]: Float64Array) => Float64Array.of(v, 1000 * ((1 - y * y) * v - y)) },
  parameters: null,
  y0: Float64Array.of(2, 0),
  t0: 0,
};

function factorAfter(control: StepControl, ratio: number): number {
  updateLength(control, { ratio });
  return control.factor;
}

describe('step factors', () => {
  it('an integral controller is the textbook: safety·error^(−1/order), within its limits', () => {
    const controller = integral();
    const factor = (ratio: number) => factorAfter(createStepControl(controller, 5, 0.1), ratio);
    expect(factor(0.5)).toBeCloseTo(0.9 * 0.5 ** -0.2, 12);
    expect(factor(1e-9)).toBe(10);
    expect(factor(4)).toBeCloseTo(0.9 * 4 ** -0.2, 12);
    expect(factor(1e9)).toBe(0.2);
    expect(factor(Number.NaN)).toBe(0.2);
  });

  it('a step after a rejection does not grow', () => {
    const control = createStepControl(pi(), 5, 0.1);
    factorAfter(control, 3);
    expect(factorAfter(control, 1e-6)).toBe(1);
    expect(factorAfter(control, 1e-6)).toBeGreaterThan(1);
  });
});

describe('controllers keep the error near the tolerance: the same problem, 1e-6 to within 1e-5', () => {
  const problem = exactProblem('second order');
  it.each([
    ['I', integral({ rtol: 1e-6 })],
    ['PI', pi({ rtol: 1e-6 })],
    ['PID', pid({ rtol: 1e-6 })],
    ['own exponents', adaptive([0.6, -0.2, 0], { rtol: 1e-6 })],
    ['bounded steps', pi({ rtol: 1e-6, maxStep: 0.1, firstStep: 0.01 })],
  ])('%s', (_name, controller) => {
    const solution = solve({ ...optionsFor(problem), controller, saveAt: { steps: true } });
    expect(relativeError(solution.ys.at(-1) ?? [], problem.exact(problem.t1))).toBeLessThan(1e-5);
    const longest = Math.max(...solution.times.slice(1).map((t, i) => t - solution.times[i]));
    expect(longest).toBeLessThanOrEqual(controller.maxStep * 1.011);
    expect(solution.statistics.rejected).toBeLessThan(0.2 * solution.statistics.accepted);
  });
});

describe('fixed grids', () => {
  it('constantStep: n·h without drift, the last step shorter', () => {
    expect([...constantStep(0.4).grid(0, 1)]).toEqual([0, 0.4, 0.8, 1]);
    expect(constantStep(0.1).grid(0, 10)).toHaveLength(101);
    expect([...constantStep(0.4).grid(1, 0)]).toEqual([1, 0.6, expect.closeTo(0.2, 12), 0]);
    expect([...constantStep(0.4).grid(1, 1)]).toEqual([1]);
  });

  it('onKnots: knots inside the span, both ways, each interval cut evenly', () => {
    expect([...onKnots([3, 1, 2, 2, 9], 2).grid(0.5, 2.5)]).toEqual([0.5, 0.75, 1, 1.5, 2, 2.25, 2.5]);
    expect([...onKnots([1, 2]).grid(3, 0)]).toEqual([3, 2, 1, 0]);
  });
});

describe('norms', () => {
  const ratio = (space: typeof float64Space) =>
    space.errorRatio(Float64Array.of(3e-6, 4e-6), Float64Array.of(1, 0), Float64Array.of(-2, 1), 1e-6, 1e-6);

  it('rms, max, weights, and tolerances of each component', () => {
    expect(ratio(float64Space)).toBeCloseTo(Math.sqrt((1 + 4) / 2), 12);
    expect(ratio(float64SpaceWith({}))).toBeCloseTo(Math.sqrt((1 + 4) / 2), 12);
    expect(ratio(float64SpaceWith({ kind: 'max' }))).toBeCloseTo(2, 12);
    expect(ratio(float64SpaceWith({ kind: 'max', weights: [4, 1] }))).toBeCloseTo(4, 12);
    expect(ratio(float64SpaceWith({ kind: 'max', atolScale: [1, 3], rtolScale: [1, 1] }))).toBeCloseTo(1, 12);
  });

  it('a NaN in any component is NaN in every norm', () => {
    const bad = [Float64Array.of(1, Number.NaN), Float64Array.of(1, 1), Float64Array.of(1, 1)] as const;
    for (const space of [float64Space, float64SpaceWith({ kind: 'max' })]) {
      expect(space.errorRatio(...bad, 1, 1)).toBeNaN();
    }
  });

  it('a component that does not count does not shorten steps', () => {
    const problem = { ...optionsFor(exactProblem('second order')), controller: pi({ rtol: 1e-9 }) };
    const loose = solve({ ...problem, space: float64SpaceWith({ weights: [1e-6, 1e-6] }) });
    expect(loose.statistics.accepted).toBeLessThan(solve(problem).statistics.accepted / 2);
  });
});

describe('stiffness', () => {
  it.each([
    ['dopri5', dopri5, 3.31],
    ['tsit5', tsit5, 3.51],
    ['rk4', rk4, 2.785],
    ['euler', euler, 2],
  ] as const)(
    'the stability boundary of %s on the negative real axis is the known one within 0.02',
    (_name, method, boundary) => {
      expect(Math.abs(stabilityBoundary(method.tableau) - boundary)).toBeLessThan(0.02);
    },
  );

  it.each([
    ['dopri5', dopri5],
    ['tsit5', tsit5],
  ])('%s sees it on a stiff Van der Pol and not on mild problems', (_name, method) => {
    const stiff = solve({ ...VAN_DER_POL, t1: 2, method, maxSteps: 3000 });
    expect(stiff.statistics.looksStiff).toBe(true);
    expect(stiff.advice).toContain('kvaerno5');
    for (const name of ['second order', 'linear', 'sine squared']) {
      const mild = solve({ ...optionsFor(exactProblem(name)), method, controller: pi({ rtol: 1e-8 }) });
      expect(mild.statistics.looksStiff).toBe(false);
      expect(mild.advice).toBeUndefined();
    }
  });

  it('the advice works: kvaerno5 takes a tenth of the steps and a third of the evaluations, to 1e-4 of the truth', () => {
    const loose = pi({ rtol: 1e-4, atol: 1e-6 });
    const truth = solve({ ...VAN_DER_POL, t1: 0.5, controller: pi({ rtol: 1e-10, atol: 1e-12 }) });
    const implicit = solve({ ...VAN_DER_POL, t1: 0.5, method: kvaerno5, controller: loose });
    const explicit = solve({ ...VAN_DER_POL, t1: 0.5, controller: loose });
    expect(relativeError(implicit.ys[0], truth.ys[0])).toBeLessThan(1e-4);
    expect(implicit.statistics.accepted).toBeLessThan(explicit.statistics.accepted / 10);
    expect(implicit.statistics.functionEvaluations).toBeLessThan(explicit.statistics.functionEvaluations / 3);
  });

  it('leapfrog under a controller does not finish a damped problem and says why, at a time that can be read', () => {
    const damped = { ...VAN_DER_POL, field: { evaluate: (_t: number, y: Float64Array) => y.map((v) => -v) }, t1: 20 };
    const { status, advice } = solve({ ...damped, method: leapfrog, maxSteps: 20_000 });
    expect(status).toBe('max-steps');
    expect(advice).toMatch(/leapfrog is not stable on a damped field/);
    expect(advice).toMatch(/at t = [\d.e-]{1,9}\. /);
  });

  it('every failure comes with a sentence that names the time', () => {
    const squared = {
      ...VAN_DER_POL,
      field: { evaluate: (_t: number, y: Float64Array) => y.map((v) => v * v) },
      t1: 2,
    };
    expect(solve(squared).advice).toMatch(/t = 0\.5/);
    expect(solve({ ...squared, maxSteps: 3 }).advice).toMatch(/maxSteps/);
    const root = { evaluate: (_t: number, y: Float64Array) => y.map((v) => 3 * v ** (2 / 3)) };
    // y' = 3y^(2/3): not unique at 0; from −1 the solver must not pass 0 into NaN.
    expect(solve({ ...squared, field: root, y0: Float64Array.of(-1) }).advice).toMatch(/t = /);
  });
});
