/** No step is taken from a batch that has no numbers: an infinite loss and a gradient of zero. */
import type { LossAndGradient } from '../latent/batch.ts';

/** @param parameters P, the gradient's length */
export function failedBatch(
  status: Exclude<LossAndGradient['status'], 'success'>,
  parameters: number,
  statistics: LossAndGradient['statistics'],
): LossAndGradient {
  const loss = Number.POSITIVE_INFINITY;
  return { loss, negativeLogLikelihood: loss, kl: loss, gradient: new Float32Array(parameters), status, statistics };
}
