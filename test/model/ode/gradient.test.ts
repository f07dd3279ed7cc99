import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  abm4,
  adjoint,
  backprop,
  type Controller,
  checkpointed,
  constantSteps,
  type DifferentiableOptions,
  dop853,
  dopri5,
  euler,
  fehlberg45,
  float64Space,
  type Gradient,
  leapfrog,
  type Method,
  midpoint,
  noParameters,
  onKnots,
  pi,
  reversible,
  rk4,
  solve,
  solveWithGradient,
  tsit5,
  type VectorField,
  vern7,
} from '../../../model/ode/index.ts';
import { type Matrix, times } from '../../problems.ts';
import { differences, neuralField, relativeError } from './support.ts';

type Options = DifferentiableOptions<Float64Array, Float64Array>;

const ASKED = [2, 0.3, 0, 1.1, 0.3, 1.75];
const COTANGENTS = ASKED.map((_, i) => Float64Array.of(Math.cos(i + 1), Math.sin(3 * i)));

const BASE: Options = {
  space: float64Space,
  parameterSpace: float64Space,
  field: neuralField,
  parameters: Float64Array.of(-0.3, 1.1, -1.2, -0.4, 0.7, -0.2),
  y0: Float64Array.of(1, 0.5),
  t0: 0,
  saveAt: { times: ASKED },
};

const TIGHT = pi({ rtol: 1e-11, atol: 1e-12 });

function loss(options: Options): number {
  const { ys } = solve(options);
  return ys.reduce((sum, y, i) => sum + float64Space.dot(y, COTANGENTS[i]), 0);
}

function gradients(options: Options, gradient: Gradient) {
  const { solution, pullback } = solveWithGradient({ ...options, gradient });
  return { solution, ...pullback(COTANGENTS) };
}

function checkDifferences(options: Options, gradient: Gradient, tolerance: number): void {
  const { y0, parameters } = gradients(options, gradient);
  expect(
    relativeError(
      y0,
      differences((x) => loss({ ...options, y0: x }), options.y0),
    ),
  ).toBeLessThan(tolerance);
  const byParameter = differences((x) => loss({ ...options, parameters: x }), options.parameters);
  expect(relativeError(parameters, byParameter)).toBeLessThan(tolerance);
}

describe('backprop is the exact gradient of the discrete solution: differences agree to 1e-9, at any step', () => {
  const cases: [Method, Controller][] = [
    [euler, constantSteps(5)],
    [midpoint, constantSteps(5)],
    [rk4, constantSteps(3)],
    [dopri5, constantSteps(3)],
    [rk4, onKnots([0, 0.3, 1.1, 1.75, 2])],
    [tsit5, constantSteps(3)],
    [fehlberg45, constantSteps(3)],
    [vern7, constantSteps(2)],
    [dop853, constantSteps(2)],
  ];
  it.each(cases)('%o', (method, controller) => {
    checkDifferences({ ...BASE, method, controller }, backprop(), 1e-9);
  });

  it('leapfrog', () => checkDifferences({ ...BASE, method: leapfrog, controller: constantSteps(5) }, backprop(), 1e-9));

  it('backwards in time', () => {
    const back = { ...BASE, t0: 2, method: rk4, controller: constantSteps(4) };
    checkDifferences(back, backprop(), 1e-9);
  });
});

describe('at tight tolerance the modes agree with differences to 1e-7', () => {
  for (const gradient of [backprop(), adjoint(), adjoint({ path: 'interpolated' })]) {
    it(`${gradient.name}, adaptive, forwards`, () => checkDifferences({ ...BASE, controller: TIGHT }, gradient, 1e-7));
    it(`${gradient.name}, adaptive, backwards`, () => {
      checkDifferences({ ...BASE, t0: 2, controller: TIGHT }, gradient, 1e-7);
    });
    it(`${gradient.name}, rk4 on a fine grid`, () => {
      checkDifferences({ ...BASE, method: rk4, controller: constantSteps(400) }, gradient, 1e-7);
    });
  }
});

describe('∂L/∂t0 and ∂L/∂times agree with differences to 1e-7', () => {
  for (const gradient of [backprop(), adjoint()]) {
    it(gradient.name, () => {
      const options = { ...BASE, saveAt: { times: [2, 0.3, 1.1] }, t1: 3, controller: TIGHT };
      const { solution, pullback } = solveWithGradient({ ...options, gradient });
      const { t0, times } = pullback(COTANGENTS.slice(0, 3)).timing();
      const byTimes = differences((x) => loss({ ...options, saveAt: { times: x } }), solution.times);
      const byStart = differences((x) => loss({ ...options, t0: x[0] }), Float64Array.of(0));
      expect(relativeError(times, byTimes)).toBeLessThan(1e-7);
      expect(relativeError([t0], byStart)).toBeLessThan(1e-7);
    });
  }
});

describe('the linear problem', () => {
  const linear = (a: Matrix): VectorField<Float64Array, null> => ({
    evaluate: (_t, y) => times(a, y),
    vjp: (_t, _y, _p, g) => ({
      y: times(
        a[0].map((_, j) => a.map((row) => row[j])),
        g,
      ),
      parameters: null,
    }),
  });

  it('adjoint against backprop at rtol 1e-9: 1e-7 on random 3-D systems', () => {
    const entry = fc.double({ min: -1, max: 1, noNaN: true });
    const square = fc.array(fc.array(entry, { minLength: 3, maxLength: 3 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(square, fc.double({ min: -3, max: 3, noNaN: true }), (a, t1) => {
        const options = {
          space: float64Space,
          parameterSpace: noParameters,
          field: linear(a),
          parameters: null,
          y0: Float64Array.of(1, 2, 3),
          t0: 0,
          t1,
          controller: pi({ rtol: 1e-9, atol: 1e-10 }),
        };
        const [exact, continuous] = [backprop(), adjoint()].map((gradient) =>
          solveWithGradient({ ...options, gradient }).pullback([Float64Array.of(1, -1, 0.5)]),
        );
        expect(relativeError(continuous.y0, exact.y0)).toBeLessThan(1e-7);
      }),
      { numRuns: 40, seed: 5 },
    );
  });
});

describe('what a gradient costs and how it fails', () => {
  it('counts backward evaluations: rk4 pulls four products a step and one less at the start', () => {
    const options = { ...BASE, method: rk4, controller: constantSteps(10), saveAt: { final: true }, t1: 2 } as const;
    const { pullback } = solveWithGradient({ ...options, gradient: backprop() });
    expect(pullback([COTANGENTS[0]]).statistics.functionEvaluations).toBe(40);
  });

  it('the adjoint goes back over the forward grid, cut at saved times', () => {
    const options = { ...BASE, method: rk4, controller: constantSteps(10), saveAt: { times: [0.4, 2] } };
    const { pullback } = solveWithGradient({ ...options, gradient: adjoint() });
    expect(pullback(COTANGENTS.slice(0, 2)).statistics.accepted).toBe(10);
  });

  it('a pullback may be called again with the same result', () => {
    for (const gradient of [backprop(), adjoint()]) {
      const { pullback } = solveWithGradient({ ...BASE, gradient });
      expect(pullback(COTANGENTS).y0).toEqual(pullback(COTANGENTS).y0);
    }
  });

  it('leaves the callers cotangents and states alone', () => {
    for (const gradient of [backprop(), adjoint()]) {
      const cotangents = COTANGENTS.map((g) => g.slice());
      const { solution, pullback } = solveWithGradient({ ...BASE, gradient });
      const before = solution.ys.map((y) => y.slice());
      pullback(cotangents);
      expect(cotangents).toEqual(COTANGENTS);
      expect(solution.ys).toEqual(before);
    }
  });

  it('a failed solve gives NaN and its status', () => {
    for (const gradient of [backprop(), adjoint()]) {
      const failed = gradients({ ...BASE, maxSteps: 1 }, gradient);
      expect(failed.status).toBe('max-steps');
      expect(failed.y0[0]).toBeNaN();
      expect(failed.parameters[0]).toBeNaN();
    }
  });

  it('bad arguments name themselves', () => {
    const bare = { ...BASE, field: { evaluate: neuralField.evaluate } };
    const act =
      (options: Options, cotangents = COTANGENTS) =>
      () =>
        solveWithGradient({ ...options, gradient: backprop() }).pullback(cotangents);
    expect(act(bare)).toThrow(expect.objectContaining({ code: 'bad-field' }));
    expect(act({ ...BASE, saveAt: { dense: true } })).toThrow(expect.objectContaining({ code: 'bad-gradient' }));
    expect(act(BASE, COTANGENTS.slice(1))).toThrow(expect.objectContaining({ code: 'bad-cotangents' }));
  });
});

describe('a field that jumps in time', () => {
  // The parameters of the second half are those of the first times −1.
  const turned = (p: Float64Array, t: number): Float64Array => (t < 0.8 ? p : p.map((value) => -value));
  const field: VectorField<Float64Array, Float64Array> = {
    evaluate: (t, y, p, into) => neuralField.evaluate(t, y, turned(p, t), into),
    vjp: (t, y, p, g) => {
      const pulled = neuralField.vjp?.(t, y, turned(p, t), g);
      if (pulled === undefined) throw new Error('the neural field has a vjp');
      return { y: pulled.y, parameters: turned(pulled.parameters, t) };
    },
  };

  it('gradients of a saved time on the jump are of the side that the solve came from, of a start on it of the other', () => {
    const side = (t: number, y: Float64Array) => field.evaluate(t, y, BASE.parameters);
    for (const gradient of [backprop(), adjoint()]) {
      const options = { ...BASE, field, jumps: [0.8], controller: TIGHT, gradient };
      const arriving = solveWithGradient({ ...options, saveAt: { times: [0.8] } });
      const ones = [Float64Array.of(1, 1)];
      const before = side(0.8 - 1e-9, arriving.solution.ys[0]);
      expect(Math.abs(arriving.pullback(ones).timing().times[0] - before[0] - before[1])).toBeLessThan(1e-7);
      const leaving = solveWithGradient({ ...options, t0: 0.8, saveAt: { times: [1.5] } }).pullback(ones);
      const after = float64Space.dot(side(0.8 + 1e-9, BASE.y0), leaving.y0);
      expect(Math.abs(leaving.timing().t0 + after)).toBeLessThan(1e-7);
    }
  });

  it('backprop 1e-9 on a coarse grid, adjoint 1e-7 at tight tolerance', () => {
    const options = { ...BASE, field, jumps: [0.8] };
    checkDifferences({ ...options, method: midpoint, controller: constantSteps(3) }, backprop(), 1e-9);
    checkDifferences({ ...options, controller: TIGHT }, backprop(), 1e-7);
    checkDifferences({ ...options, controller: TIGHT }, adjoint(), 1e-7);
    checkDifferences({ ...options, controller: TIGHT, saveAt: { times: [0.8, 0.2, 1.4, 2, 1, 0.8] } }, adjoint(), 1e-7);
  });
});

describe('the exact modes agree with backprop to 1e-10, relative', () => {
  const cases: [string, Options, Gradient][] = [];
  for (const checkpoints of [1, 2, 3, 7, 1000]) {
    const gradient = checkpointed({ checkpoints });
    cases.push([`checkpointed(${checkpoints}), dopri5`, { ...BASE, controller: pi({ rtol: 1e-6 }) }, gradient]);
    cases.push([
      `checkpointed(${checkpoints}), rk4`,
      { ...BASE, method: rk4, controller: constantSteps(23) },
      gradient,
    ]);
    cases.push([`checkpointed(${checkpoints}), dop853`, { ...BASE, method: dop853 }, gradient]);
    cases.push([
      `checkpointed(${checkpoints}), leapfrog`,
      { ...BASE, method: leapfrog, controller: constantSteps(40) },
      gradient,
    ]);
  }
  cases.push(['reversible, leapfrog', { ...BASE, method: leapfrog, controller: constantSteps(40) }, reversible()]);
  cases.push([
    'reversible, adaptive',
    { ...BASE, method: leapfrog, controller: pi({ rtol: 1e-3, atol: 1e-4 }) },
    reversible(),
  ]);
  cases.push([
    'reversible, jumps',
    { ...BASE, method: leapfrog, controller: constantSteps(9), jumps: [0.5, 1.1] },
    reversible(),
  ]);
  cases.push([
    'reversible, backwards',
    { ...BASE, t0: 2, method: leapfrog, controller: constantSteps(9) },
    reversible(),
  ]);
  cases.push([
    'checkpointed, jumps',
    { ...BASE, controller: pi(), jumps: [0.5, 1.1] },
    checkpointed({ checkpoints: 3 }),
  ]);

  it.each(cases)('%s', (_name, options, gradient) => {
    const [exact, other] = [gradients(options, backprop()), gradients(options, gradient)];
    expect(relativeError(other.y0, exact.y0)).toBeLessThan(1e-10);
    expect(relativeError(other.parameters, exact.parameters)).toBeLessThan(1e-10);
    expect(other.solution.ys).toEqual(exact.solution.ys);
  });

  it('leapfrog agrees with differences through its own steps and jumps to 1e-9', () => {
    const options = { ...BASE, method: leapfrog, controller: constantSteps(6), jumps: [0.5] };
    checkDifferences(options, reversible(), 1e-9);
  });

  it('a method without an inverse or without an exact gradient is refused by name', () => {
    const act = (method: Method, gradient: Gradient) => () =>
      solveWithGradient({ ...BASE, method, controller: constantSteps(4), gradient });
    expect(act(rk4, reversible())).toThrow(/rk4 cannot be run backwards/);
    expect(act(abm4, backprop())).toThrow(/abm4 has no exact gradient/);
    expect(() => checkpointed({ checkpoints: 0 })).toThrow(expect.objectContaining({ code: 'bad-gradient' }));
  });
});

describe('recomputation of checkpointed over 200 steps of rk4', () => {
  const evaluations = (checkpoints: number): number => {
    const options = { ...BASE, method: rk4, controller: constantSteps(200), saveAt: { times: [2] } };
    const { pullback } = solveWithGradient({ ...options, gradient: checkpointed({ checkpoints }) });
    // Beside the 800 vector–Jacobian products.
    return pullback(COTANGENTS.slice(0, 1)).statistics.functionEvaluations - 800;
  };

  it('c checkpoints and r repetitions reverse C(c + 1 + r, r) steps: r + 1 times the forward work at most', () => {
    expect(evaluations(200)).toBeLessThanOrEqual(2 * 800);
    expect(evaluations(14)).toBeLessThanOrEqual(4 * 800);
    expect(evaluations(5)).toBeLessThanOrEqual(5 * 800);
  });
});

describe('the adjoint on a field that contracts, which diverges when it is solved backwards', () => {
  // y' = −λ(y − θ): backwards the state runs away as e^(λt) from whatever error it has.
  const field: VectorField<Float64Array, Float64Array> = {
    evaluate: (_t, [y], [theta]) => Float64Array.of(-30 * (y - theta)),
    vjp: (_t, _y, _p, [g]) => ({ y: Float64Array.of(-30 * g), parameters: Float64Array.of(30 * g) }),
  };
  const options = {
    ...BASE,
    field,
    y0: Float64Array.of(2),
    parameters: Float64Array.of(1),
    controller: pi({ rtol: 1e-8 }),
  };
  const thetaGradient = (saveAt: { times: number[] }, path: 'solved' | 'interpolated') =>
    solveWithGradient({ ...options, saveAt, gradient: adjoint({ path }) }).pullback(
      saveAt.times.map(() => Float64Array.of(1)),
    ).parameters[0];

  it('interpolated agrees with 1 − e^(−λt) to 1e-6', () => {
    expect(Math.abs(thetaGradient({ times: [1] }, 'interpolated') - (1 - Math.exp(-30)))).toBeLessThan(1e-6);
  });

  it('restarted at saved times it agrees too, to 1e-6', () => {
    const times = [0.2, 0.4, 0.6, 0.8, 1];
    const exact = times.reduce((sum, t) => sum + 1 - Math.exp(-30 * t), 0);
    expect(Math.abs(thetaGradient({ times }, 'solved') - exact)).toBeLessThan(1e-6);
  });
});
