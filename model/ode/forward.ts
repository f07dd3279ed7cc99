/**
 * Forward sensitivities: how every saved state moves when the start and the parameters move in one direction, solved
 * alongside: dw/dt = ∂f/∂y·w + ∂f/∂θ·δθ, w(t0) = δy0 − f·δt0. One direction a solve, memory of two states.
 */
import { type Augmented, augmentedSpace } from './augmented-space.ts';
import { noParameters } from './no-parameters.ts';
import { ensure } from './ode-error.ts';
import { evaluate } from './problem.ts';
import { createPlan, type Solution, type SolveOptions, solve } from './solve.ts';
import type { StateSpace } from './state-space.ts';

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
  const { jvp } = field;
  const { problem } = createPlan(options);
  const w0 = space.combine(direction.y0, [-(direction.t0 ?? 0)], [evaluate(problem, t0, y0)]);
  const pairs: StateSpace<Augmented<S, null>> = augmentedSpace(space, noParameters);
  const solution = solve({
    ...options,
    space: pairs,
    field: {
      evaluate: (t, { y, a }, parameters) => ({
        y: field.evaluate(t, y, parameters),
        a: jvp(t, y, parameters, { y: a, parameters: direction.parameters }),
        p: null,
      }),
    },
    y0: { y: y0, a: w0, p: null },
  });
  space.dispose(w0);
  const { at: _, events: __, ...rest } = solution;
  return { ...rest, ys: solution.ys.map(({ y }) => y), tangents: solution.ys.map(({ a }) => a) };
}
