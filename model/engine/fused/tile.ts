/**
 * A tile of a batch: the samples that the kernels solve side by side. It is a batch by itself, of at most `lanes` samples, so
 * that whoever computes it packs no other part; what a tile gives depends on nothing outside of it.
 */
import type { Ragged, TrainingBatch } from '../../latent/batch.ts';

export function tilesOf(batch: TrainingBatch, lanes: number): number {
  return Math.ceil(batch.origins.length / lanes);
}

/** Samples tile·lanes … (tile + 1)·lanes − 1. What lies in one piece is not copied. */
export function tileOf(batch: TrainingBatch, latentSize: number, tile: number, lanes: number): TrainingBatch {
  const samples = batch.origins.length;
  if (samples <= lanes) return batch;
  const first = tile * lanes;
  const end = Math.min(samples, first + lanes);
  return {
    ...batch,
    context: cut(batch.context, first, end),
    targets: cut(batch.targets, first, end),
    origins: batch.origins.subarray(first, end),
    noise: cutDraws(batch.noise, samples * latentSize, first * latentSize, end * latentSize),
  };
}

function cut({ channels, offsets, times, values, mask }: Ragged, first: number, end: number): Ragged {
  const [from, to] = [offsets[first], offsets[end]];
  return {
    channels,
    offsets: offsets.slice(first, end + 1).map((offset) => offset - from),
    times: times.subarray(from, to),
    values: values.subarray(from * channels, to * channels),
    mask: mask.subarray(from * channels, to * channels),
  };
}

/** Of each draw, a row of `size` numbers, those at from … to − 1. */
function cutDraws(noise: Float32Array, size: number, from: number, to: number): Float32Array {
  if (noise.length === size) return noise.subarray(from, to);
  const part = new Float32Array((noise.length / size) * (to - from));
  for (let at = 0, out = 0; at < noise.length; at += size, out += to - from) {
    part.set(noise.subarray(at + from, at + to), out);
  }
  return part;
}
