/**
 * The ragged batch that a store gives and a forecaster takes: every series keeps its own times, nothing is padded.
 * Raw units (event time, the user's values); what an engine eats, normalised and in model time, is `Ragged`
 * in `model/latent/batch.ts`.
 */
export interface Window {
  /** Number of channels D. */
  readonly channels: number;
  /** [B+1] sample b holds the observations offsets[b] … offsets[b+1]−1. */
  readonly offsets: Int32Array;
  /** [N] event time in ms since the epoch, ascending within a sample. Fractions allowed. */
  readonly times: Float64Array;
  /** [N, D] row-major, in the user's units; 0 where the mask is 0. */
  readonly values: Float64Array;
  /** [N, D] 1 where observed. */
  readonly mask: Uint8Array;
}
