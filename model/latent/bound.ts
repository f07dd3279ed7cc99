/**
 * From the likelihoods of the posterior samples to the loss, and what each sample weighs in its gradient. On the host, in
 * f64.
 *
 * With z = μ + σε, log q(z|x) = −½ε² − log σ − ½log 2π a component, and log p(z) = −½z² − ½log 2π.
 */
import type { Posterior, TrainingBatch } from './batch.ts';
import { divergence } from './posterior.ts';

/** A bound of a batch: sums over the batch, nats, not yet per entry. */
export interface BoundValue {
  readonly loss: number;
  /** −Σ log p, mean over the K samples. */
  readonly negativeLog: number;
  /** Σ KL, in closed form. */
  readonly divergence: number;
  /** [K, B] d loss / d(−log p of a trajectory): they add up to 1 over K. */
  readonly shares: Float64Array;
}

export interface BoundInput {
  readonly batch: Pick<TrainingBatch, 'noise' | 'beta' | 'bound'>;
  readonly posterior: Posterior;
  /** [K, B, L] */
  readonly z0: Float32Array;
  /** [K, B] −log p(x|z), nats. */
  readonly negativeLogs: Float64Array;
  /** K */
  readonly samples: number;
}

export function boundOf(input: BoundInput): BoundValue {
  const { batch, posterior, negativeLogs, samples } = input;
  const kl = divergence(posterior);
  const negativeLog = negativeLogs.reduce((sum, value) => sum + value, 0) / samples;
  const parts = { negativeLog, divergence: kl };
  if (batch.bound === 'importance-weighted') return { ...parts, ...importanceWeighted(input) };
  const shares = new Float64Array(negativeLogs.length).fill(1 / samples);
  return { ...parts, loss: negativeLog + batch.beta * kl, shares };
}

/** Burda et al. 2016, eqs. 8 and 14: the shares are the normalised importance weights. */
function importanceWeighted(input: BoundInput): Pick<BoundValue, 'loss' | 'shares'> {
  const { samples } = input;
  const logWeights = logImportance(input);
  const size = logWeights.length / samples;
  const shares = new Float64Array(logWeights.length);
  let loss = 0;
  for (let b = 0; b < size; b++) {
    const own = Array.from({ length: samples }, (_, k) => logWeights[k * size + b]);
    const total = logSumExp(own);
    loss -= total - Math.log(samples);
    for (const [k, weight] of own.entries()) shares[k * size + b] = Math.exp(weight - total);
  }
  return { loss, shares };
}

/** [K, B] log w. */
function logImportance({ batch, posterior, z0, negativeLogs }: BoundInput): Float64Array {
  const { mean, logVariance } = posterior;
  const latentSize = z0.length / negativeLogs.length;
  return negativeLogs.map((negativeLog, trajectory) => {
    let ratio = 0;
    for (let i = trajectory * latentSize; i < (trajectory + 1) * latentSize; i++)
      ratio += 0.5 * (batch.noise[i] ** 2 - z0[i] ** 2 + logVariance[i % mean.length]);
    return batch.beta * ratio - negativeLog;
  });
}

function logSumExp(values: readonly number[]): number {
  const largest = Math.max(...values);
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}
