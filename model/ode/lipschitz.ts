/**
 * How fast neighbours can part: the largest singular value of ∂f/∂y along a solution. A bound L there means that an error
 * grows at most by e^(L·Δt), and that explicit steps much longer than 1/L are in danger.
 */
import { ensure } from './ode-error.ts';
import type { Solution } from './solution.ts';
import type { StateSpace } from './state-space.ts';
import type { VectorField } from './vector-field.ts';

export interface LipschitzOptions<S, P> {
  readonly space: StateSpace<S>;
  /** Must have a `vjp` and a `jvp`. */
  readonly field: VectorField<S, P>;
  readonly parameters: P;
  /** A zero of the parameters' shape, for a `jvp` that does not take an absent tangent as zero. */
  readonly still?: P;
  /** Rounds of power iteration at each state. Default 20; the estimate is from below. */
  readonly rounds?: number;
}

/** The estimate at each saved state. @throws OdeError `bad-field` when the field has no derivatives. */
export function lipschitzAlong<S, P>(options: LipschitzOptions<S, P>, { times, ys }: Solution<S>): Float64Array {
  const { vjp, jvp } = options.field;
  const both = vjp !== undefined && jvp !== undefined;
  ensure(
    both,
    'bad-field',
    () => 'A Lipschitz estimate needs field.vjp and field.jvp: use fieldOf or withDifferences.',
  );
  return times.map((t, i) => options.space.scope(() => largestStretch(options, t, ys[i])));
}

/** √ of the largest eigenvalue of JᵀJ, by power iteration from the field's own direction. */
function largestStretch<S, P>(options: LipschitzOptions<S, P>, t: number, y: S): number {
  const { space, field, parameters, still, rounds = 20 } = options;
  let direction = normalised(space, field.evaluate(t, y, parameters));
  let stretch = 0;
  for (let i = 0; i < rounds && direction !== undefined; i++) {
    const pushed = field.jvp?.(t, y, parameters, { y: direction, parameters: still });
    if (pushed === undefined) return stretch;
    stretch = Math.sqrt(space.dot(pushed, pushed));
    const pulled = field.vjp?.(t, y, parameters, pushed);
    direction = pulled && normalised(space, pulled.y);
  }
  return stretch;
}

function normalised<S>(space: StateSpace<S>, state: S): S | undefined {
  const length = Math.sqrt(space.dot(state, state));
  return length > 0 ? space.combine(state, [1 / length - 1], [state]) : undefined;
}
