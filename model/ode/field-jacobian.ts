/** Where implicit methods get ∂f/∂y from: the field's own product where it has one, else its values. */
import { ensure } from './ode-error.ts';
import { evaluate, type Problem } from './problem.ts';
import type { JacobianSource, Linearization, StateSpace } from './state-space.ts';

/** The Jacobian's source at a time that its user sets. Products and values count as evaluations. */
export interface FieldJacobian<S> extends JacobianSource<S> {
  t: number;
}

export function fieldJacobian<S, P>(problem: Problem<S, P>): FieldJacobian<S> {
  const { field, parameters, statistics } = problem;
  const source = { t: Number.NaN, evaluate: (y: S, into?: S): S => evaluate(problem, source.t, y, into) };
  const jvp = field.jvp?.bind(field);
  if (jvp === undefined) return source;
  const product = (y: S, direction: S): S => {
    statistics.functionEvaluations++;
    return jvp(source.t, y, parameters, { y: direction });
  };
  return Object.assign(source, { product });
}

/** The space's linear algebra for states like this one. @throws OdeError `bad-method` where it has none. */
export function linearizationOf<S>(space: StateSpace<S>, like: S, name: string): Linearization<S> {
  const { createLinearization } = space;
  ensure(
    createLinearization !== undefined,
    'bad-method',
    () =>
      `${name} needs a space with linear algebra, such as float64Space. Its adjoint is solved along the known path: adjoint({ path: 'interpolated' }).`,
  );
  return createLinearization(like);
}
