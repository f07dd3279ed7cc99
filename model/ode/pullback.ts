/** What every gradient mode shares: checks, the vector–Jacobian product that counts, gradients of times, and failure. */
import { adjacent } from './adjacent-double.ts';
import type { DifferentiableOptions, Gradients } from './gradient.ts';
import type { Ending } from './integrate.ts';
import { ensure } from './ode-error.ts';
import { createStatistics, evaluate, type Problem, type Statistics } from './problem.ts';
import type { Solution } from './solution.ts';
import type { Cotangents, VectorField } from './vector-field.ts';

/** @throws OdeError `bad-field` when the field has no derivative, `bad-gradient` for dense output. */
export function checkDifferentiable<S, P>({
  field,
  saveAt = { final: true },
  events,
}: DifferentiableOptions<S, P>): void {
  const stops = events?.some(({ terminal }) => terminal) ?? false;
  ensure(
    !stops,
    'bad-gradient',
    () => 'Solve with the terminal event first, then differentiate up to its time: eventCotangent.',
  );
  ensure(
    field.vjp !== undefined,
    'bad-field',
    () => 'A gradient needs field.vjp; give it, or wrap the field with one.',
  );
  ensure(!('dense' in saveAt), 'bad-gradient', () => 'saveAt: { dense: true } has no gradient; ask for times.');
}

/** @throws OdeError `bad-cotangents` */
export function checkCotangents<S, P>(
  { space }: DifferentiableOptions<S, P>,
  { ys }: Solution<S>,
  cotangents: readonly S[],
): void {
  const matches = cotangents.length === ys.length && cotangents.every((g, i) => space.sameShape(g, ys[i]));
  ensure(matches, 'bad-cotangents', () => `Give one cotangent of the shape of y0 for each of the ${ys.length} states.`);
}

export function vjp<S, P>(problem: Problem<S, P>, t: number, y: S, cotangent: S): Cotangents<S, P> {
  problem.statistics.functionEvaluations++;
  return vjpOf(problem.field)(t, y, problem.parameters, cotangent);
}

/** The field's product, which `checkDifferentiable` saw to be there. */
export function vjpOf<S, P>(field: VectorField<S, P>): NonNullable<VectorField<S, P>['vjp']> {
  return (t, y, parameters, cotangent) => {
    ensure(field.vjp !== undefined, 'bad-field', () => 'A gradient needs field.vjp.');
    return field.vjp(t, y, parameters, cotangent);
  };
}

/**
 * ∂L/∂tᵢ = gᵢ·f(tᵢ, yᵢ); moving the start alone loses λ(t0)·f(t0, y0). At a jump of the field these are the slopes that the
 * solve saw: before it at a saved time, after it at the start.
 */
export function timing<S, P>(
  options: DifferentiableOptions<S, P>,
  solution: Solution<S>,
  cotangents: readonly S[],
  y0Gradient: S,
): { t0: number; times: Float64Array } {
  const { space, field, parameters, y0, t0 } = options;
  const problem = { space, field, parameters, statistics: createStatistics() };
  const along = (t: number, y: S, g: S): number => space.scope(() => space.dot(g, evaluate(problem, t, y)));
  const jumps = new Set(Array.from(options.jumps ?? []));
  const seen = (t: number, way: number): number => (jumps.has(t) ? adjacent(t, way) : t);
  const ahead = Math.sign(solution.times.reduce((sum, t) => sum + Math.sign(t - t0), 0)) || 1;
  return {
    t0: -along(seen(t0, ahead), y0, y0Gradient),
    times: solution.times.map((t, i) => along(seen(t, t === t0 ? ahead : -ahead), solution.ys[i], cotangents[i])),
  };
}

/** Gradients of a solve that failed, forwards or backwards: NaN, and the status that says so. */
export function failedGradients<S, P>(
  { space, parameterSpace, y0, parameters }: DifferentiableOptions<S, P>,
  solution: Solution<S>,
  { status, failedAt }: Ending,
  statistics: Statistics,
): Gradients<S, P> {
  const times = new Float64Array(solution.times.length).fill(Number.NaN);
  return {
    status,
    failedAt,
    y0: space.combine(y0, [Number.NaN], [y0]),
    parameters: parameterSpace.combine(parameters, [Number.NaN], [parameters]),
    timing: () => ({ t0: Number.NaN, times }),
    statistics,
  };
}
