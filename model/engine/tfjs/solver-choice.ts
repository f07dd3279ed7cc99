/** How a spec's solver is set up: from `SolverSpec`, plain data, to the values that `model/ode` joins. */
import type { GradientMode, SolverMethod, SolverSpec } from '../../latent/spec.ts';
import {
  adjoint,
  backprop,
  type Controller,
  checkpointed,
  constantStep,
  dopri5,
  euler,
  type Gradient,
  type Method,
  midpoint,
  pi,
  rk4,
  tsit5,
} from '../../ode/index.ts';

const METHODS: Readonly<Partial<Record<SolverMethod, Method>>> = { euler, midpoint, rk4, dopri5, tsit5 };

/** Up to so many steps the way back computes each of them once more; a longer solve pays more work, not more memory. */
const CHECKPOINTS = 32;

const GRADIENTS: Readonly<Partial<Record<GradientMode, () => Gradient>>> = {
  adjoint: () => adjoint(),
  checkpointed: () => checkpointed({ checkpoints: CHECKPOINTS }),
  backprop,
};

export interface SolverChoice {
  readonly method: Method;
  readonly controller: Controller;
  readonly gradient: Gradient;
  /** Steps do not depend on the state, so that a trajectory that fails leaves its neighbours right. */
  readonly fixed: boolean;
}

export function solverOf(spec: SolverSpec): SolverChoice {
  const [method, gradient] = [METHODS[spec.method], GRADIENTS[spec.gradient]];
  if (method === undefined || gradient === undefined)
    throw new RangeError(`No gradient ${spec.gradient} through ${spec.method} here.`);
  const fixed = method.errorOrder === undefined;
  const controller = fixed ? constantStep(spec.knotSpacing) : pi({ rtol: spec.rtol, atol: spec.atol });
  return { method, controller, gradient: gradient(), fixed };
}
