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

/**
 * [B, 2L] the cotangent of the head, from that of z₀ ([K, B, L]) and the weight of the divergence in the loss.
 */
export function posteriorCotangent(
  posterior: Posterior,
  noise: Float32Array,
  z0Cotangent: Float32Array,
  divergenceWeight: number,
  latentSize: number,
): Float32Array {
  const { mean, logVariance } = posterior;
  const out = new Float32Array(2 * mean.length);
  for (let i = 0; i < mean.length; i++) {
    const [dMean, dScaled] = sumOverSamples(i, mean.length, noise, z0Cotangent);
    const variance = Math.exp(logVariance[i]);
    const dLog = dScaled * Math.sqrt(variance) * 0.5 + divergenceWeight * 0.5 * (variance - 1);
    const at = 2 * latentSize * Math.floor(i / latentSize) + (i % latentSize);
    out[at] = dMean + divergenceWeight * mean[i];
    out[at + latentSize] = dLog * softClampSlope(logVariance[i], LOG_VARIANCE_BOUND);
  }
  return out;
}

/** Σₖ g and Σₖ g·ε of one component. */
function sumOverSamples(i: number, size: number, noise: Float32Array, cotangent: Float32Array): [number, number] {
  let plain = 0;
  let scaled = 0;
  for (let at = i; at < cotangent.length; at += size) {
    plain += cotangent[at];
    scaled += cotangent[at] * noise[at];
  }
  return [plain, scaled];
}
