/**
 * The state of the continuous adjoint: y, a = ∂L/∂y and p = ∂L/∂θ as one state (Chen et al. 2018, appendix B). The step
 * is controlled by y and a only: p feeds back into nothing, so its error needs no step (Kidger et al. 2021, "Hey, that's
 * not an ODE").
 */
import type { StateSpace } from './state-space.ts';

export interface Augmented<S, P> {
  readonly y: S;
  readonly a: S;
  readonly p: P;
}

export function augmentedSpace<S, P>(space: StateSpace<S>, parameters: StateSpace<P>): StateSpace<Augmented<S, P>> {
  type State = Augmented<S, P>;
  return {
    residence: space.residence,
    combine: (x, coefficients, terms, into) => {
      const states = terms.slice(0, coefficients.length);
      return {
        y: space.combine(
          x.y,
          coefficients,
          states.map((term) => term.y),
          into?.y,
        ),
        a: space.combine(
          x.a,
          coefficients,
          states.map((term) => term.a),
          into?.a,
        ),
        p: parameters.combine(
          x.p,
          coefficients,
          states.map((term) => term.p),
          into?.p,
        ),
      };
    },
    zeros: (like) => ({ y: space.zeros(like.y), a: space.zeros(like.a), p: parameters.zeros(like.p) }),
    errorRatio: (error, x0, x1, rtol, atol) => {
      const y = space.errorRatio(error.y, x0.y, x1.y, rtol, atol);
      const a = space.errorRatio(error.a, x0.a, x1.a, rtol, atol);
      return Math.max(y, a);
    },
    isFinite: (x) => space.isFinite(x.y) && space.isFinite(x.a) && parameters.isFinite(x.p),
    dot: (x, z) => space.dot(x.y, z.y) + space.dot(x.a, z.a) + parameters.dot(x.p, z.p),
    sameShape: (x, z) => space.sameShape(x.y, z.y) && space.sameShape(x.a, z.a) && parameters.sameShape(x.p, z.p),
    scope: (work) => space.scope(work),
    dispose: (x: State) => {
      space.dispose(x.y);
      space.dispose(x.a);
      parameters.dispose(x.p);
    },
  };
}
