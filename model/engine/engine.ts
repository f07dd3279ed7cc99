/**
 * The seam between the model and the hardware that computes it. An engine is opened for one spec; parameters are always
 * one flat vector, so that optimisers, artifacts and engines need not know of one another.
 */
import type { Decoded, DecodeRequest, LossAndGradient, Posterior, Ragged, TrainingBatch } from '../latent/batch.ts';
import type { PathAnswers, PathRequest } from '../latent/query.ts';
import type { ModelSpec } from '../latent/spec.ts';
import type { RowQuantiles } from './quantile.ts';

export interface Engine {
  readonly spec: ModelSpec;
  /** [P] → loss and gradient of one batch. Same inputs, same bytes. */
  lossAndGradient(parameters: Float32Array, batch: TrainingBatch): Promise<LossAndGradient>;
  /** The posterior over z₀ given each sample's context. */
  encode(parameters: Float32Array, context: Ragged): Promise<Posterior>;
  /** The path from z₀ and its observation distribution at any model times. */
  decode(parameters: Float32Array, request: DecodeRequest): Promise<Decoded>;
  /**
   * Both for many windows in one call, of an engine that has it: each posterior is found once, K paths are drawn from it,
   * times are given once. What a query is answered does not depend on the others, bit for bit.
   */
  answer?(parameters: Float32Array, request: PathRequest): Promise<PathAnswers>;
  /** Of an engine that finds them faster than doubles do, at once. */
  readonly quantiles?: RowQuantiles;
  /** Releases what the engine holds. Idempotent. */
  close(): void;
}

/** A kind of engine that this machine has. */
export interface EngineProvider {
  /** `fused` or `tfjs`. */
  readonly name: string;
  /** What runs the arithmetic and why it was chosen, one sentence for the log. */
  readonly description: string;
  /** Whether a GPU is really in use. */
  readonly gpu: boolean;
  /** @throws EngineError `unsupported-spec` with the reason, before anything starts. */
  open(spec: ModelSpec): Engine;
}
