import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  adjoint,
  backprop,
  fieldOf,
  float64Space,
  lipschitzAlong,
  noParameters,
  pi,
  secondOrder,
  solve,
  solveEach,
  solveEachWithGradient,
  solveForward,
  solveWithGradient,
  type VectorField,
  withDifferences,
} from '../../../model/ode/index.ts';
import { differences, neuralField, relativeError } from './support.ts';

type HostField = VectorField<Float64Array, Float64Array>;

/** Every operation once, and constants on either side. */
const everything = fieldOf(({ add, sub, mul, div, neg, pow, exp, log, sqrt, sin, cos, tanh }, t, [a, b], [p, q]) => [
  add(mul(p, sin(a)), div(cos(mul(2, t)), add(2, mul(b, b)))),
  sub(
    tanh(mul(q, a)),
    add(neg(log(add(2, sin(t)))), mul(sqrt(add(1, mul(a, a))), sub(exp(neg(mul(b, b))), pow(b, 3)))),
  ),
]);

const FIELDS: [string, HostField, number][] = [
  ['a formula', everything, 1e-8],
  ['differences', withDifferences((t, y, p) => everything.evaluate(t, y, p)), 1e-6],
  ['differences of a function that returns one buffer', withDifferences(neuralFirstTwo()), 1e-6],
];

function neuralFirstTwo(): HostField['evaluate'] {
  const buffer = new Float64Array(2);
  return (t, y, [p, q]) => neuralField.evaluate(t, y, Float64Array.of(p, q, q, p, 1, p), buffer);
}

const point = fc.double({ min: -2, max: 2, noNaN: true });

describe.each(FIELDS)('derivatives of %s agree with extrapolated differences', (_name, field, tolerance) => {
  const { evaluate, vjp, jvp } = field;
  it(`vjp and jvp to ${tolerance} at random points, and with one another to 1e-6`, () => {
    fc.assert(
      fc.property(fc.tuple(point, point, point, point, point, point, point), ([t, a, b, p, q, g, h]) => {
        const [y, parameters, cotangent] = [Float64Array.of(a, b), Float64Array.of(p, q), Float64Array.of(g, h)];
        const along = (value: Float64Array): number => float64Space.dot(cotangent, value);
        const pulled = vjp?.(t, y, parameters, cotangent);
        expect(
          relativeError(
            pulled?.y ?? [],
            differences((x) => along(evaluate(t, x, parameters)), y),
          ),
        ).toBeLessThan(tolerance);
        const byParameters = differences((x) => along(evaluate(t, y, x)), parameters);
        expect(relativeError(pulled?.parameters ?? [], byParameters)).toBeLessThan(tolerance);
        const pushed = jvp?.(t, y, parameters, { y: cotangent, parameters: Float64Array.of(h, g) });
        const both =
          float64Space.dot(pulled?.y ?? y, cotangent) +
          h * (pulled?.parameters[0] ?? 0) +
          g * (pulled?.parameters[1] ?? 0);
        expect(Math.abs(along(pushed ?? y) - both)).toBeLessThan(1e-6 * Math.max(1, Math.abs(both)));
      }),
      { numRuns: 50, seed: 8 },
    );
  });
});

describe('gradients of a formula', () => {
  const options = {
    space: float64Space,
    parameterSpace: float64Space,
    field: everything,
    parameters: Float64Array.of(0.7, -0.4),
    y0: Float64Array.of(0.5, 0.3),
    t0: 0,
    saveAt: { times: [1.5, 0.4] },
    controller: pi({ rtol: 1e-11, atol: 1e-12 }),
  };
  const cotangents = [Float64Array.of(1, -2), Float64Array.of(0.5, 1)];

  it('forward tangents agree with backprop and the adjoint along three directions to 1e-8', () => {
    for (const gradient of [backprop(), adjoint()]) {
      const pulled = solveWithGradient({ ...options, gradient }).pullback(cotangents);
      for (const direction of [
        { y0: Float64Array.of(1, 0), parameters: Float64Array.of(0, 0) },
        { y0: Float64Array.of(0, 0), parameters: Float64Array.of(0.3, 1) },
        { y0: Float64Array.of(0, 0), parameters: Float64Array.of(0, 0), t0: 1 },
      ]) {
        const { tangents } = solveForward({ ...options, direction });
        const forward = tangents.reduce((sum, tangent, i) => sum + float64Space.dot(tangent, cotangents[i]), 0);
        const { dot } = float64Space;
        const backward = dot(pulled.y0, direction.y0) + dot(pulled.parameters, direction.parameters);
        const byStart = direction.t0 === undefined ? 0 : pulled.timing().t0;
        expect(Math.abs(forward - backward - byStart)).toBeLessThan(1e-8);
      }
    }
  });

  it('a field without a jvp is refused', () => {
    const direction = { y0: options.y0, parameters: options.parameters };
    const act = () => solveForward({ ...options, field: neuralField, direction });
    expect(act).toThrow(expect.objectContaining({ code: 'bad-field' }));
  });
});

describe('samples of their own', () => {
  const shared = {
    space: float64Space,
    parameterSpace: float64Space,
    field: everything,
    parameters: Float64Array.of(0.7, -0.4),
  };
  const samples = [
    { y0: Float64Array.of(0.5, 0.3), t0: 0, saveAt: { times: [1, 0.2] } },
    { y0: Float64Array.of(-0.5, 0.1), t0: 3, saveAt: { times: [0.5, 2, 0.7] } },
    { y0: Float64Array.of(1e3, 1e3), t0: 0, t1: 50 },
    { y0: Float64Array.of(0.1, 0.2), t0: 1, t1: 1.1, saveAt: { steps: true as const } },
  ];

  it('each result is the same bits alone and in any batch, and one failure is its own', () => {
    const alone = samples.map((sample) => solve({ ...shared, ...sample, maxSteps: 200 }));
    const together = solveEach({ ...shared, maxSteps: 200 }, samples);
    const reversed = solveEach({ ...shared, maxSteps: 200 }, samples.toReversed()).toReversed();
    expect(together).toEqual(alone);
    expect(reversed).toEqual(alone);
    expect(together.map(({ status }) => status === 'success')).toEqual([true, true, false, true]);
  });

  it('gradients: y0 sample by sample, parameters summed', () => {
    const good = samples.slice(0, 2);
    const cotangents = good.map(({ saveAt }) => saveAt?.times?.map((_, i) => Float64Array.of(i, 1)) ?? []);
    const each = solveEachWithGradient({ ...shared, gradient: backprop() }, good).pullback(cotangents);
    const alone = good.map((sample, i) =>
      solveWithGradient({ ...shared, ...sample, gradient: backprop() }).pullback(cotangents[i]),
    );
    expect(each.samples.map(({ y0 }) => y0)).toEqual(alone.map(({ y0 }) => y0));
    const sum = alone[0].parameters.map((value, i) => value + alone[1].parameters[i]);
    expect(relativeError(each.parameters, sum)).toBeLessThan(1e-15);
  });

  it('a field without parameters', () => {
    const decay = { evaluate: (_t: number, y: Float64Array) => y.map((value) => -value) };
    const [one] = solveEach({ space: float64Space, field: decay, parameters: null }, [
      { y0: Float64Array.of(1), t0: 0, t1: 1 },
    ]);
    expect(one.ys[0][0]).toBeCloseTo(Math.exp(-1), 6);
    expect(noParameters.zeros(null)).toBeNull();
  });
});

describe('second-order equations', () => {
  it('a damped oscillator, a y″ + b y′ + c y = d, follows its exact solution to 1e-6', () => {
    const field = secondOrder(({ div, sub, add, mul }, _t, [y], [v], [a, b, c, d]) => [
      div(sub(d, add(mul(b, v), mul(c, y))), a),
    ]);
    const exact = (t: number): number => 2 + Math.exp(-t) * (Math.cos(2 * t) + Math.sin(2 * t) / 2);
    const times = [0.5, 1, 2, 5];
    const parameters = Float64Array.of(1, 2, 5, 10);
    const { ys } = solve({
      space: float64Space,
      field,
      parameters,
      y0: Float64Array.of(3, 0),
      t0: 0,
      saveAt: { times },
    });
    expect(
      relativeError(
        ys.map(([y]) => y),
        times.map(exact),
      ),
    ).toBeLessThan(1e-6);
  });
});

describe('the Lipschitz estimate', () => {
  it('of a linear field is its largest singular value to 1e-6, and near 30 on the slow branch of Van der Pol with μ = 10', () => {
    const stretch = fieldOf(({ add, mul }, _t, [a, b]) => [add(mul(3, a), mul(4, b)), mul(5, b)]);
    const common = { space: float64Space, parameters: new Float64Array(0), still: new Float64Array(0) };
    const along = (field: HostField, y0: Float64Array) =>
      lipschitzAlong({ ...common, field }, solve({ ...common, field, y0, t0: 0, t1: 0.1 }))[0];
    // The singular values of [[3, 4], [0, 5]] are √45 and √5.
    expect(Math.abs(along(stretch, Float64Array.of(1, 1)) - Math.sqrt(45))).toBeLessThan(1e-6);
    const oscillator = fieldOf(({ sub, mul }, _t, [y, v]) => [v, sub(mul(10, mul(sub(1, mul(y, y)), v)), y)]);
    const estimate = along(oscillator, Float64Array.of(2, 0));
    expect(estimate).toBeGreaterThan(25);
    expect(estimate).toBeLessThan(35);
  });

  it('needs derivatives', () => {
    const options = {
      space: float64Space,
      field: neuralField,
      parameters: new Float64Array(6),
      still: new Float64Array(6),
    };
    const solution = solve({ ...options, y0: Float64Array.of(1, 1), t0: 0, t1: 1 });
    expect(() => lipschitzAlong(options, solution)).toThrow(expect.objectContaining({ code: 'bad-field' }));
  });
});
