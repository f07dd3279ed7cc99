import type { ToleranceOf } from './tolerance.ts';

/**
 * The algebra that a solver needs of a state, and nothing more: solvers, controllers, dense output and adjoints are
 * written once over it, for `Float64Array`s on the host and for tensors on a device. No solver ever looks inside a state.
 */
export interface StateSpace<S> {
  /**
   * `host`: states are mutable buffers, `into` is honoured and numbers are cheap to look at.
   * `device`: states are immutable, freed by hand, and looking at a number waits for the device.
   */
  readonly residence: 'host' | 'device';

  /**
   * y + Σ cᵢ·kᵢ over the first `coefficients.length` terms; terms whose coefficient is zero are not read, so a NaN in
   * them does no harm. Never an alias of `y` (without terms it is a copy), unless `into` is `y` itself.
   * `into` is a buffer that a host space overwrites and returns; a device space ignores it.
   * The arrays are read during the call only.
   */
  combine(y: S, coefficients: readonly number[], terms: readonly S[], into?: S): S;

  /** A new state of the same shape, all zero. */
  zeros(like: S): S;

  /** rms over components of error / (atol + rtol·max(|y0|, |y1|)). NaN if any of them is NaN. */
  errorRatio(error: S, y0: S, y1: S, rtol: ToleranceOf, atol: ToleranceOf): number;

  /** How many tolerances a list of them has. Absent: the space takes numbers only. */
  components?(state: S): number;

  isFinite(state: S): boolean;

  /** Σ aᵢ·bᵢ. */
  dot(a: S, b: S): number;

  sameShape(a: S, b: S): boolean;

  /** Runs `work` and frees what it made, except what is reachable (arrays, plain objects) from what it returns. */
  scope<T>(work: () => T): T;

  /** Frees a state that nothing needs any more. */
  dispose(state: S): void;

  /** What implicit methods solve with, for states like this one; one a solve. Absent: they cannot be used on this space. */
  createLinearization?(like: S): Linearization<S>;
}

/** Where a Jacobian ∂f/∂y comes from. */
export interface JacobianSource<S> {
  /** f(y); `into` is a buffer that may be filled and returned. */
  evaluate(y: S, into?: S): S;
  /** ∂f/∂y·direction at y, exactly. Absent: differences of `evaluate`. */
  readonly product?: (y: S, direction: S) => S;
}

/** The linear systems of implicit steps. It owns its buffers; each call speaks of the latest `update` and `shift`. */
export interface Linearization<S> {
  /** Takes ∂f/∂y at y. */
  update(source: JacobianSource<S>, y: S): void;
  /** Factors I − scale·∂f/∂y. */
  shift(scale: number): void;
  /** x with (I − scale·J)·x = b; `into` is overwritten with x and must not be b. */
  solve(b: S, into?: S): S;
  /** x with (I − scale·Jᵀ)·x = b. */
  solveTransposed(b: S, into?: S): S;
}
