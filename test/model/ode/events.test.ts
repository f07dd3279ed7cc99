import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  adjoint,
  backprop,
  checkpointed,
  constantSteps,
  dop853,
  type Event,
  eventCotangent,
  fieldOf,
  float64Space,
  kvaerno5,
  type Method,
  pi,
  rk4,
  type SolveOptions,
  solve,
  solveWithGradient,
  tsit5,
} from '../../../model/ode/index.ts';
import { differences, relativeError } from './support.ts';

type Options = SolveOptions<Float64Array, Float64Array>;

/** A ball under gravity g with drag k: y'' = −g − k·v. */
const ball = fieldOf(({ sub, mul, neg }, _t, [, v], [g, k]) => [v, sub(neg(g), mul(k, v))]);
const ground: Event<Float64Array> = {
  value: (_t, [y]) => y,
  direction: 'falling',
  terminal: true,
  gradient: () => ({ y: Float64Array.of(1, 0), t: 0 }),
};
const thrown: Options = {
  space: float64Space,
  field: ball,
  parameters: Float64Array.of(10, 0),
  y0: Float64Array.of(0, 20),
  t0: 0,
  t1: 100,
  events: [ground],
};

const circle = { ...thrown, field: fieldOf((_, _t, [x, y], [w]) => [_.mul(w, y), _.neg(_.mul(w, x))]) };
const zeroOf = (i: number, direction: Event<Float64Array>['direction'] = 'either'): Event<Float64Array> => ({
  value: (_t, y) => y[i],
  direction,
});

describe('a terminal event ends the solve', () => {
  it.each([
    ['dopri5', {}],
    ['tsit5', { method: tsit5 }],
    ['dop853', { method: dop853 }],
    ['kvaerno5', { method: kvaerno5 }],
    ['rk4', { method: rk4, controller: constantSteps(60) }],
  ] satisfies [string, { method?: Method; controller?: Options['controller'] }][])(
    '%s: the ball lands at 4 with −20, to 1e-9 (a parabola is exact)',
    (_name, choice) => {
      const solution = solve({ ...thrown, ...choice });
      expect(solution.status).toBe('success');
      expect(Math.abs((solution.stoppedAt ?? 0) - 4)).toBeLessThan(1e-9);
      expect(relativeError(solution.ys[0], [0, -20])).toBeLessThan(1e-9);
      expect(solution.events).toEqual([{ event: 0, t: solution.stoppedAt, y: solution.ys[0] }]);
    },
  );

  it('output before it is there, output after it is NaN, in every kind of output', () => {
    const times = solve({ ...thrown, saveAt: { times: [5, 1, 3.9] } });
    expect(times.ys.map(([y]) => y)).toEqual([Number.NaN, expect.closeTo(15, 9), expect.closeTo(1.95, 9)]);
    const steps = solve({ ...thrown, saveAt: { steps: true } });
    expect(steps.times.at(-1)).toBe(steps.stoppedAt);
    const dense = solve({ ...thrown, saveAt: { dense: true } });
    expect(dense.at?.(2)[0]).toBeCloseTo(20, 9);
    expect(dense.at?.(4.1)[0]).toBeNaN();
  });
});

describe('events on the way', () => {
  const options = {
    ...circle,
    parameters: Float64Array.of(1),
    y0: Float64Array.of(1, 0.5),
    t1: 20,
    controller: pi({ rtol: 1e-10, atol: 1e-12 }),
  };
  const angle = Math.atan2(0.5, 1);
  // x = r cos(angle − t), zero at angle − π/2 − nπ …, so at t = angle + π/2 + nπ.
  const zeros = [0, 1, 2, 3, 4, 5].map((n) => angle + Math.PI / 2 + n * Math.PI).filter((t) => t < 20);

  it('all zeros of a rotation to 1e-9, in order, at no evaluation of the field', () => {
    const plain = solve({ ...options, events: undefined });
    const solution = solve({ ...options, events: [zeroOf(0)] });
    expect(relativeError(solution.events?.map(({ t }) => t) ?? [], zeros)).toBeLessThan(1e-9);
    expect(solution.events).toHaveLength(zeros.length);
    expect(solution.statistics).toEqual(plain.statistics);
    expect(solution.ys).toEqual(plain.ys);
  });

  it('several at once, by direction, and backwards in time', () => {
    const events = [zeroOf(0, 'falling'), zeroOf(0, 'rising'), zeroOf(1)];
    const solution = solve({ ...options, events });
    const times = (index: number) => solution.events?.filter(({ event }) => event === index).map(({ t }) => t) ?? [];
    expect(
      relativeError(
        times(0),
        zeros.filter((_, i) => i % 2 === 0),
      ),
    ).toBeLessThan(1e-9);
    expect(
      relativeError(
        times(1),
        zeros.filter((_, i) => i % 2 === 1),
      ),
    ).toBeLessThan(1e-9);
    expect(solution.events?.map(({ t }) => t)).toEqual(solution.events?.map(({ t }) => t).sort((a, b) => a - b));
    const back = solve({ ...options, y0: solution.ys[0], t0: 20, t1: 0, events: [zeroOf(0)] });
    expect(relativeError(back.events?.map(({ t }) => t) ?? [], zeros.toReversed())).toBeLessThan(1e-8);
  });

  it('there and back within one step: both zeros of a parabola to 1e-12, in one part only they go unseen', () => {
    const at = (samples: number | undefined, method: Method) => {
      const level: Event<Float64Array> = { value: (_t, [y]) => y - 14, samples };
      const controller = constantSteps(1);
      return solve({ ...thrown, t1: 4, method, controller, events: [level] }).events?.map(({ t }) => t) ?? [];
    };
    for (const method of [rk4, tsit5, dop853]) {
      expect(relativeError(at(undefined, method), [2 - Math.sqrt(1.2), 2 + Math.sqrt(1.2)])).toBeLessThan(1e-12);
      expect(at(undefined, method)).toHaveLength(2);
      expect(at(1, method)).toEqual([]);
    }
    expect(() => at(0, rk4)).toThrow(expect.objectContaining({ code: 'bad-event' }));
  });

  it('a terminal event ends the solve at the first of its zeros in a step', () => {
    const events = [{ value: (_t: number, [y]: Float64Array) => y - 14, terminal: true }];
    const { stoppedAt } = solve({ ...thrown, t1: 4, method: rk4, controller: constantSteps(1), events });
    expect(stoppedAt).toBeCloseTo(2 - Math.sqrt(1.2), 12);
  });

  it('starting on a zero finds the next one, not that one', () => {
    const bounce = solve({ ...thrown, y0: Float64Array.of(0, 10) });
    expect(bounce.stoppedAt).toBeCloseTo(2, 9);
  });

  it('whatever the level and speed: a straight line is met to 1e-12 of the span', () => {
    const line = fieldOf((_, _t, _y, [speed]) => [speed]);
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 50, noNaN: true }),
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        (speed, share) => {
          const level = speed * 10 * share;
          const events = [{ value: (_t: number, [y]: Float64Array) => y - level, terminal: true }];
          const options = {
            ...thrown,
            field: line,
            parameters: Float64Array.of(speed),
            y0: Float64Array.of(0),
            t1: 10,
            events,
          };
          expect(Math.abs((solve(options).stoppedAt ?? -1) - 10 * share)).toBeLessThan(1e-11);
        },
      ),
      { numRuns: 100, seed: 9 },
    );
  });
});

describe("gradients through an event's time agree with differences to 1e-7", () => {
  const options = { ...thrown, parameters: Float64Array.of(10, 0.1), controller: pi({ rtol: 1e-11, atol: 1e-12 }) };
  // L = 3·t* + 2·v*: how late and how fast the ball lands.
  const loss = (y0: Float64Array, parameters: Float64Array): number => {
    const { stoppedAt = Number.NaN, ys } = solve({ ...options, y0, parameters });
    return 3 * stoppedAt + 2 * ys[0][1];
  };

  it.each([backprop(), adjoint()].map((gradient) => [gradient.name, gradient] as const))('%s', (_name, gradient) => {
    const [found] = solve(options).events ?? [];
    const cotangent = eventCotangent(options, ground, found, { y: Float64Array.of(0, 2), t: 3 });
    const { events: _, t1: __, ...open } = options;
    const through = { ...open, parameterSpace: float64Space, saveAt: { times: [found.t] }, gradient };
    const { y0, parameters } = solveWithGradient(through).pullback([cotangent]);
    expect(
      relativeError(
        y0,
        differences((x) => loss(x, options.parameters), options.y0),
      ),
    ).toBeLessThan(1e-7);
    expect(
      relativeError(
        parameters,
        differences((x) => loss(options.y0, x), options.parameters),
      ),
    ).toBeLessThan(1e-7);
  });

  const MODES = [backprop(), checkpointed({ checkpoints: 3 }), adjoint()];

  it.each(MODES.map((gradient) => [gradient.name, gradient] as const))(
    '%s, with the event in the solve',
    (_name, gradient) => {
      const { solution, pullback } = solveWithGradient({ ...options, parameterSpace: float64Space, gradient });
      expect(solution.stoppedAt).toBe(solve(options).stoppedAt);
      expect(solution.ys[0][0]).toBeCloseTo(0, 9);
      const { y0, parameters } = pullback([Float64Array.of(0, 2)], 3);
      const byStart = differences((x) => loss(x, options.parameters), options.y0);
      const byParameter = differences((x) => loss(options.y0, x), options.parameters);
      expect(relativeError(y0, byStart)).toBeLessThan(1e-7);
      expect(relativeError(parameters, byParameter)).toBeLessThan(1e-7);
    },
  );

  it.each([
    ['times, some of them never reached', { times: [1, 50, 2.5] }],
    ['steps', { steps: true }],
  ] as const)('%s: states before the event and the time of the event in one loss', (_what, saveAt) => {
    // The steps' own times are not moved: the states at them are read off at the times of the first solve.
    const fixed = 'times' in saveAt ? saveAt.times : [...solve({ ...options, saveAt }).times.slice(0, -1)];
    const reached = fixed.filter((t) => t < 4);
    const read = (y0: Float64Array): number => {
      const { ys, stoppedAt = Number.NaN } = solve({ ...options, y0, saveAt: { times: reached } });
      return stoppedAt + ys.reduce((sum, [y]) => sum + y, 0);
    };
    const solved = solveWithGradient({ ...options, saveAt, parameterSpace: float64Space, gradient: backprop() });
    const cotangents = solved.solution.ys.map((_, i) => Float64Array.of(fixed[i] < 4 ? 1 : 0, 0));
    const { y0, timing } = solved.pullback(cotangents, 1);
    expect(relativeError(y0, differences(read, options.y0))).toBeLessThan(1e-6);
    expect(timing().times).toHaveLength(solved.solution.ys.length);
    expect(timing().times.every(Number.isFinite)).toBe(true);
  });

  it('an event that does not come changes nothing', () => {
    const early = { ...options, t1: 1, parameterSpace: float64Space, gradient: backprop() };
    const plain = solveWithGradient({ ...early, events: undefined }).pullback([options.y0]);
    expect(solveWithGradient(early).pullback([options.y0]).y0).toEqual(plain.y0);
  });

  it('without the gradient of the event it says what to do', () => {
    const found = { event: 0, t: 1, y: options.y0 };
    const act = () => eventCotangent(options, { value: ground.value }, found, { y: options.y0, t: 0 });
    expect(act).toThrow(expect.objectContaining({ code: 'bad-event' }));
    const bare = { ...options, events: [{ value: ground.value, terminal: true }], parameterSpace: float64Space };
    const direct = () => solveWithGradient({ ...bare, gradient: backprop() }).pullback([options.y0]);
    expect(direct).toThrow(expect.objectContaining({ code: 'bad-event' }));
  });
});
