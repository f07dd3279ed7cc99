/** What one call takes, as people write it: tolerances, parameters left out, times on both sides of the start. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  adjoint,
  backprop,
  checkpointed,
  constantSteps,
  fieldOf,
  float64Space,
  kvaerno5,
  pi,
  rk4,
  solve,
  solveEach,
  solveForward,
  solveWithGradient,
  withDifferences,
} from '../../../model/ode/index.ts';
import { differences, linspace, neuralField, relativeError } from './support.ts';

const decay = { evaluate: (_t: number, y: Float64Array) => y.map((value) => -value) };
const START: Float64Array = Float64Array.of(1, 0.5);
const bare = { space: float64Space, field: decay, y0: Float64Array.of(1), t0: 0 };

describe('tolerances of the call', () => {
  const two = { ...bare, y0: Float64Array.of(1, 1e-6), t1: 1 };

  it('are those of a controller that was given them, to the same bits', () => {
    const direct = solve({ ...two, rtol: 1e-9, atol: 1e-12 });
    expect(direct).toEqual(solve({ ...two, controller: pi({ rtol: 1e-9, atol: 1e-12 }) }));
    expect(direct).toEqual(solve({ ...two, controller: pi({ rtol: 1e-3, atol: 1e-12 }), rtol: 1e-9 }));
  });

  it('one for each component: equal ones are one number, a tight one costs steps, in explicit and implicit methods', () => {
    for (const method of [undefined, kvaerno5]) {
      const at = (atol: number | number[]) => solve({ ...two, method, rtol: 0, atol });
      expect(relativeError(at([1e-8, 1e-8]).ys[0], at(1e-8).ys[0])).toBeLessThan(1e-12);
      expect(at([1e-8, 1e-14]).statistics.accepted).toBeGreaterThan(at([1e-8, 1e-8]).statistics.accepted);
      expect(Math.abs(at([1e-8, 1e-14]).ys[0][1] / (1e-6 * Math.exp(-1)) - 1)).toBeLessThan(1e-6);
    }
  });

  it('reach the adjoint, which agrees with backprop to 1e-7', () => {
    const options = { ...two, field: withDifferences(decay.evaluate), parameters: new Float64Array(0) };
    const [exact, continuous] = [backprop(), adjoint()].map((gradient) =>
      solveWithGradient({
        ...options,
        parameterSpace: float64Space,
        gradient,
        rtol: [1e-9, 1e-9],
        atol: 1e-12,
      }).pullback([Float64Array.of(1, 1)]),
    );
    expect(relativeError(continuous.y0, exact.y0)).toBeLessThan(1e-7);
  });

  it.each([
    ['too few', { atol: [1e-6] }],
    ['a negative one', { atol: [1e-6, -1] }],
    ['both 0 for one component', { rtol: [1e-3, 0], atol: 0 }],
    ['of different lengths', { rtol: [1e-3, 1e-3], atol: [1e-3] }],
    ['for a fixed step', { rtol: 1e-3, method: rk4, controller: constantSteps(3) }],
  ])('%s: bad-tolerance', (_what, given) => {
    expect(() => solve({ ...two, ...given })).toThrow(expect.objectContaining({ code: 'bad-tolerance' }));
  });
});

describe('a field without parameters', () => {
  it('needs none in the call, nor a space for them in a gradient', () => {
    expect(solve({ ...bare, t1: 1 }).ys[0][0]).toBeCloseTo(Math.exp(-1), 6);
    const field = {
      ...decay,
      vjp: (_t: number, _y: Float64Array, _p: null, g: Float64Array) => ({ y: g.map((v) => -v), parameters: null }),
    };
    const gradient = solveWithGradient({ ...bare, field, t1: 1, gradient: backprop() }).pullback([Float64Array.of(1)]);
    expect(gradient.y0[0]).toBeCloseTo(Math.exp(-1), 6);
    expect(gradient.parameters).toBeNull();
  });
});

describe('a formula without parameters', () => {
  it('needs no empty array of them, in a solve, in its gradient and in a batch', () => {
    const field = fieldOf(({ neg }, _t, [y]) => [neg(y)]);
    const formula = { space: float64Space, field, y0: Float64Array.of(1), t0: 0, t1: 1 };
    expect(solve(formula).ys[0][0]).toBeCloseTo(Math.exp(-1), 6);
    const pulled = solveWithGradient({ ...formula, gradient: backprop() }).pullback([Float64Array.of(1)]);
    expect(pulled.y0[0]).toBeCloseTo(Math.exp(-1), 6);
    expect(pulled.parameters).toEqual(new Float64Array(0));
    const each = solveEach({ space: float64Space, field: decay }, [{ y0: Float64Array.of(1), t0: 0, t1: 1 }]);
    expect(each[0].ys[0][0]).toBeCloseTo(Math.exp(-1), 6);
  });
});

describe('times on both sides of the start', () => {
  it('are one solution, in the order asked, to 1e-6 of the exact one', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 1 }), (times) => {
        const solution = solve({ ...bare, saveAt: { times }, rtol: 1e-9 });
        expect([...solution.times]).toEqual(times);
        const states = solution.ys.map(([y]) => y);
        expect(
          relativeError(
            states,
            times.map((t) => Math.exp(-t)),
          ),
        ).toBeLessThan(1e-6);
      }),
      { numRuns: 60, seed: 13 },
    );
  });

  const parameters: Float64Array = Float64Array.of(-0.3, 1.1, -1.2, -0.4, 0.7, -0.2);
  const options = {
    ...bare,
    field: neuralField,
    parameters,
    y0: START,
    parameterSpace: float64Space,
  };
  const times = [1.2, -0.7, 0, 0.4, -1.5];
  const both = { ...options, t0: 0, saveAt: { times }, rtol: 1e-11, atol: 1e-12 };
  const cotangents = times.map((_, i) => Float64Array.of(Math.cos(i), Math.sin(2 * i)));
  const loss = (given: Partial<typeof both>) =>
    solve({ ...both, ...given }).ys.reduce((sum, y, i) => sum + float64Space.dot(y, cotangents[i]), 0);

  it.each(
    [backprop(), checkpointed({ checkpoints: 4 }), adjoint()].map((gradient) => [gradient.name, gradient] as const),
  )('gradients of %s by y0, parameters, start and every time agree with differences to 1e-7', (_name, gradient) => {
    const pulled = solveWithGradient({ ...both, gradient }).pullback(cotangents);
    expect(
      relativeError(
        pulled.y0,
        differences((y0) => loss({ y0 }), both.y0),
      ),
    ).toBeLessThan(1e-7);
    expect(
      relativeError(
        pulled.parameters,
        differences((p) => loss({ parameters: p }), parameters),
      ),
    ).toBeLessThan(1e-7);
    const timing = pulled.timing();
    expect(
      relativeError(
        [timing.t0],
        differences(([t0]) => loss({ t0 }), Float64Array.of(0)),
      ),
    ).toBeLessThan(1e-7);
    const moved = [0, 1, 3, 4];
    const byTimes = differences((x) => loss({ saveAt: { times: [...x] } }), Float64Array.from(times));
    expect(
      relativeError(
        moved.map((i) => timing.times[i]),
        moved.map((i) => byTimes[i]),
      ),
    ).toBeLessThan(1e-7);
  });

  it('forward tangents too', () => {
    const field = withDifferences((t, y, p) => neuralField.evaluate(t, y, p));
    const direction = { y0: Float64Array.of(1, 0), parameters: new Float64Array(6) };
    const { tangents } = solveForward({ ...both, field, direction });
    const along = tangents.reduce((sum, tangent, i) => sum + float64Space.dot(tangent, cotangents[i]), 0);
    expect(Math.abs(along - differences((y0) => loss({ y0 }), both.y0)[0])).toBeLessThan(1e-6);
  });

  it('a failure on one side is the status, and the other side is there', () => {
    const squared = { evaluate: (_t: number, y: Float64Array) => y.map((value) => value * value) };
    const solution = solve({ ...bare, field: squared, saveAt: { times: [2, -1] } });
    expect(solution.status).not.toBe('success');
    expect(solution.ys[0][0]).toBeNaN();
    expect(solution.ys[1][0]).toBeCloseTo(0.5, 5);
  });

  it('with an end the other side is refused, and so is a terminal event', () => {
    expect(() => solve({ ...bare, t1: 1, saveAt: { times: [1, -1] } })).toThrow(
      expect.objectContaining({ code: 'bad-save-at' }),
    );
    const events = [{ value: (t: number) => t - 0.5, terminal: true }];
    expect(() => solve({ ...bare, saveAt: { times: [1, -1] }, events })).toThrow(
      expect.objectContaining({ code: 'bad-event' }),
    );
  });
});

describe('existence and uniqueness', () => {
  const root = { evaluate: (_t: number, y: Float64Array) => y.map((value) => 3 * Math.cbrt(value) ** 2) };

  it("y' = y² from 1 has no solution beyond t = 1: the status names that time to 1 %, with every kind of method", () => {
    const squared = { evaluate: (_t: number, y: Float64Array) => y.map((value) => value * value) };
    for (const method of [undefined, kvaerno5]) {
      const solution = solve({ ...bare, field: squared, t1: 2, method });
      expect(['min-step', 'non-finite', 'max-steps']).toContain(solution.status);
      expect(Math.abs((solution.failedAt ?? 0) - 1)).toBeLessThan(0.01);
      expect(solution.advice).toMatch(/t = /);
    }
  });

  it("y' = 3y^(2/3) from 0 has the solutions 0 and t³: the solver stays on 0, and from any start above it follows t³ (1e-3)", () => {
    expect(solve({ ...bare, field: root, y0: Float64Array.of(0), t1: 2 })).toMatchObject({
      status: 'success',
      ys: [Float64Array.of(0)],
    });
    const above = solve({ ...bare, field: root, y0: Float64Array.of(1e-12), t1: 2, rtol: 1e-8, atol: 1e-14 });
    expect(above.status).toBe('success');
    expect(Math.abs(above.ys[0][0] - 8)).toBeLessThan(8e-3);
  });
});

describe('scales, counts and edges', () => {
  it('a timescale of 6,000, and of 1e-9, is the same path to 1e-6', () => {
    for (const scale of [6000, 1e-9]) {
      const field = { evaluate: (_t: number, y: Float64Array) => y.map((value) => -value / scale) };
      const { status, ys } = solve({ ...bare, field, t1: scale });
      expect(status).toBe('success');
      expect(Math.abs(ys[0][0] - Math.exp(-1))).toBeLessThan(1e-6);
    }
  });

  it('states of 1e-150 and of 1e150, with tolerances to match', () => {
    for (const size of [1e-150, 1e150]) {
      const { ys } = solve({ ...bare, y0: Float64Array.of(size), t1: 1, atol: size * 1e-9 });
      expect(Math.abs(ys[0][0] / size - Math.exp(-1))).toBeLessThan(1e-6);
    }
  });

  it('maxSteps is met exactly: so many steps succeed, one fewer does not; a fixed grid has no limit of its own', () => {
    for (const controller of [pi(), constantSteps(40)]) {
      const needed = solve({ ...bare, t1: 1, controller }).statistics;
      const attempts = needed.accepted + needed.rejected;
      expect(solve({ ...bare, t1: 1, controller, maxSteps: attempts }).status).toBe('success');
      expect(solve({ ...bare, t1: 1, controller, maxSteps: attempts - 1 }).status).toBe('max-steps');
    }
    expect(solve({ ...bare, t1: 1, method: rk4, controller: constantSteps(150_000) }).status).toBe('success');
  });

  it('an empty span answers every kind of output and gradient; −0 is 0', () => {
    const times = [-0, 0, 0];
    const field = withDifferences(decay.evaluate);
    const empty = { ...bare, field, parameters: new Float64Array(0), parameterSpace: float64Space, saveAt: { times } };
    for (const gradient of [backprop(), checkpointed({ checkpoints: 2 }), adjoint()]) {
      const { solution, pullback } = solveWithGradient({ ...empty, gradient });
      expect(solution.ys.map(([y]) => y)).toEqual([1, 1, 1]);
      expect(pullback(solution.ys).y0).toEqual(Float64Array.of(3));
    }
    expect(solve({ ...bare, t1: 0, saveAt: { dense: true } }).at?.(-0)).toEqual(Float64Array.of(1));
    expect(linspace(-1, 1, 3).map((t) => solve({ ...bare, t0: t, t1: t, saveAt: { steps: true } }).ys.length)).toEqual([
      1, 1, 1,
    ]);
  });
});
