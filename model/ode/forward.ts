/**
 * Forward sensitivities: how every saved state moves when the start and the parameters move in one direction, solved
 * alongside: dw/dt = ∂f/∂y·w + ∂f/∂θ·δθ, w(t0) = δy0 − f·δt0. One direction a solve, memory of two states.
 */
import { ensure } from './ode-error.ts';
import { pairSpace } from './pair-space.ts';
import { createStatistics, evaluate } from './problem.ts';
import { type Solution, type SolveOptions, solve } from './solve.ts';

export interface Direction<S, P> {
  readonly y0: S;
  readonly parameters: P;
  readonly t0?: number;
}

export interface ForwardOptions<S, P> extends Omit<SolveOptions<S, P>, 'events'> {
  /** The field must have a `jvp`. */
  readonly direction: Direction<S, P>;
}

export interface ForwardSolution<S> extends Omit<Solution<S>, 'at' | 'events'> {
  /** d ys[i] along the direction. */
  readonly tangents: readonly S[];
}

/** @throws OdeError for a bad argument, `bad-field` when the field has no `jvp`. */
export function solveForward<S, P>(options: ForwardOptions<S, P>): ForwardSolution<S> {
  const { space, field, direction, y0, t0, saveAt = { final: true } } = options;
  ensure(
    field.jvp !== undefined,
    'bad-field',
    () => 'A forward gradient needs field.jvp: use fieldOf or withDifferences.',
  );
  ensure(!('dense' in saveAt), 'bad-gradient', () => 'saveAt: { dense: true } has no forward gradient; ask for times.');
  const jvp = field.jvp.bind(field);
  const problem = { ...options, statistics: createStatistics() };
  const w0 = space.combine(direction.y0, [-(direction.t0 ?? 0)], [evaluate(problem, t0, y0)]);
  const solution = solve({
    ...options,
    space: pairSpace(space, space, 'both'),
    field: {
      evaluate: (t, { first: y, second: w }, parameters) => ({
        first: field.evaluate(t, y, parameters),
        second: jvp(t, y, parameters, { y: w, parameters: direction.parameters }),
      }),
    },
    y0: { first: y0, second: w0 },
  });
  space.dispose(w0);
  const { at: _, events: __, ...rest } = solution;
  return { ...rest, ys: solution.ys.map(({ first }) => first), tangents: solution.ys.map(({ second }) => second) };
}
