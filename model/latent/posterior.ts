/**
 * z₀ ~ N(μ, σ²) from the encoder's head, the divergence from the prior N(0, 1), and the way back. On the host in f64:
 * a few hundred numbers, which cost less here than the dispatch of one tensor operation.
 */
import type { Posterior } from './batch.ts';
import { LOG_VARIANCE_BOUND, softClamp, softClampSlope } from './soft-clamp.ts';

/** The head gives [B, 2L]: means, then raw log-variances. */
export function posteriorOf(head: Float32Array, latentSize: number): Posterior {
  const batch = head.length / (2 * latentSize);
  const mean = new Float32Array(batch * latentSize);
  const logVariance = new Float32Array(batch * latentSize);
  for (let b = 0; b < batch; b++) {
    for (let l = 0; l < latentSize; l++) {
      mean[b * latentSize + l] = head[2 * b * latentSize + l];
      logVariance[b * latentSize + l] = softClamp(head[(2 * b + 1) * latentSize + l], LOG_VARIANCE_BOUND);
    }
  }
  return { mean, logVariance };
}

/** [K, B, L] z₀ = μ + σ·ε (Kingma and Welling 2014, section 2.4). */
export function reparameterise({ mean, logVariance }: Posterior, noise: Float32Array): Float32Array {
  const size = mean.length;
  return noise.map((epsilon, i) => mean[i % size] + Math.exp(logVariance[i % size] / 2) * epsilon);
}

/** Σ over the batch of KL(N(μ, σ²) ‖ N(0, 1)) in nats (Kingma and Welling 2014, appendix B). */
export function divergence({ mean, logVariance }: Posterior): number {
  let sum = 0;
  for (let i = 0; i < mean.length; i++) {
    sum += mean[i] * mean[i] + Math.exp(logVariance[i]) - logVariance[i] - 1;
  }
  return sum / 2;
}

/** What the loss says of z₀ and of the posterior that it was drawn from. */
export interface PosteriorPull {
  readonly posterior: Posterior;
  /** [K, B, L] */
  readonly noise: Float32Array;
  readonly z0: Float32Array;
  /** [K, B, L] d loss / d z₀ through the likelihood alone. */
  readonly z0Cotangent: Float32Array;
  /** Weight of the divergence in the loss. */
  readonly weight: number;
  readonly latentSize: number;
  /** [K, B] of the importance-weighted bound, where the divergence is log q(z₀) − log p(z₀) of each sample; absent: in closed form. */
  readonly shares?: Float64Array;
}

/** [B, 2L] the cotangent of the head. */
export function posteriorCotangent(pull: PosteriorPull): Float32Array {
  const { posterior, weight, latentSize, shares } = pull;
  const { mean, logVariance } = posterior;
  const out = new Float32Array(2 * mean.length);
  for (let i = 0; i < mean.length; i++) {
    const [dMean, dScaled] = sumOverSamples(pull, i);
    const variance = Math.exp(logVariance[i]);
    const [ofMean, ofLog] = shares === undefined ? [mean[i], 0.5 * (variance - 1)] : [0, -0.5];
    const dLog = dScaled * Math.sqrt(variance) * 0.5 + weight * ofLog;
    const at = 2 * latentSize * Math.floor(i / latentSize) + (i % latentSize);
    out[at] = dMean + weight * ofMean;
    out[at + latentSize] = dLog * softClampSlope(logVariance[i], LOG_VARIANCE_BOUND);
  }
  return out;
}

/** Σₖ g and Σₖ g·ε of one component, g = d loss / d z₀; −log p(z₀) has z₀ itself as its slope. */
function sumOverSamples(
  { noise, z0, z0Cotangent, weight, latentSize, shares, posterior: { mean } }: PosteriorPull,
  i: number,
): [number, number] {
  let plain = 0;
  let scaled = 0;
  for (let at = i; at < z0.length; at += mean.length) {
    const prior = shares === undefined ? 0 : weight * shares[Math.floor(at / latentSize)] * z0[at];
    const g = z0Cotangent[at] + prior;
    plain += g;
    scaled += g * noise[at];
  }
  return [plain, scaled];
}
