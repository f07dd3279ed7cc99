/**
 * Which part of a history answers which time. The newest window answers what lies in it and all that comes after; older
 * times are answered from tiles, overlapping by half, so that each lies well inside a window with its neighbours on both
 * sides; what lies before the first observation is answered backwards from the first window. Where windows overlap their
 * shares of the answer fade into one another, so that a forecast has no seams. A time's readings follow from the history
 * and that time alone, whatever else is asked.
 */
import type { Window } from '../ingest/window.ts';
import type { ArtifactHeader } from './artifact-format.ts';
import type { History } from './forecast-types.ts';

/** A context and the times that it answers. */
export interface Reading {
  /** One sample with at least one observation. */
  readonly context: Window;
  /** ms, ascending. */
  readonly times: readonly number[];
  /** Its share of the answer at each time, > 0; over all readings they add up to 1. */
  readonly shares: readonly number[];
  /** Where the times lie: among the observations, after the last of them, before the first. */
  readonly side: 'inside' | 'after' | 'before';
}

export interface ReadingLimits extends Pick<ArtifactHeader['window'], 'contextMs' | 'maxObservations'> {
  /** A gap longer than this is not bridged: its times are answered from the nearer end. ms */
  readonly longestGapMs: number;
}

export interface Bounds {
  readonly first: number;
  readonly last: number;
}

/** A tile is halved until its window has few enough observations; so often at most. */
const MAX_HALVINGS = 40;

/** @param times ms, ascending, without duplicates */
export function planReadings(
  history: History,
  bounds: Bounds,
  times: readonly number[],
  limits: ReadingLimits,
): Reading[] {
  const plan = new Map<string, Reading & { readonly times: number[]; readonly shares: number[] }>();
  const locate = locator(history, bounds, limits);
  for (const time of times) {
    for (const { key, side, context, share } of locate(time)) {
      const reading = plan.get(key) ?? { context: context(), side, times: [], shares: [] };
      plan.set(key, reading);
      reading.times.push(time);
      reading.shares.push(share);
    }
  }
  return [...plan.values()];
}

/** A reading that has a share in the answer at a time. */
interface Part {
  /** The same key, the same context and side. */
  readonly key: string;
  readonly side: Reading['side'];
  readonly context: () => Window;
  readonly share: number;
}

function locator(history: History, { first, last }: Bounds, limits: ReadingLimits): (time: number) => Part[] {
  const newest = endingAt(history, last, limits);
  const start = newest.times[0];
  const tiles = tileReader(history, limits);
  const newestPart = { key: 'newest', side: 'inside', context: () => newest, share: 1 } as const;
  const firstPart = {
    key: 'first',
    side: 'inside',
    context: () => startingAt(history, first, limits),
    share: 1,
  } as const;
  const fade = Math.min(limits.contextMs / 2, last - start) / 2;
  const among = (time: number) => fadeParts([firstPart], tiles(time), fadeShare(time - first, limits.contextMs / 4));
  return (time) => {
    if (time > last) return [{ ...newestPart, key: 'newest/after', side: 'after' }];
    if (time < first) return [{ ...firstPart, key: 'first/before', side: 'before' }];
    if (start === first || time >= start + fade) return [newestPart];
    return fadeParts(among(time), [newestPart], fadeShare(time - start, fade));
  };
}

/** 0 at the start of a fade and before, 1 at its end and after, flat at both. */
function fadeShare(distance: number, length: number): number {
  const x = Math.min(Math.max(distance / length, 0), 1);
  return x * x * (3 - 2 * x);
}

/** Parts whose share is nothing are left out, so that nothing is computed for them. */
function fadeParts(from: readonly Part[], to: readonly Part[], share: number): Part[] {
  const scale = (parts: readonly Part[], by: number) => parts.map((p) => ({ ...p, share: by * p.share }));
  return [...(share < 1 ? scale(from, 1 - share) : []), ...(share > 0 ? scale(to, share) : [])];
}

function endingAt(history: History, time: number, { contextMs, maxObservations }: ReadingLimits): Window {
  return history.window({ from: time - contextMs, to: time, limit: maxObservations, keep: 'newest' });
}

function startingAt(history: History, time: number, { contextMs, maxObservations }: ReadingLimits): Window {
  return history.window({ from: time, to: time + contextMs, limit: maxObservations, keep: 'oldest' });
}

/** The observations of one stretch of a history, and its neighbours. */
interface Tile {
  readonly key: string;
  readonly inner: Window;
  /** The last observation before those and the first after them, ms; infinite where there is none. */
  readonly before: number;
  readonly after: number;
  /** The inner observations and the neighbours that are near enough to belong to them. */
  readonly context: () => Window;
}

/** The last observation at or before a time and the first at or after it. */
function neighbours({ inner, before, after }: Tile, time: number): [number, number] {
  const next = inner.times.findIndex((t) => t >= time);
  const later = next < 0 ? after : inner.times[next];
  const earlier = (next < 0 ? inner.times.at(-1) : inner.times[next] === time ? time : inner.times[next - 1]) ?? before;
  return [earlier, later];
}

/**
 * Tiles as long as a context lie on a grid from the epoch, a new one every half of their length; where one holds too many
 * observations, tiles of half the length take its place. Each is read once.
 */
function tileReader(history: History, limits: ReadingLimits): (time: number) => Part[] {
  const known = new Map<string, Tile | 'too dense'>();
  const tileAt = (halvings: number, index: number, half: number) => {
    const key = `tile/${halvings}/${index}`;
    const tile =
      known.get(key) ?? readTile(history, key, index * half, (index + 2) * half, limits, halvings === MAX_HALVINGS);
    known.set(key, tile);
    return tile;
  };
  return (time) => {
    for (let halvings = 0; ; halvings++) {
      const half = limits.contextMs / 2 ** (halvings + 1);
      const index = Math.floor(time / half);
      const [earlier, later] = [tileAt(halvings, index - 1, half), tileAt(halvings, index, half)];
      if (earlier === 'too dense' || later === 'too dense') continue;
      const share = fadeShare(time - index * half, half);
      return gapPart(history, earlier, time, limits) ?? fadeParts([partOf(earlier)], [partOf(later)], share);
    }
  };
}

function partOf({ key, context }: Tile): Part {
  return { key, side: 'inside', context, share: 1 };
}

/** In a gap that is too long to be bridged, a time is answered from the nearer end. */
function gapPart(history: History, tile: Tile, time: number, limits: ReadingLimits): Part[] | undefined {
  const [before, after] = neighbours(tile, time);
  if (after - before <= limits.longestGapMs) return undefined;
  const near = time - before <= after - time;
  return near
    ? [{ key: `after/${before}`, side: 'after', context: () => endingAt(history, before, limits), share: 1 }]
    : [{ key: `before/${after}`, side: 'before', context: () => startingAt(history, after, limits), share: 1 }];
}

function readTile(
  history: History,
  key: string,
  from: number,
  to: number,
  limits: ReadingLimits,
  smallest: boolean,
): Tile | 'too dense' {
  const inner = history.window({ from, to, limit: limits.maxObservations + 1 });
  if (inner.times.length > limits.maxObservations && !smallest) return 'too dense';
  const [low, high] = [inner.times[0], inner.times.at(-1)];
  const before = nearest(history, { to: below(low ?? from), keep: 'newest' }) ?? Number.NEGATIVE_INFINITY;
  const after = nearest(history, { from: above(high ?? to), keep: 'oldest' }) ?? Number.POSITIVE_INFINITY;
  const context = () => {
    const start = (low ?? after) - before <= limits.longestGapMs ? before : (low ?? after);
    const end = after - (high ?? before) <= limits.longestGapMs ? after : (high ?? before);
    return history.window({ from: start, to: end, limit: limits.maxObservations + 2 });
  };
  return { key, inner, before, after, context };
}

function nearest(
  history: History,
  query: { from?: number; to?: number; keep: 'newest' | 'oldest' },
): number | undefined {
  return history.window({ ...query, limit: 1 }).times[0];
}

/** The next double below and above: bounds of a query are inclusive, times are doubles. */
function below(time: number): number {
  return -above(-time);
}

function above(time: number): number {
  if (!Number.isFinite(time)) return time;
  const step = Math.max(Number.MIN_VALUE, Math.abs(time) * (Number.EPSILON / 2));
  const next = time + step;
  return next > time ? next : time + 2 * step;
}
