/** A field with its parameters and space, and the count of what its solution cost. */
import type { StateSpace } from './state-space.ts';
import type { VectorField } from './vector-field.ts';

/** What a solve cost. A product with the Jacobian, either way, counts as an evaluation. */
export interface Statistics {
  functionEvaluations: number;
  accepted: number;
  rejected: number;
  /** Whether the steps were held back by stability rather than by accuracy (explicit methods on the host only). */
  looksStiff: boolean;
  /** Attempted steps whose implicit stages did not converge. */
  newtonFailures: number;
}

export interface Problem<S, P> {
  readonly space: StateSpace<S>;
  readonly field: VectorField<S, P>;
  readonly parameters: P;
  /** Counted up as the solve goes on. */
  readonly statistics: Statistics;
}

export function createStatistics(): Statistics {
  return { functionEvaluations: 0, accepted: 0, rejected: 0, looksStiff: false, newtonFailures: 0 };
}

/**
 * f(t, y) as a state that the solver owns. A host field may return anything (its argument, a buffer of its own that it
 * returns every time): it is copied unless it is `into`.
 */
export function evaluate<S, P>(problem: Problem<S, P>, t: number, y: S, into?: S): S {
  problem.statistics.functionEvaluations++;
  return slopeAt(problem.space, problem.field, t, y, problem.parameters, into);
}

/** The same, uncounted. */
export function slopeAt<S, P>(
  space: StateSpace<S>,
  field: VectorField<S, P>,
  t: number,
  y: S,
  parameters: P,
  into: S | undefined,
): S {
  if (space.residence !== 'host') return slopeInScope(space, field, t, y, parameters);
  const slope = field.evaluate(t, y, parameters, into);
  return slope === into ? slope : copyOf(space, slope, into);
}

function slopeInScope<S, P>(space: StateSpace<S>, field: VectorField<S, P>, t: number, y: S, parameters: P): S {
  return space.scope(() => {
    const slope = field.evaluate(t, y, parameters);
    return slope === y ? copyOf(space, slope, undefined) : slope;
  });
}

function copyOf<S>(space: StateSpace<S>, state: S, into: S | undefined): S {
  return space.combine(state, [], [], into);
}
