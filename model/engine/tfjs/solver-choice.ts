/** How a spec's solver is set up: from `SolverSpec`, plain data, to the values that `model/ode` joins. */
import type { SolverSpec } from '../../latent/spec.ts';
import {
  adjoint,
  backprop,
  type Controller,
  constantStep,
  dopri5,
  euler,
  type Gradient,
  type Method,
  midpoint,
  pi,
  rk4,
} from '../../ode/index.ts';

const METHODS: Readonly<Record<SolverSpec['method'], Method>> = { euler, midpoint, rk4, dopri5 };

const GRADIENTS: Readonly<Record<SolverSpec['gradient'], () => Gradient>> = { adjoint: () => adjoint(), backprop };

export interface SolverChoice {
  readonly method: Method;
  readonly controller: Controller;
  readonly gradient: Gradient;
  /** Steps do not depend on the state, so that a trajectory that fails leaves its neighbours right. */
  readonly fixed: boolean;
}

export function solverOf(spec: SolverSpec): SolverChoice {
  const method = METHODS[spec.method];
  const fixed = method.errorOrder === undefined;
  const controller = fixed ? constantStep(spec.knotSpacing) : pi({ rtol: spec.rtol, atol: spec.atol });
  return { method, controller, gradient: GRADIENTS[spec.gradient](), fixed };
}
