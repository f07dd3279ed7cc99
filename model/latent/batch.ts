/** What an engine eats: normalised values and model time, without padding. */

/** A ragged batch of observations or queries. */
export interface Ragged {
  /** D. */
  readonly channels: number;
  /** [B+1] sample b holds rows offsets[b] … offsets[b+1]−1. */
  readonly offsets: Int32Array;
  /** [N] model time since the sample's origin, ascending within a sample. */
  readonly times: Float64Array;
  /** [N, D] normalised; 0 where the mask is 0. */
  readonly values: Float32Array;
  /** [N, D] 1 where observed. */
  readonly mask: Uint8Array;
}

/** One training batch: what the encoder sees, what the loss counts, and the noise of the posterior samples. */
export interface TrainingBatch {
  /** The observations that the encoder sees. Every sample has at least one. */
  readonly context: Ragged;
  /** The observations that the loss counts: of the context's span and of the horizon after it. Model time ≥ 0. */
  readonly targets: Ragged;
  /** [B] event time (ms) of model time 0: the first context observation. Only periodic features read it. */
  readonly origins: Float64Array;
  /** [K, B, L] standard normal draws, so that every engine computes the same loss. */
  readonly noise: Float32Array;
  /** Weight of the KL term. */
  readonly beta: number;
  /** What is made as large as it can be. Default `elbo`. */
  readonly bound?: Bound;
}

/**
 * Lower bounds on log p(x). `elbo`: mean over K of log p(x|z) − β·KL, the divergence in closed form (Kingma and Welling
 * 2014, eq. 10). `importance-weighted` (Burda et al. 2016, eq. 8), for each sample of the batch:
 * log(1/K Σₖ wₖ) with log wₖ = log p(x|zₖ) + β·(log p(zₖ) − log q(zₖ|x)).
 */
export const BOUNDS = ['elbo', 'importance-weighted'] as const;

export type Bound = (typeof BOUNDS)[number];

/** A diagonal Gaussian over z₀ for each sample. */
export interface Posterior {
  /** [B, L] */
  readonly mean: Float32Array;
  /** [B, L] */
  readonly logVariance: Float32Array;
}

export interface DecodeRequest {
  /** [B, L] the state at model time 0. */
  readonly z0: Float32Array;
  /** [B] event time (ms) of model time 0. */
  readonly origins: Float64Array;
  /** [B+1] */
  readonly offsets: Int32Array;
  /** [N] model time, ascending within a sample, negative allowed (solved backwards in time). */
  readonly times: Float64Array;
}

/** How a sample's solution ended. `success` or the reason why its rows hold no numbers. */
export type SolveStatus = 'success' | 'max-steps' | 'min-step' | 'non-finite';

export interface Decoded {
  /** [N, D] normalised. NaN only where the sample's status is not `success`. */
  readonly mean: Float32Array;
  /** [N, D] normalised scale of the decoder, > 0: a Gaussian's standard deviation, a Student-t's s in z = (x − mean)/s. */
  readonly scale: Float32Array;
  /** [N, L] latent path at the asked times. */
  readonly latent: Float32Array;
  /** [B] */
  readonly status: readonly SolveStatus[];
  readonly statistics: {
    /** Of the vector field: of the whole batch at once where it is solved as one, else the sum over its trajectories. */
    readonly functionEvaluations: number;
    readonly steps: number;
    /** [B] where each trajectory has its own steps. */
    readonly evaluationsByTrajectory?: Int32Array;
  };
}

export interface LossAndGradient {
  /** −`bound` of the batch per counted target entry (nats). */
  readonly loss: number;
  /** Of either bound: −log p, mean over the posterior samples, and the KL in closed form before β; both per entry. */
  readonly negativeLogLikelihood: number;
  readonly kl: number;
  /** [P] in the layout of `model/latent/layout.ts`. */
  readonly gradient: Float32Array;
  readonly status: 'success' | Exclude<SolveStatus, 'success'>;
  readonly statistics: {
    /** Of the vector field, counted as in `Decoded`. */
    readonly forwardEvaluations: number;
    readonly backwardEvaluations: number;
    readonly steps: number;
    /** [K, B] where each trajectory has its own steps. */
    readonly forwardByTrajectory?: Int32Array;
    readonly backwardByTrajectory?: Int32Array;
  };
}

/** [N] the sample of each row of a ragged batch. */
export function sampleOfRows(offsets: Int32Array): Int32Array {
  const samples = new Int32Array(offsets[offsets.length - 1]);
  for (let b = 0; b + 1 < offsets.length; b++) samples.fill(b, offsets[b], offsets[b + 1]);
  return samples;
}
