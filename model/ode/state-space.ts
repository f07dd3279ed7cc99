import type { Tolerance, ToleranceOf } from './tolerance.ts';
import type { VectorField } from './vector-field.ts';

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

  /** All stages of an explicit step at once, for states like this one; one a solve. Absent: `combine` and the field do it. */
  createStages?(table: StageTable, like: S): Stages<S>;

  /** What implicit methods solve with, for states like this one; one a solve. Absent: they cannot be used on this space. */
  createLinearization?(like: S): Linearization<S>;
}

/** What an explicit Runge–Kutta step is made of, for a space that has a faster way than one `combine` after another. */
export interface StageTable {
  /** [stages] */
  readonly c: readonly number[];
  /** The rows of a from the second stage on, then that of the end, unless it is the last row of a. */
  readonly rows: readonly (readonly number[])[];
  readonly errors: readonly (readonly number[])[];
}

/** The step that stages work on: `slopes` and `y1` are to be filled. */
export interface StageWork<S> {
  readonly t: number;
  readonly t1: number;
  readonly h: number;
  readonly y: S;
  /** A buffer on the host, anything on a device. */
  y1: S;
  readonly slopes: S[];
}

/** To the bit what `combine` and the field give, stage by stage. It owns its buffers. */
export interface Stages<S> {
  /** On the host, the argument of the last stage before the end. */
  readonly argument: S | undefined;
  /** h·Σ errorⱼ·kⱼ of each error row, after a run with errors. */
  readonly errors: S[];
  /** `begun`: `slopes[0]` is there, as always on a device. */
  run<P>(field: VectorField<S, P>, parameters: P, work: StageWork<S>, begun: boolean, withErrors: boolean): void;
  /** Puts the `errorRatio` of one of the errors into `result.ratio`. */
  measure(error: number, work: StageWork<S>, tolerance: Tolerance, result: { ratio: number }): void;
  dispose(): void;
}

/** Where a Jacobian ∂f/∂y comes from. */
export interface JacobianSource<S> {
  /** The time that it is of. */
  readonly t: number;
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
