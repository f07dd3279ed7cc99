/** What a differentiable solve is asked, and what it gives back. How is in `gradient.ts` and the modes. */
import type { Status } from './integrate.ts';
import type { Statistics } from './problem.ts';
import type { Solution, SolveOptions } from './solution.ts';
import type { StateSpace } from './state-space.ts';

export interface Gradient {
  readonly name: string;
  forward<S, P>(options: DifferentiableOptions<S, P>): Differentiable<S, P>;
}

export interface DifferentiableOptions<S, P> extends SolveOptions<S, P> {
  /** The field must have a `vjp`. */
  readonly parameterSpace: StateSpace<P>;
}

export interface Differentiable<S, P> {
  readonly solution: Solution<S>;
  /**
   * ∂L/∂ys, one cotangent a saved state in the order of `solution.times`, to ∂L/∂ of what the solve started from.
   * `solution.ys` must not have been changed or disposed of. Call it as often as there are losses.
   *
   * Where a terminal event ended the solve, its time moves with the start and the parameters, and the state at it too; the
   * event must have a `gradient`. `stoppedAt` is ∂L/∂ of that time, 0 if the loss does not read it.
   */
  pullback(cotangents: readonly S[], stoppedAt?: number): Gradients<S, P>;
  /** Frees what the pullback keeps, not the solution. */
  dispose(): void;
}

export interface Gradients<S, P> {
  /** `success`, or why the gradients are NaN. */
  readonly status: Status;
  readonly failedAt?: number | undefined;
  readonly y0: S;
  readonly parameters: P;
  /** ∂L/∂t0, the start moved alone, and ∂L/∂times[i]; evaluated when called, one evaluation a time. */
  readonly timing: () => { readonly t0: number; readonly times: Float64Array };
  /** Backward: a vector–Jacobian product counts as an evaluation. */
  readonly statistics: Readonly<Statistics>;
}
