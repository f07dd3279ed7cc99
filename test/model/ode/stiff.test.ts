import { describe, expect, it } from 'vitest';
import { factorize } from '../../../model/ode/dense-lu.ts';
import {
  adjoint,
  backprop,
  constantSteps,
  dopri5,
  fieldOf,
  float64Space,
  kvaerno5,
  type Method,
  pi,
  rodas4,
  solve,
  solveWithGradient,
} from '../../../model/ode/index.ts';
import { exactProblem, seededRandom } from '../../problems.ts';
import { differences, linspace, neuralField, optionsFor, relativeError } from './support.ts';
import { createTrackedSpace } from './tracked-space.ts';

const STIFF: readonly (readonly [string, Method])[] = [
  ['kvaerno5', kvaerno5],
  ['rodas4', rodas4],
];

/** Robertson 1966: rate constants from 0.04 to 3e7. The reference at t = 40 is Hairer and Wanner's II, IV.10. */
const robertson = {
  space: float64Space,
  field: {
    evaluate: (_t: number, [a, b, c]: Float64Array) => {
      const first = -0.04 * a + 1e4 * b * c;
      const third = 3e7 * b * b;
      return Float64Array.of(first, -first - third, third);
    },
  },
  parameters: null,
  y0: Float64Array.of(1, 0, 0),
  t0: 0,
  t1: 40,
};
const ROBERTSON_AT_40 = [0.7158270688, 9.185534765e-6, 0.2841637457];

describe.each(STIFF)('%s', (_name, method) => {
  const errorAt = (name: string, count: number): number => {
    const problem = exactProblem(name);
    const { ys } = solve({ ...optionsFor(problem), method, controller: constantSteps(count) });
    return relativeError(ys[0], problem.exact(problem.t1));
  };

  it('observed order within ±0.25 of nominal; a field that depends on time to 1e-7 in 160 steps', () => {
    const order = Math.log2(errorAt('second order', 20) / errorAt('second order', 40));
    expect(Math.abs(order - method.order)).toBeLessThan(0.25);
    expect(errorAt('sine squared', 160)).toBeLessThan(1e-7);
  });

  it('solves Robertson to 1e-5 in few steps where dopri5 needs hundreds of times as many', () => {
    const controller = pi({ rtol: 1e-6, atol: 1e-10 });
    const solution = solve({ ...robertson, method, controller });
    expect(solution.status).toBe('success');
    solution.ys[0].forEach((value, i) => {
      expect(Math.abs(value / ROBERTSON_AT_40[i] - 1)).toBeLessThan(1e-5);
    });
    expect(solution.statistics.accepted).toBeLessThan(200);
    const explicit = solve({ ...robertson, method: dopri5, controller, maxSteps: 20_000 });
    expect(explicit.statistics.accepted).toBeGreaterThan(50 * solution.statistics.accepted);
  });

  it("is not held back by y' = −10⁶(y − cos t) − sin t: 2e-8 at the end, 1e-4 between, in 200 evaluations", () => {
    const evaluate = (t: number, [y]: Float64Array) => Float64Array.of(-1e6 * (y - Math.cos(t)) - Math.sin(t));
    const times = linspace(0, 1.5, 7);
    const options = { ...robertson, field: { evaluate }, y0: Float64Array.of(1), t1: 1.5, method };
    const { ys, statistics } = solve({ ...options, controller: pi({ rtol: 1e-6 }), saveAt: { times } });
    const errors = ys.map(([y], i) => Math.abs(y - Math.cos(times[i])));
    expect(errors.at(-1)).toBeLessThan(2e-8);
    expect(Math.max(...errors)).toBeLessThan(1e-4);
    expect(statistics.functionEvaluations).toBeLessThan(200);
  });

  it('its Jacobian is the exact one where the field has a jvp: the same path to 1e-7, no differences of its values', () => {
    const formula = fieldOf(({ add, sub, mul, neg }, _t, [a, b, c]) => {
      const first = add(mul(-0.04, a), mul(1e4, mul(b, c)));
      const third = mul(3e7, mul(b, b));
      return [first, sub(neg(first), third), third];
    });
    let products = 0;
    const counted = {
      evaluate: formula.evaluate,
      jvp: (...given: Parameters<NonNullable<typeof formula.jvp>>) => {
        products++;
        return formula.jvp?.(...given) ?? given[1];
      },
    };
    const common = { ...robertson, method, controller: pi({ rtol: 1e-8, atol: 1e-12 }) };
    const exact = solve({ ...common, field: counted, parameters: new Float64Array(0) });
    expect(products).toBeGreaterThan(0);
    expect(relativeError(exact.ys[0], solve(common).ys[0])).toBeLessThan(1e-7);
  });

  it('needs a space that can linearize', () => {
    const space = createTrackedSpace();
    const field = { evaluate: (_t: number, y: ReturnType<typeof space.create>) => y };
    const act = () => solve({ space, field, parameters: null, y0: space.create([1]), t0: 0, t1: 1, method });
    expect(act).toThrow(expect.objectContaining({ code: 'bad-method' }));
  });
});

describe('between steps', () => {
  const problem = exactProblem('second order');
  const worst = (method: Method, h: number): number => {
    const asked = linspace(0.5, 0.5 + h, 21);
    const options = { ...optionsFor(problem, [0.5, 0.5 + h]), method, controller: constantSteps(1) };
    const { ys } = solve({ ...options, saveAt: { times: asked } });
    return Math.max(...ys.map((y, i) => relativeError(y, problem.exact(asked[i]))));
  };

  it.each([
    ['kvaerno5', kvaerno5, 5],
    ['rodas4', rodas4, 4],
  ] as const)('the error of %s inside one step falls as h to the order + 1, within ±0.4', (_name, method, power) => {
    expect(Math.abs(Math.log2(worst(method, 0.1) / worst(method, 0.05)) - power)).toBeLessThan(0.4);
  });

  it.each([...STIFF])(
    '%s errs by less than four times the tolerance anywhere, at 1e-4, 1e-6 and 1e-8',
    (_name, method) => {
      for (const tolerance of [1e-4, 1e-6, 1e-8]) {
        const asked = linspace(0, 5, 301);
        const controller = pi({ rtol: tolerance, atol: tolerance });
        const { ys } = solve({ ...optionsFor(problem), method, controller, saveAt: { times: asked } });
        expect(Math.max(...ys.map((y, i) => relativeError(y, problem.exact(asked[i]))))).toBeLessThan(4 * tolerance);
      }
    },
  );
});

it("a fixed step too long for Newton's method ends with a sentence that says so", () => {
  const evaluate = (_t: number, [y]: Float64Array) =>
    Float64Array.of(-50 * Math.tan(Math.min(1.5, Math.max(-1.5, y ** 5))));
  const options = { ...robertson, field: { evaluate }, y0: Float64Array.of(1.05), t1: 100, method: kvaerno5 };
  const fixed = solve({ ...options, controller: constantSteps(1) });
  expect(fixed.status).toBe('non-finite');
  expect(fixed.statistics.newtonFailures).toBeGreaterThan(0);
  expect(fixed.advice).toMatch(/Newton.*adaptive controller/);
  expect(solve({ ...options, controller: pi() }).status).toBe('success');
});

describe('gradients', () => {
  const options = {
    space: float64Space,
    parameterSpace: float64Space,
    field: neuralField,
    parameters: Float64Array.of(-30, 1.1, -1.2, -4, 0.7, -0.2),
    y0: Float64Array.of(1, 0.5),
    t0: 0,
    saveAt: { times: [2, 0.3, 1.1] },
  };
  const ones = [1, 2, 3].map((value) => Float64Array.of(value, 1));

  it('backprop through kvaerno5 agrees with dopri5 at tight tolerance to 1e-6', () => {
    const at = (method: Method, rtol: number) =>
      solveWithGradient({ ...options, method, controller: pi({ rtol, atol: rtol }), gradient: backprop() }).pullback(
        ones,
      );
    const [implicit, explicit] = [at(kvaerno5, 1e-9), at(dopri5, 1e-11)];
    expect(relativeError(implicit.y0, explicit.y0)).toBeLessThan(1e-6);
    expect(relativeError(implicit.parameters, explicit.parameters)).toBeLessThan(1e-6);
  });

  it('backprop through kvaerno5 agrees with differences of its own fixed steps to 1e-8', () => {
    const fixed = { ...options, method: kvaerno5, controller: constantSteps(40) };
    const loss = (y0: Float64Array, parameters: Float64Array): number =>
      solve({ ...fixed, y0, parameters }).ys.reduce((sum, y, i) => sum + float64Space.dot(y, ones[i]), 0);
    const { y0, parameters } = solveWithGradient({ ...fixed, gradient: backprop() }).pullback(ones);
    expect(
      relativeError(
        y0,
        differences((x) => loss(x, options.parameters), options.y0),
      ),
    ).toBeLessThan(1e-8);
    expect(
      relativeError(
        parameters,
        differences((x) => loss(options.y0, x), options.parameters),
      ),
    ).toBeLessThan(1e-8);
  });

  it.each(STIFF)(
    '%s: the adjoint along the known path of a stiff Van der Pol, by the same method, to 1e-5 of backprop through kvaerno5',
    (_name, method) => {
      const pol = fieldOf(({ sub, mul }, _t, [x, v], [mu]) => [v, sub(mul(mu, mul(sub(1, mul(x, x)), v)), x)]);
      const given = {
        ...{ space: float64Space, parameterSpace: float64Space, field: pol, parameters: Float64Array.of(500) },
        ...{
          y0: Float64Array.of(2, 0),
          t0: 0,
          saveAt: { times: [30, 60] },
          controller: pi({ rtol: 1e-9, atol: 1e-11 }),
        },
      };
      const cotangents = [Float64Array.of(1, 0), Float64Array.of(-2, 0)];
      const exact = solveWithGradient({ ...given, method: kvaerno5, gradient: backprop() }).pullback(cotangents);
      const solved = solveWithGradient({ ...given, method, gradient: adjoint({ path: 'interpolated' }) });
      const continuous = solved.pullback(cotangents);
      expect(continuous.status).toBe('success');
      expect(relativeError(continuous.y0, exact.y0)).toBeLessThan(1e-5);
      expect(Math.abs(continuous.parameters[0] / exact.parameters[0] - 1)).toBeLessThan(1e-5);
      // The eigenvalue is −1500 and an explicit method stable to about 3.5: 60 units of time would be over 25,000 steps.
      expect(continuous.statistics.accepted).toBeLessThan(10_000);
    },
  );

  it('what cannot be differentiated says what can', () => {
    const act =
      (method: Method, gradient = backprop()) =>
      () =>
        solveWithGradient({ ...options, method, gradient }).pullback(ones);
    expect(act(rodas4)).toThrow(/rodas4 has no exact gradient: use adjoint\(\{ path: 'interpolated' \}\)/);
    expect(act(kvaerno5, adjoint())).toThrow(expect.objectContaining({ code: 'bad-method' }));
    expect(act(kvaerno5, adjoint({ method: dopri5 }))).not.toThrow();
  });
});

describe('dense factorisation', () => {
  it('solves random systems of 1 to 12 unknowns and their transposes to 1e-10', () => {
    const random = seededRandom(11);
    for (let n = 1; n <= 12; n++) {
      const matrix = Float64Array.from({ length: n * n }, () => random() - 0.5);
      const x = Float64Array.from({ length: n }, () => random() - 0.5);
      const product = (at: (i: number, j: number) => number): Float64Array =>
        x.map((_, i) => x.reduce((sum, value, j) => sum + at(i, j) * value, 0));
      const { solve: solveFor, solveTransposed } = factorize(matrix, n);
      expect(relativeError(solveFor(product((i, j) => matrix[i * n + j])), x)).toBeLessThan(1e-10);
      expect(relativeError(solveTransposed(product((i, j) => matrix[j * n + i])), x)).toBeLessThan(1e-10);
    }
  });
});
