import { describe, expect, it } from 'vitest';
import { quadratureWeights } from '../../../model/ode/adams.ts';
import {
  ab1,
  ab2,
  ab3,
  ab4,
  ab5,
  abm2,
  abm3,
  abm4,
  abm5,
  adamsBashforth,
  constantSteps,
  type FixedController,
  onKnots,
  solve,
} from '../../../model/ode/index.ts';
import { exactProblem } from '../../problems.ts';
import { linspace, optionsFor, relativeError } from './support.ts';

const problem = exactProblem('second order');
const METHODS = [ab1, ab2, ab3, ab4, ab5, abm2, abm3, abm4, abm5];

/** Even grid squeezed towards the start: every step has another length. */
function squeezed(count: number): FixedController {
  return onKnots(linspace(0, 1, count + 1).map((x) => (problem.t1 * (x + 0.5 * x * x)) / 1.5));
}

describe.each(METHODS.map((method) => [method.name, method] as const))('%s', (_name, method) => {
  it.each([
    ['even', constantSteps],
    ['uneven', squeezed],
  ])('observed order within ±0.2 of nominal on an %s grid', (_grid, controllerOf) => {
    const error = (count: number): number => {
      const { ys } = solve({ ...optionsFor(problem), method, controller: controllerOf(count) });
      return relativeError(ys[0], problem.exact(problem.t1));
    };
    expect(Math.abs(Math.log2(error(400) / error(800)) - method.order)).toBeLessThan(0.2);
  });

  it('costs one evaluation a step, two with a corrector, and the Runge–Kutta start', () => {
    const { statistics } = solve({ ...optionsFor(problem), method, controller: constantSteps(100) });
    const perStep = method.name.startsWith('abm') ? 2 : 1;
    const start = method.order - 1;
    expect(statistics.functionEvaluations).toBe(4 * start + perStep * (100 - start));
  });
});

it("the weights at even spacing are Adams's to 1e-14", () => {
  expect(relativeError(quadratureWeights([0, -1, -2, -3]), [55 / 24, -59 / 24, 37 / 24, -9 / 24])).toBeLessThan(1e-14);
  expect(relativeError(quadratureWeights([1, 0, -1, -2]), [9 / 24, 19 / 24, -5 / 24, 1 / 24])).toBeLessThan(1e-14);
});

it('an order that is not there is refused', () => {
  expect(() => adamsBashforth(6)).toThrow(expect.objectContaining({ code: 'bad-method' }));
});
