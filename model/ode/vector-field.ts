/** The right-hand side of dy/dt = f(t, y, θ), with its derivative when it has one. */
export interface VectorField<S, P> {
  /**
   * dy/dt at time `t`. `into` is a host buffer that may be filled and returned instead of a new state.
   * On a device the result must be a new state: the solver frees it.
   */
  evaluate(t: number, y: S, parameters: P, into?: S): S;
  /** The vector–Jacobian product; gradients need it. New states, which the solver frees. */
  vjp?(t: number, y: S, parameters: P, cotangent: S): Cotangents<S, P>;
  /** The Jacobian–vector product ∂f/∂y·tangent.y + ∂f/∂θ·tangent.parameters + ∂f/∂t·tangent.t; forward gradients need it. */
  jvp?(t: number, y: S, parameters: P, tangent: Tangent<S, P>): S;
}

/** A field over `Float64Array`s that may be solved without parameters: it is handed `none` then. */
export interface HostField extends VectorField<Float64Array, Float64Array> {
  readonly none: Float64Array;
}

/** A direction in which a field's arguments move; what is absent stays where it is. */
export interface Tangent<S, P> {
  readonly y: S;
  readonly parameters?: P | undefined;
  readonly t?: number | undefined;
}

/** A product for each argument of a field: cotangentᵀ·∂f/∂y, cotangentᵀ·∂f/∂θ and, where the field gives it, cotangentᵀ·∂f/∂t. */
export interface Cotangents<S, P> {
  readonly y: S;
  readonly parameters: P;
  readonly t?: number;
}
