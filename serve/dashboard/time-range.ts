/** Ranges of event time (ms since the epoch) and the timestamps that a picture of one asks for. Pure. */

export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

const SHORTEST_MS = 1;
const LONGEST_MS = 400 * 365.25 * 86_400_000;
/** Years 1 to 9999, what the server accepts. */
const EARLIEST = -62_135_596_800_000;
const LATEST = 253_402_300_799_999;

export function span(range: TimeRange): number {
  return range.to - range.from;
}

export function pan(range: TimeRange, byMs: number): TimeRange {
  const by = Math.min(Math.max(byMs, EARLIEST - range.from), LATEST - range.to);
  return { from: range.from + by, to: range.to + by };
}

/** Scales the range by `factor` (below 1 zooms in) so that the time `at` stays where it is. */
export function zoom(range: TimeRange, factor: number, at: number): TimeRange {
  const wanted = Math.min(Math.max(span(range) * factor, SHORTEST_MS), LONGEST_MS);
  const share = (at - range.from) / span(range);
  const from = Math.max(at - share * wanted, EARLIEST);
  return { from, to: Math.min(from + wanted, LATEST) };
}

/**
 * About `count` timestamps over the range, ascending, on a grid that does not move with the range, so that a sliding
 * picture asks for the same times again and its lines do not shimmer. The range's ends and those of `also` inside it
 * are added.
 */
export function gridTimes(range: TimeRange, count: number, also: readonly number[] = []): number[] {
  const step = span(range) / count;
  const first = Math.ceil(range.from / step);
  const grid = Array.from({ length: count + 1 }, (_, i) => (first + i) * step);
  const inside = [...grid, ...also].filter((t) => t > range.from && t < range.to);
  return [...new Set([range.from, ...inside, range.to])].sort((a, b) => a - b);
}
