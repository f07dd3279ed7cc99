/**
 * Gradients through a solve. How they are computed is a value (`backprop()`, `adjoint()`), so that a caller changes
 * the trade between memory, cost and exactness in one word.
 */
import { addStatistics, type BothWays, bothWays, type Halves, joinSolutions, merged } from './both-ways.ts';
import type { Differentiable, DifferentiableOptions, Gradient, Gradients } from './differentiable.ts';
import { differentiateStopped } from './event-gradient.ts';
import { float64Space } from './float64-space.ts';
import { noParameters } from './no-parameters.ts';
import { ensure } from './ode-error.ts';
import {
  lacksHostParameters,
  lacksParameters,
  type WithoutHostParameters,
  type WithoutParameters,
} from './solution.ts';
import type { StateSpace } from './state-space.ts';

export type { Differentiable, DifferentiableOptions, Gradient, Gradients };

/** Solves, and keeps what the gradient needs. @throws OdeError for a bad argument. */
export function solveWithGradient<S, P>(
  options: DifferentiableOptions<S, P> & { readonly gradient: Gradient },
): Differentiable<S, P>;
export function solveWithGradient<S>(
  options: WithoutParameters<DifferentiableOptions<S, null>> & { readonly gradient: Gradient },
): Differentiable<S, null>;
export function solveWithGradient(
  options: WithoutHostParameters<DifferentiableOptions<Float64Array, Float64Array>> & { readonly gradient: Gradient },
): Differentiable<Float64Array, Float64Array>;
export function solveWithGradient<S, P>(
  options: (
    | DifferentiableOptions<S, P>
    | WithoutParameters<DifferentiableOptions<S, null>>
    | WithoutHostParameters<DifferentiableOptions<Float64Array, Float64Array>>
  ) & {
    readonly gradient: Gradient;
  },
): Differentiable<S, P> | Differentiable<S, null> | Differentiable<Float64Array, Float64Array> {
  const { gradient } = options;
  if (lacksHostParameters<DifferentiableOptions<Float64Array, Float64Array>>(options)) {
    const parameters = options.field.none;
    return differentiate<Float64Array, Float64Array>(gradient, {
      ...options,
      parameters,
      parameterSpace: float64Space,
    });
  }
  return lacksParameters<DifferentiableOptions<S, P>, DifferentiableOptions<S, null>>(options)
    ? differentiate(gradient, { ...options, parameters: null, parameterSpace: noParameters })
    : differentiate(gradient, options);
}

function differentiate<S, P>(gradient: Gradient, options: DifferentiableOptions<S, P>): Differentiable<S, P> {
  const both = bothWays<S, P, DifferentiableOptions<S, P>>(options);
  if (both === undefined) return differentiateOneWay(gradient, options);
  return joinDifferentiables(both, [gradient.forward(both.options[0]), gradient.forward(both.options[1])]);
}

function differentiateOneWay<S, P>(gradient: Gradient, options: DifferentiableOptions<S, P>): Differentiable<S, P> {
  const stopped = differentiateStopped(gradient, options);
  if (stopped !== undefined) return stopped;
  const events = options.events?.map((event) => ({ ...event, terminal: false }));
  return gradient.forward({ ...options, events });
}

/** Gradients of both halves, added: they share the start and the parameters. */
function joinDifferentiables<S, P>(
  both: BothWays<{ readonly space: StateSpace<S>; readonly parameterSpace: StateSpace<P> }>,
  halves: Halves<Differentiable<S, P>>,
): Differentiable<S, P> {
  const [{ space, parameterSpace }] = both.options;
  const solution = joinSolutions(both, [halves[0].solution, halves[1].solution]);
  return {
    solution,
    pullback: (cotangents) => {
      const expected = solution.ys.length;
      ensure(
        cotangents.length === expected,
        'bad-cotangents',
        () => `Give one cotangent for each of ${expected} states.`,
      );
      const half = (i: 0 | 1) => halves[i].pullback(both.indices[i].map((index) => cotangents[index]));
      const [later, earlier] = [half(0), half(1)];
      return {
        ...joinGradients(both.indices, later, earlier),
        y0: added(space, later.y0, earlier.y0),
        parameters: added(parameterSpace, later.parameters, earlier.parameters),
      };
    },
    dispose: () => {
      for (const { dispose } of halves) dispose();
    },
  };
}

/** Timing is asked for lazily and reads ∂L/∂y0: it is taken before the halves' own are freed. */
function joinGradients<S, P>(
  indices: Halves<readonly number[]>,
  later: Gradients<S, P>,
  earlier: Gradients<S, P>,
): Pick<Gradients<S, P>, 'status' | 'failedAt' | 'timing' | 'statistics'> {
  const { status, failedAt } = later.status === 'success' ? earlier : later;
  const [ahead, back] = [later.timing(), earlier.timing()];
  const times = Float64Array.from(merged(indices, [ahead.times, back.times]));
  const statistics = addStatistics(later.statistics, earlier.statistics);
  return { status, failedAt, timing: () => ({ t0: ahead.t0 + back.t0, times }), statistics };
}

function added<T>(space: StateSpace<T>, a: T, b: T): T {
  const sum = space.combine(a, [1], [b]);
  space.dispose(a);
  space.dispose(b);
  return sum;
}
