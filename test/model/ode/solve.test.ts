import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  constantStep,
  constantSteps,
  dop853,
  dopri5,
  euler,
  float64Space,
  kvaerno5,
  leapfrog,
  type Method,
  midpoint,
  OdeError,
  onKnots,
  pi,
  rk4,
  rodas4,
  type SolveOptions,
  solve,
  tsit5,
} from '../../../model/ode/index.ts';
import {
  EXACT_PROBLEMS,
  type ExactProblem,
  exactProblem,
  exponentialAction,
  type Matrix,
  times,
} from '../../problems.ts';
import { type HostOptions, linspace, optionsFor, relativeError } from './support.ts';

const REVERSED = (problem: ExactProblem): [number, number] => [problem.t1, problem.t0];

describe('exact problems: relative error ≤ 3e-4 at default tolerances, both ways in time', () => {
  for (const problem of EXACT_PROBLEMS) {
    for (const [way, span] of [
      ['forwards', [problem.t0, problem.t1]],
      ['backwards', REVERSED(problem)],
    ] as const) {
      it(`${problem.name}, ${way}`, () => {
        const asked = linspace(span[0], span[1], 10);
        const solution = solve({ ...optionsFor(problem, [...span]), saveAt: { times: asked } });
        expect(solution.status).toBe('success');
        solution.ys.forEach((y, i) => {
          expect(relativeError(y, problem.exact(asked[i]))).toBeLessThanOrEqual(3e-4);
        });
      });
    }
  }
});

describe('observed order within ±0.2 of nominal', () => {
  const problem = exactProblem('second order');
  const endError = (method: Method, steps: number): number => {
    const solution = solve({ ...optionsFor(problem), method, controller: constantSteps(steps) });
    return relativeError(solution.ys[0], problem.exact(problem.t1));
  };
  for (const [method, steps] of [
    [euler, 4000],
    [midpoint, 800],
    [rk4, 160],
    [dopri5, 80],
  ] as const) {
    it(method.name, () => {
      const order = Math.log2(endError(method, steps) / endError(method, 2 * steps));
      expect(Math.abs(order - method.order)).toBeLessThanOrEqual(0.2);
    });
  }
});

describe('the free fall and the exponential of the books', () => {
  it("y' = y from 2 to t = 10 in 100 steps: Euler reaches 2·1.1¹⁰⁰ to 1e-9, RK4 the exact value to 1e-5", () => {
    const options = { ...optionsFor(exactProblem('exponential')), t1: 10, controller: constantSteps(100) };
    expect(solve({ ...options, method: euler }).ys[0][0] / (2 * 1.1 ** 100)).toBeCloseTo(1, 9);
    expect(Math.abs(solve({ ...options, method: rk4 }).ys[0][0] / (2 * Math.exp(10)) - 1)).toBeLessThan(1e-5);
  });

  it('tightening the tolerance a thousandfold lowers the error of dopri5 at least a hundredfold', () => {
    const problem = exactProblem('sine squared');
    const error = (rtol: number): number => {
      const solution = solve({ ...optionsFor(problem), method: dopri5, controller: pi({ rtol, atol: rtol }) });
      return relativeError(solution.ys[0], problem.exact(problem.t1));
    };
    expect(error(1e-9)).toBeLessThan(error(1e-6) / 100);
  });
});

describe('output', () => {
  const problem = exactProblem('sine squared');

  it('answers times in any order, repeated, at both ends, at no extra evaluations', () => {
    const asked = [3, 8, 0, 3, 0.001, 7.999, 5.5];
    const alone = solve(optionsFor(problem));
    const solution = solve({ ...optionsFor(problem), saveAt: { times: asked } });
    expect([...solution.times]).toEqual(asked);
    expect(solution.statistics).toEqual(alone.statistics);
    expect(solution.ys[0]).toEqual(solution.ys[3]);
    expect(solution.ys[1]).toEqual(alone.ys[0]);
    expect(solution.ys[2]).toEqual(problem.exact(0));
    solution.ys.forEach((y, i) => {
      expect(relativeError(y, problem.exact(asked[i]))).toBeLessThan(1e-5);
    });
  });

  it('takes the farthest time as the end when there is none, also backwards', () => {
    const { t1: _, ...open } = optionsFor(problem, [4, 0]);
    const solution = solve({ ...open, saveAt: { times: [1, 3, 2] } });
    expect(relativeError(solution.ys[0], problem.exact(1))).toBeLessThan(1e-5);
  });

  it('dense output is the same function as output at times, and is NaN outside the span', () => {
    const asked = linspace(0, 8, 33);
    const dense = solve({ ...optionsFor(problem), saveAt: { dense: true } });
    const at = solve({ ...optionsFor(problem), saveAt: { times: asked } });
    expect(asked.map((t) => dense.at?.(t))).toEqual([...at.ys]);
    expect(dense.at?.(8.1)).toEqual(Float64Array.of(Number.NaN));
  });

  it('every step, the start first', () => {
    const solution = solve({ ...optionsFor(problem), saveAt: { steps: true } });
    expect(solution.times.length).toBe(solution.statistics.accepted + 1);
    expect([solution.times[0], solution.times.at(-1)]).toEqual([0, 8]);
  });

  for (const method of [euler, midpoint, rk4]) {
    it(`${method.name} steps onto knots exactly, interpolates between, and a time inside costs nothing`, () => {
      const knots = linspace(0, 8, 9);
      const options = { ...optionsFor(problem), method, controller: onKnots(knots, 2) };
      const solution = solve({ ...options, saveAt: { times: knots } });
      const between = solve({ ...options, saveAt: { times: [...knots, 3.3] } });
      expect(solution.statistics.accepted).toBe(16);
      expect(between.statistics).toEqual(solution.statistics);
      expect(between.ys.slice(0, 9)).toEqual([...solution.ys]);
    });
  }

  it('cubic Hermite between steps keeps the fourth order of rk4 within ±0.2', () => {
    const worst = (steps: number): number => {
      const asked = linspace(0, 8, 401);
      const options = { ...optionsFor(problem), method: rk4, controller: constantSteps(steps) };
      const { ys } = solve({ ...options, saveAt: { times: asked } });
      return Math.max(...ys.map((y, i) => Math.abs(y[0] - problem.exact(asked[i])[0])));
    };
    expect(Math.abs(Math.log2(worst(80) / worst(160)) - 4)).toBeLessThan(0.2);
  });

  it("Shampine's interpolant: the error inside one step falls 2⁵ when the step is halved, within ±0.4 in the exponent", () => {
    const damped = exactProblem('second order');
    const worst = (h: number): number => {
      const asked = linspace(0.5, 0.5 + h, 21);
      const options = { ...optionsFor(damped, [0.5, 0.5 + h]), method: dopri5, controller: constantSteps(1) };
      const { ys } = solve({ ...options, saveAt: { times: asked } });
      return Math.max(...ys.map((y, i) => relativeError(y, damped.exact(asked[i]))));
    };
    expect(Math.abs(Math.log2(worst(0.05) / worst(0.025)) - 5)).toBeLessThan(0.4);
  });
});

describe('a numerical failure is a status that names the time', () => {
  const squared: HostOptions = {
    space: float64Space,
    field: { evaluate: (_t, y) => y.map((value) => value * value) },
    parameters: null,
    y0: Float64Array.of(2),
    t0: 0,
    t1: 1,
  };

  it("y' = y² blows up at 0.5: min-step there (±1e-6), NaN after, the part before is right", () => {
    const solution = solve({ ...squared, saveAt: { times: [0.25, 0.75] } });
    expect(['min-step', 'non-finite']).toContain(solution.status);
    expect(Math.abs((solution.failedAt ?? 0) - 0.5)).toBeLessThan(1e-6);
    expect(solution.ys[0][0]).toBeCloseTo(4, 4);
    expect(solution.ys[1][0]).toBeNaN();
  });

  it('a fixed step that overflows is non-finite', () => {
    const solution = solve({ ...squared, t1: 10, method: rk4, controller: constantSteps(40) });
    expect(solution.status).toBe('non-finite');
    expect(solution.failedAt).toBeLessThan(2);
  });

  it('maxSteps ends it', () => {
    for (const controller of [pi(), constantSteps(50)]) {
      const solution = solve({ ...optionsFor(exactProblem('sine')), controller, maxSteps: 5 });
      expect(solution.status).toBe('max-steps');
      expect(solution.failedAt).toBeGreaterThan(1);
      expect(solution.ys[0][0]).toBeNaN();
    }
  });

  it('minStep ends it', () => {
    const solution = solve({ ...squared, controller: pi({ minStep: 1e-3 }) });
    expect(solution.status).toBe('min-step');
    expect(solution.failedAt).toBeLessThan(0.5);
  });

  it('a NaN in a trial rejects the step; a field that is NaN from 1 on ends there (±1e-9)', () => {
    const wall = { evaluate: (t: number) => Float64Array.of(t > 1 ? Number.NaN : 1) };
    const solution = solve({ ...squared, field: wall, t1: 2, saveAt: { times: [0.5, 2] } });
    expect(solution.status).toBe('non-finite');
    expect(Math.abs((solution.failedAt ?? 0) - 1)).toBeLessThan(1e-9);
    expect(solution.ys[0][0]).toBeCloseTo(2.5, 9);
    expect(solution.statistics.rejected).toBeGreaterThan(0);
  });

  it('a field that is NaN at the start fails there', () => {
    const solution = solve({ ...squared, field: { evaluate: () => Float64Array.of(Number.NaN) } });
    expect(solution).toMatchObject({ status: 'non-finite', failedAt: 0 });
  });

  it('an empty span is a success of no steps', () => {
    const solution = solve({ ...squared, t1: 0 });
    expect(solution).toMatchObject({ status: 'success', ys: [Float64Array.of(2)] });
    expect(solution.statistics.accepted).toBe(0);
  });
});

describe('a bad argument throws an OdeError that names it', () => {
  const good = optionsFor(exactProblem('exponential'));
  const bad: [string, string, () => unknown][] = [
    ['y0', 'bad-y0', () => solve({ ...good, y0: Float64Array.of(Number.NaN) })],
    ['t0', 'bad-span', () => solve({ ...good, t0: Number.NaN })],
    ['t1', 'bad-span', () => solve({ ...good, t1: undefined })],
    ['a time outside', 'bad-save-at', () => solve({ ...good, saveAt: { times: [1, 3] } })],
    ['a time that is NaN', 'bad-save-at', () => solve({ ...good, saveAt: { times: [Number.NaN] } })],
    ['maxSteps', 'bad-max-steps', () => solve({ ...good, maxSteps: 0 })],
    ['no error estimate', 'bad-method', () => solve({ ...good, method: rk4 })],
    ['wrong length', 'bad-field', () => solve({ ...good, field: { evaluate: () => new Float64Array(3) } })],
    ['rtol', 'bad-tolerance', () => pi({ rtol: -1 })],
    ['both 0', 'bad-tolerance', () => pi({ rtol: 0, atol: 0 })],
    ['safety', 'bad-step', () => pi({ safety: 2 })],
    ['steps', 'bad-step', () => constantSteps(0.5)],
    ['too many steps', 'bad-step', () => constantStep(1e-12).grid(0, 1)],
    ['knots', 'bad-grid', () => onKnots([0, Number.NaN])],
  ];
  it.each(bad)('%s', (_what, code, act) => {
    expect(act).toThrow(OdeError);
    expect(act).toThrow(expect.objectContaining({ code }));
  });
});

describe('a host field may return what it likes', () => {
  const run = (evaluate: (t: number, y: Float64Array, p: null, into?: Float64Array) => Float64Array): number => {
    const options: SolveOptions<Float64Array, null> = {
      ...optionsFor(exactProblem('exponential')),
      field: { evaluate },
    };
    return solve(options).ys[0][0];
  };

  it('its argument, one buffer for ever, a new array, or `into`: the same bits', () => {
    const buffer = new Float64Array(1);
    const fresh = run((_t, y) => y.slice());
    expect(run((_t, y) => y)).toBe(fresh);
    expect(
      run((_t, y) => {
        buffer.set(y);
        return buffer;
      }),
    ).toBe(fresh);
    expect(
      run((_t, y, _p, into = new Float64Array(1)) => {
        into.set(y);
        return into;
      }),
    ).toBe(fresh);
  });
});

describe('properties', () => {
  const entry = fc.double({ min: -1, max: 1, noNaN: true });
  const matrix: fc.Arbitrary<Matrix> = fc.array(fc.array(entry, { minLength: 3, maxLength: 3 }), {
    minLength: 3,
    maxLength: 3,
  });
  const time = fc.double({ min: -3, max: 3, noNaN: true });

  it('random linear systems, any span, any output times: exp(At)·y0 to 1e-6', () => {
    fc.assert(
      fc.property(
        matrix,
        fc.array(entry, { minLength: 3, maxLength: 3 }),
        time,
        time,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true })),
        (a, start, t0, t1, fractions) => {
          const asked = fractions.map((fraction) =>
            Math.min(Math.max(t0, t1), Math.max(Math.min(t0, t1), t0 + fraction * (t1 - t0))),
          );
          const solution = solve({
            space: float64Space,
            field: { evaluate: (_t, y) => times(a, y) },
            parameters: null,
            y0: Float64Array.from(start),
            t0,
            t1,
            saveAt: { times: asked },
            controller: pi({ rtol: 1e-9, atol: 1e-10 }),
          });
          expect(solution.status).toBe('success');
          solution.ys.forEach((y, i) => {
            expect(relativeError(y, exponentialAction(a, asked[i] - t0, start))).toBeLessThan(1e-6);
          });
        },
      ),
      { numRuns: 60, seed: 3 },
    );
  });

  it('there and back again returns to y0 within 1e-6', () => {
    fc.assert(
      fc.property(matrix, time, (a, t1) => {
        const field = { evaluate: (_t: number, y: Float64Array) => times(a, y) };
        const options = { space: float64Space, field, parameters: null, controller: pi({ rtol: 1e-9, atol: 1e-10 }) };
        const y0 = Float64Array.of(1, -0.5, 0.25);
        const there = solve({ ...options, y0, t0: 0, t1 });
        expect(relativeError(solve({ ...options, y0: there.ys[0], t0: t1, t1: 0 }).ys[0], y0)).toBeLessThan(1e-6);
      }),
      { numRuns: 40, seed: 4 },
    );
  });
});

describe('a field that jumps', () => {
  // y' = 1 before 1, −2 up to 2, 5 after; the field's value at a jump belongs to neither side.
  const slope = (t: number): number => (t < 1 ? 1 : t > 1 && t < 2 ? -2 : t > 2 ? 5 : 1e9);
  const jumping = {
    ...optionsFor(exactProblem('exponential')),
    field: { evaluate: (t: number) => Float64Array.of(slope(t)) },
  };
  const exact = (t: number): number =>
    2 + Math.min(t, 1) - 2 * Math.max(0, Math.min(t, 2) - 1) + 5 * Math.max(0, t - 2);

  it('jumps are never crossed nor stepped on: exact to 1e-12, in at most four steps a piece, both ways', () => {
    const asked = [0, 0.5, 1, 1.5, 2, 2.5, 3];
    for (const [t0, t1] of [
      [0, 3],
      [3, 0],
      [1, 2],
      [2, 1],
    ]) {
      const times = asked.filter((t) => t >= Math.min(t0, t1) && t <= Math.max(t0, t1));
      const options = { ...jumping, y0: Float64Array.of(exact(t0)), t0, t1, jumps: [2, 1, 1, 7] };
      const solution = solve({ ...options, saveAt: { times } });
      expect(solution.ys.map(([y]) => y - exact(0))).toEqual(times.map((t) => expect.closeTo(exact(t) - exact(0), 12)));
      expect(solution.statistics.rejected).toBe(0);
      const fixed = solve({ ...options, method: rk4, controller: constantSteps(2), saveAt: { times } });
      expect(
        relativeError(
          fixed.ys.map(([y]) => y),
          times.map(exact),
        ),
      ).toBeLessThan(1e-12);
    }
  });
});

describe('buffers on the host', () => {
  /** New states that a solve of so many steps asks its space for. */
  function allocations(method: Method, controller: SolveOptions<Float64Array, null>['controller'], t1: number): number {
    let count = 0;
    const space: typeof float64Space = {
      ...float64Space,
      combine: (y, coefficients, terms, into) => {
        if (into === undefined) count++;
        return float64Space.combine(y, coefficients, terms, into);
      },
      zeros: (like) => {
        count++;
        return float64Space.zeros(like);
      },
    };
    const field = {
      evaluate: (_t: number, [a, b]: Float64Array, _p: null, into?: Float64Array) => {
        if (into === undefined) count++;
        const out = into ?? new Float64Array(2);
        out[0] = 1.5 * a - a * b;
        out[1] = a * b - 3 * b;
        return out;
      },
    };
    solve({ space, field, parameters: null, y0: Float64Array.of(1, 1), t0: 0, t1, method, controller });
    return count;
  }

  it.each([
    ['rk4', rk4, constantStep(0.01)],
    ['dopri5', dopri5, pi({ rtol: 1e-6 })],
    ['tsit5', tsit5, pi({ rtol: 1e-6 })],
    ['dop853', dop853, pi({ rtol: 1e-6 })],
    ['leapfrog', leapfrog, constantStep(0.01)],
    ['kvaerno5', kvaerno5, pi({ rtol: 1e-6 })],
    ['kvaerno5, fixed', kvaerno5, constantStep(0.05)],
    ['rodas4', rodas4, pi({ rtol: 1e-6 })],
  ] as const)('%s asks for no more of them in 50 units of time than in 5', (_name, method, controller) => {
    expect(allocations(method, controller, 50)).toBe(allocations(method, controller, 5));
  });
});
