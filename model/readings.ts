/**
 * Which part of a history answers which time. The newest window answers what lies in it and all that comes after; older
 * times are answered from tiles, so that each lies well inside a window, with its neighbours on both sides; what lies
 * before the first observation is answered backwards from the first window. A time's reading follows from the history and
 * that time alone, whatever else is asked.
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
  const plan = new Map<string, Reading & { times: number[] }>();
  const locate = locator(history, bounds, limits);
  for (const time of times) {
    const place = locate(time);
    const known = plan.get(place.key);
    if (known) known.times.push(time);
    else plan.set(place.key, { context: place.context(), side: place.side, times: [time] });
  }
  return [...plan.values()];
}

interface Located {
  /** The same key, the same context and side. */
  readonly key: string;
  readonly side: Reading['side'];
  readonly context: () => Window;
}

function locator(history: History, { first, last }: Bounds, limits: ReadingLimits): (time: number) => Located {
  const newest = endingAt(history, last, limits);
  const tiles = tileReader(history, limits);
  return (time) => {
    if (time > last) return { key: 'newest/after', side: 'after', context: () => newest };
    if (time >= newest.times[0]) return { key: 'newest', side: 'inside', context: () => newest };
    if (time < first) return { key: 'first', side: 'before', context: () => startingAt(history, first, limits) };
    return locateAmong(history, tiles(time), time, limits);
  };
}

function endingAt(history: History, time: number, { contextMs, maxObservations }: ReadingLimits): Window {
  return history.window({ from: time - contextMs, to: time, limit: maxObservations, keep: 'newest' });
}

function startingAt(history: History, time: number, { contextMs, maxObservations }: ReadingLimits): Window {
  return history.window({ from: time, to: time + contextMs, limit: maxObservations, keep: 'oldest' });
}

/** Inside its tile's window where the neighbours are near enough, else from the nearer end of the gap that it lies in. */
function locateAmong(history: History, tile: Tile, time: number, limits: ReadingLimits): Located {
  const [before, after] = neighbours(tile, time);
  if (after - before <= limits.longestGapMs) return { key: tile.key, side: 'inside', context: tile.context };
  if (time - before <= after - time) {
    return { key: `after/${before}`, side: 'after', context: () => endingAt(history, before, limits) };
  }
  return { key: `before/${after}`, side: 'before', context: () => startingAt(history, after, limits) };
}

interface Tile {
  readonly key: string;
  /** Observations of the tile and of half a tile to both sides. */
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

/** Tiles of half a context, on a grid from the epoch that halves where observations are dense; each is read once. */
function tileReader(history: History, limits: ReadingLimits): (time: number) => Tile {
  const known = new Map<string, Tile | 'too dense'>();
  return (time) => {
    for (let halvings = 0; ; halvings++) {
      const length = limits.contextMs / 2 ** (halvings + 1);
      const index = Math.floor(time / length);
      const key = `tile/${halvings}/${index}`;
      const tile = known.get(key) ?? readTile(history, key, index * length, length, limits, halvings === MAX_HALVINGS);
      known.set(key, tile);
      if (tile !== 'too dense') return tile;
    }
  };
}

function readTile(
  history: History,
  key: string,
  from: number,
  length: number,
  limits: ReadingLimits,
  smallest: boolean,
): Tile | 'too dense' {
  const [start, end] = [from - length / 2, from + 1.5 * length];
  const inner = history.window({ from: start, to: end, limit: limits.maxObservations + 1 });
  if (inner.times.length > limits.maxObservations && !smallest) return 'too dense';
  const before =
    history.window({ to: below(inner.times[0] ?? start), limit: 1, keep: 'newest' }).times[0] ??
    Number.NEGATIVE_INFINITY;
  const after =
    history.window({ from: above(inner.times.at(-1) ?? end), limit: 1, keep: 'oldest' }).times[0] ??
    Number.POSITIVE_INFINITY;
  const context = () => {
    const [low, high] = [inner.times[0] ?? after, inner.times.at(-1) ?? before];
    const near = (gap: number) => gap <= limits.longestGapMs;
    return history.window({
      from: near(low - before) ? before : low,
      to: near(after - high) ? after : high,
      limit: limits.maxObservations + 2,
    });
  };
  return { key, inner, before, after, context };
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
