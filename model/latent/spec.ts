/**
 * The shape of a latent ODE (Chen et al. 2018, section 5; Rubanova et al. 2019) as plain data: it travels in an
 * artifact's header, and every engine builds the same model from it.
 */
export interface ModelSpec {
  /** Names of the D channels, in the order of columns. */
  readonly channels: readonly string[];
  /** L: size of the latent state. */
  readonly latentSize: number;
  readonly encoder: EncoderSpec;
  readonly dynamics: DynamicsSpec;
  readonly decoder: DecoderSpec;
  readonly solver: SolverSpec;
  /** Milliseconds of event time in one unit of model time. */
  readonly timescaleMs: number;
}

export interface EncoderSpec {
  readonly kind: 'gru';
  /** R: units of the recurrent state. */
  readonly units: number;
  /** What the encoder sees of time: the gap to the observation read before, or the time since the window's start. */
  readonly clock: 'gap' | 'elapsed';
}

export interface DynamicsSpec {
  /** H: units of each hidden layer of the tanh MLP. */
  readonly units: number;
  /** Hidden layers, ≥ 1. */
  readonly depth: number;
  /** Periods (ms of absolute event time) whose sine and cosine are inputs of the vector field. */
  readonly periodsMs: readonly number[];
}

export interface DecoderSpec {
  /** Units of the one hidden tanh layer. */
  readonly units: number;
  readonly likelihood: 'gaussian';
}

/** The methods that a model may be solved with, a few of those in `model/ode`. */
export const SOLVER_METHODS = ['euler', 'midpoint', 'rk4', 'dopri5'] as const;

export interface SolverSpec {
  readonly method: (typeof SOLVER_METHODS)[number];
  /** Model time between two knots; a fixed-step method takes one step a knot. Between knots: cubic Hermite. */
  readonly knotSpacing: number;
  /** Of an adaptive method. */
  readonly rtol: number;
  readonly atol: number;
  readonly gradient: 'adjoint' | 'backprop';
}
