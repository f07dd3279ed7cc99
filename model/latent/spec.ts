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

export const ENCODERS = ['gru', 'ode-rnn'] as const satisfies readonly EncoderSpec['kind'][];

/** Reads the context backwards in time, from its last observation to its first. */
export type EncoderSpec = GruEncoderSpec | OdeRnnEncoderSpec;

export interface GruEncoderSpec {
  readonly kind: 'gru';
  /** R: units of the recurrent state. */
  readonly units: number;
  /** What the encoder sees of time: the gap to the observation read before, or the time since the window's start. */
  readonly clock: 'gap' | 'elapsed';
}

/**
 * The same GRU, whose state h moves between two observations read one after the other (Rubanova et al. 2019, algorithm
 * 1): dh/dτ = V·tanh(U·h + u) + v for τ from 0 to the gap between them (model time, ≥ 0). The explicit midpoint method
 * takes `steps` equal steps; then the cell takes the observation. The field is bounded by V and v, so that a long gap
 * moves the state linearly at most.
 */
export interface OdeRnnEncoderSpec extends Omit<GruEncoderSpec, 'kind'> {
  readonly kind: 'ode-rnn';
  readonly drift: {
    /** Units of the field's one hidden tanh layer. */
    readonly units: number;
    /** Steps a gap, ≥ 1. */
    readonly steps: number;
  };
}

export interface DynamicsSpec {
  /** H: units of each hidden layer of the tanh MLP. */
  readonly units: number;
  /** Hidden layers, ≥ 1. */
  readonly depth: number;
  /** Periods (ms of absolute event time) whose sine and cosine are inputs of the vector field. */
  readonly periodsMs: readonly number[];
}

/** A mean and a scale a channel: mean and raw log scale are the outputs of an MLP of one hidden tanh layer. */
export type DecoderSpec = GaussianDecoderSpec | StudentDecoderSpec;

export interface GaussianDecoderSpec {
  /** Units of the hidden layer. */
  readonly units: number;
  readonly likelihood: 'gaussian';
}

/** Heavy tails: an outlier costs the logarithm of its distance where a Gaussian charges the square. */
export interface StudentDecoderSpec {
  /** Units of the hidden layer. */
  readonly units: number;
  readonly likelihood: 'student-t';
  /** 2 < ν ≤ `MAX_DEGREES_OF_FREEDOM`: the variance is finite, s²·ν/(ν − 2) for the scale s. */
  readonly degreesOfFreedom: number;
}

/** Beyond so many a t is a Gaussian for every purpose here: their distribution functions are 0.0008 apart at most. */
export const MAX_DEGREES_OF_FREEDOM = 200;

export const LIKELIHOODS = ['gaussian', 'student-t'] as const satisfies readonly DecoderSpec['likelihood'][];

/** The methods that a model may be solved with; `reversible-heun` is of Kidger et al. 2021, "Efficient and accurate gradients for neural SDEs". */
export const SOLVER_METHODS = ['euler', 'midpoint', 'rk4', 'reversible-heun', 'dopri5', 'tsit5'] as const;

export type SolverMethod = (typeof SOLVER_METHODS)[number];

/**
 * How the loss goes back through the solve: `adjoint` solves the continuous adjoint (Chen et al. 2018); `checkpointed` and
 * `backprop` are the exact gradient of the discrete steps, stages computed again or kept; `reversible` is exact as well,
 * by the algebraic inverse of `reversible-heun`, and for that method only.
 */
export const GRADIENT_MODES = ['adjoint', 'checkpointed', 'backprop', 'reversible'] as const;

export type GradientMode = (typeof GRADIENT_MODES)[number];

const OF_ANY_METHOD: readonly GradientMode[] = ['adjoint', 'checkpointed', 'backprop'];

/** Which gradients go through which method: only what can be run backwards is reversible, and that has no use for an adjoint. */
export const GRADIENTS_THROUGH: Readonly<Record<SolverMethod, readonly GradientMode[]>> = {
  euler: OF_ANY_METHOD,
  midpoint: OF_ANY_METHOD,
  rk4: OF_ANY_METHOD,
  'reversible-heun': ['checkpointed', 'backprop', 'reversible'],
  dopri5: OF_ANY_METHOD,
  tsit5: OF_ANY_METHOD,
};

export interface SolverSpec {
  readonly method: SolverMethod;
  /**
   * Model time between two knots; a fixed-step method takes one step a knot, an adaptive one is read at the knots by its
   * own interpolant. Between knots: cubic Hermite, with the slopes f(tⱼ, zⱼ).
   */
  readonly knotSpacing: number;
  /** Of an adaptive method. */
  readonly rtol: number;
  readonly atol: number;
  readonly gradient: GradientMode;
}
