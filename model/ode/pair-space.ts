/** Two states solved as one: a state with its adjoint, with its tangent, with the gradient that it gathers. */
import type { StateSpace } from './state-space.ts';

export interface Pair<A, B> {
  readonly first: A;
  readonly second: B;
}

/**
 * `controlledBy`: whose error decides on steps. A second that feeds back into nothing, such as ∂L/∂θ, needs no say
 * (Kidger et al. 2021, "Hey, that's not an ODE").
 */
export function pairSpace<A, B>(
  first: StateSpace<A>,
  second: StateSpace<B>,
  controlledBy: 'both' | 'first',
): StateSpace<Pair<A, B>> {
  type State = Pair<A, B>;
  return {
    residence: first.residence,
    combine: (x, coefficients, terms, into) => {
      const used = terms.slice(0, coefficients.length);
      const [firsts, seconds] = [used.map((term) => term.first), used.map((term) => term.second)];
      return {
        first: first.combine(x.first, coefficients, firsts, into?.first),
        second: second.combine(x.second, coefficients, seconds, into?.second),
      };
    },
    zeros: (like) => ({ first: first.zeros(like.first), second: second.zeros(like.second) }),
    errorRatio: (error, x0, x1, rtol, atol) => {
      const ratio = first.errorRatio(error.first, x0.first, x1.first, rtol, atol);
      if (controlledBy === 'first') return ratio;
      return Math.max(ratio, second.errorRatio(error.second, x0.second, x1.second, rtol, atol));
    },
    ...componentsOf(first),
    isFinite: (x) => first.isFinite(x.first) && second.isFinite(x.second),
    dot: (x, z) => first.dot(x.first, z.first) + second.dot(x.second, z.second),
    sameShape: (x, z) => first.sameShape(x.first, z.first) && second.sameShape(x.second, z.second),
    scope: (work) => first.scope(work),
    dispose: (x: State) => {
      first.dispose(x.first);
      second.dispose(x.second);
    },
  };
}

/** A list of tolerances is the first's; with `both` in control the second is of the same shape. */
function componentsOf<A, B>({ components }: StateSpace<A>): Pick<StateSpace<Pair<A, B>>, 'components'> {
  return components === undefined ? {} : { components: (x) => components(x.first) };
}
