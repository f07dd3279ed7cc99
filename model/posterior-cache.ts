/**
 * Windows that one model has read, with what came of them: the frame, the posterior and the noise of its draws. Known by
 * their content, so that nothing needs to be told when a series changes: a window with a new event is another window, and
 * what nobody asks for again is forgotten, the longest unasked first, when the room is full.
 *
 * A new event makes the window anew, state by state: the encoder reads from the newest observation backwards. What can be
 * reused is the window as a whole, by every query until then, and those of all other series.
 */
import { createHash } from 'node:crypto';
import type { Window } from '../ingest/window.ts';
import type { ArtifactHeader } from './artifact-format.ts';
import type { PosteriorSource } from './coalesce.ts';
import { createRandom } from './latent/random.ts';
import { type Frame, frameOf, toRagged } from './normalise.ts';

export interface FramedWindow {
  readonly frame: Frame;
  readonly source: PosteriorSource;
}

export interface ReadWindow extends FramedWindow {
  /**
   * [K, L] The draws follow from the model and the observations that are read, and from nothing else: the same question has
   * the same answer, and a time's answer does not depend on its neighbours'. Those of fewer paths are the first of more.
   */
  noise(paths: number): Float32Array;
}

export interface PosteriorCache {
  /** The window must have an observation. */
  read(window: Window): ReadWindow;
  /** Of all windows that are kept. */
  readonly bytes: number;
}

export interface PosteriorCacheOptions {
  readonly header: Pick<ArtifactHeader, 'version' | 'spec' | 'normalisation'>;
  /** Most bytes that are kept. */
  readonly limit?: number;
  /** Hears of every window whether it was known. */
  readonly onRead?: (outcome: 'hit' | 'miss') => void;
}

/** Some ten thousand windows of 64 draws of a small model. */
const LIMIT = 16 * 2 ** 20;
/** What an entry takes besides its numbers: objects, key, place in the table. */
const OVERHEAD = 1024;

interface Entry extends FramedWindow {
  readonly digest: string;
  noise: Float32Array;
  bytes: number;
}

export function createPosteriorCache({
  header,
  limit = LIMIT,
  onRead = () => {},
}: PosteriorCacheOptions): PosteriorCache {
  /** In the order of their last use. */
  const entries = new Map<string, Entry>();
  let bytes = 0;
  const keep = (entry: Entry) => {
    const known = entries.get(entry.digest);
    bytes += sizeOf(entry) - (known?.bytes ?? 0);
    entry.bytes = sizeOf(entry);
    entries.delete(entry.digest);
    entries.set(entry.digest, entry);
    for (const [digest, oldest] of entries) {
      if (bytes <= limit) break;
      entries.delete(digest);
      bytes -= oldest.bytes;
    }
  };
  return {
    read: (window) => {
      const digest = digestOf(header.version, window);
      const known = entries.get(digest);
      onRead(known === undefined ? 'miss' : 'hit');
      const entry = known ?? newEntry(header, digest, window);
      keep(entry);
      return { frame: entry.frame, source: entry.source, noise: (paths) => noiseOf(header, entry, paths, keep) };
    },
    get bytes() {
      return bytes;
    },
  };
}

function digestOf(version: string, { times, values, mask }: Window): string {
  const hash = createHash('sha256').update(version);
  for (const part of [times, values, mask]) hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  return hash.digest('hex');
}

function newEntry({ normalisation, spec }: PosteriorCacheOptions['header'], digest: string, window: Window): Entry {
  const frame = frameOf(window, normalisation);
  const context = toRagged([window], [frame], spec.timescaleMs);
  return { digest, frame, source: { context, posterior: undefined }, noise: new Float32Array(), bytes: 0 };
}

/** The context counts as long as it may be there: it goes when the posterior has come. */
function sizeOf({ noise, source: { context, posterior } }: Entry): number {
  const window =
    context === undefined ? 0 : context.times.byteLength + context.values.byteLength + context.mask.byteLength;
  return OVERHEAD + noise.byteLength + window + 2 * (posterior?.mean.byteLength ?? 0);
}

function noiseOf(
  { spec }: PosteriorCacheOptions['header'],
  entry: Entry,
  paths: number,
  keep: (entry: Entry) => void,
): Float32Array {
  const size = paths * spec.latentSize;
  if (entry.noise.length < size) {
    const random = createRandom(entry.digest);
    entry.noise = Float32Array.from({ length: size }, () => random.normal());
    keep(entry);
  }
  return entry.noise.subarray(0, size);
}
