/**
 * The linear systems of an implicit step of the adjoint along a known path: d/dt [a, p] = [−Jᵀa, −Kᵀa] with J = ∂f/∂y and
 * K = ∂f/∂θ at the path. In blocks, I − s·∂/∂[a, p] is [I + s·Jᵀ, 0; s·Kᵀ, I], so that the forward problem's own linear
 * algebra solves for a, and one product gives p.
 */
import type { DifferentiableOptions } from './differentiable.ts';
import { fieldJacobian } from './field-jacobian.ts';
import { ensure } from './ode-error.ts';
import type { Pair } from './pair-space.ts';
import { createStatistics } from './problem.ts';
import { vjpOf } from './pullback.ts';
import type { Linearization } from './state-space.ts';

export function costateLinearization<S, P>(
  { space, parameterSpace, field, parameters }: DifferentiableOptions<S, P>,
  at: (t: number) => S,
  inner: Linearization<S>,
): Linearization<Pair<S, P>> {
  const jacobian = fieldJacobian({ space, field, parameters, statistics: createStatistics() });
  const pull = vjpOf(field);
  let path: S | undefined;
  let scale = Number.NaN;
  const solve = (b: Pair<S, P>, into?: Pair<S, P>): Pair<S, P> => {
    const first = inner.solveTransposed(b.first, into?.first);
    const pulled = pull(jacobian.t, path ?? b.first, parameters, first);
    return { first, second: parameterSpace.combine(b.second, [-scale], [pulled.parameters], into?.second) };
  };
  return {
    update: ({ t }) => {
      path = at(t);
      jacobian.t = t;
      inner.update(jacobian, path);
    },
    shift: (given) => {
      scale = given;
      inner.shift(-given);
    },
    solve,
    solveTransposed: (b) => {
      ensure(false, 'bad-gradient', () => "The adjoint's own solve cannot be differentiated.");
      return b;
    },
  };
}
