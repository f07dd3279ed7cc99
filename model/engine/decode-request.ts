/** What every engine does with a request to decode before it solves anything: who cannot be solved, and a part of it. */
import type { DecodeRequest, SolveStatus } from '../latent/batch.ts';
import { knotRange, MAX_KNOTS } from '../latent/knots.ts';
import type { ModelSpec } from '../latent/spec.ts';

/** Why sample `b` cannot be solved at all, or nothing. */
export function decodeRefusal(
  { latentSize, solver }: ModelSpec,
  { z0, offsets, times }: DecodeRequest,
  b: number,
): SolveStatus | undefined {
  if (!z0.subarray(b * latentSize, (b + 1) * latentSize).every(Number.isFinite)) return 'non-finite';
  const { first, last } = knotRange(times.subarray(offsets[b], offsets[b + 1]), solver.knotSpacing);
  return last - first > MAX_KNOTS ? 'max-steps' : undefined;
}

/** The chosen samples as a request of their own. */
export function selectSamples(
  { latentSize }: ModelSpec,
  { z0, origins, offsets, times }: DecodeRequest,
  chosen: readonly number[],
): DecodeRequest {
  const starts = new Int32Array(chosen.length + 1);
  chosen.forEach((b, i) => {
    starts[i + 1] = starts[i] + offsets[b + 1] - offsets[b];
  });
  const part = {
    z0: new Float32Array(chosen.length * latentSize),
    origins: Float64Array.from(chosen, (b) => origins[b]),
    offsets: starts,
    times: new Float64Array(starts[chosen.length]),
  };
  chosen.forEach((b, i) => {
    part.z0.set(z0.subarray(b * latentSize, (b + 1) * latentSize), i * latentSize);
    part.times.set(times.subarray(offsets[b], offsets[b + 1]), starts[i]);
  });
  return part;
}
