/** Contexts and targets out of a pool: random ones to train on, fixed ones to score on. */
import type { Window } from '../../ingest/window.ts';
import type { Random } from '../latent/random.ts';
import type { Place, Split } from './hold-out.ts';
import { trainableRows } from './hold-out.ts';
import { type Pool, range, rowAt, rowsOf, type SeriesColumns } from './pool.ts';

/** What the encoder sees and what is asked of it. One sample each, in the user's units. */
export interface Example {
  readonly context: Window;
  readonly targets: Window;
}

export interface ExampleShape {
  /** ms */
  readonly contextMs: number;
  readonly horizonMs: number;
  /** What a forecast reads at most; a training context is a random subset of it. */
  readonly maxObservations: number;
  readonly maxContextObservations: number;
  readonly maxTargets: number;
}

/** A series that can be trained on, and how far. */
export interface Trainable {
  readonly columns: SeriesColumns;
  readonly rows: number;
}

/** A context and at least one target need two observations. */
const MIN_ROWS = 2;
/** Half of the contexts are as long as a forecast's; the others are of any length, so that young series work too. */
const FULL_LENGTH_SHARE = 0.5;
const ALL_POINTS_SHARE = 0.5;
const MIN_POINTS_SHARE = 0.3;
/** How much of the newest data "recent" means. */
const RECENT_SHARE = 0.1;

export function trainableSeries(pool: Pool, split: Split): Trainable[] {
  return pool.series
    .map((columns) => ({ columns, rows: trainableRows(split, columns) }))
    .filter(({ rows }) => rows >= MIN_ROWS);
}

/**
 * A random series, a random end among its observations, a context of random length and density before it; as targets what
 * is known of the context's span and of the horizon after it.
 * @param recentShare probability that the end is among the newest observations of the series
 */
export function drawExample(
  random: Random,
  series: readonly Trainable[],
  shape: ExampleShape,
  recentShare: number,
): Example {
  const { columns, rows } = series[random.int(series.length)];
  const { times } = columns;
  const end = drawEnd(random, rows, recentShare);
  const length = shape.contextMs * (random.uniform() < FULL_LENGTH_SHARE ? 1 : random.uniform());
  const from = Math.max(rowAt(times, times[end] - length), end + 1 - shape.maxObservations);
  const context = choose(random, from, end + 1, drawCount(random, end + 1 - from, shape.maxContextObservations));
  const after = Math.min(rows, rowAt(times, times[end] + shape.horizonMs));
  return {
    context: rowsOf(columns, context),
    targets: rowsOf(columns, drawTargets(random, context[0], end + 1, after, shape)),
  };
}

/** The last row is no end where there is another: nothing would come after it. */
function drawEnd(random: Random, rows: number, recentShare: number): number {
  const ends = rows - 1;
  const recent = random.uniform() < recentShare ? Math.max(1, Math.ceil(RECENT_SHARE * ends)) : ends;
  return ends - 1 - random.int(recent);
}

function drawCount(random: Random, available: number, most: number): number {
  const share = random.uniform() < ALL_POINTS_SHARE ? 1 : MIN_POINTS_SHARE + (1 - MIN_POINTS_SHARE) * random.uniform();
  return Math.max(1, Math.min(most, Math.round(share * available)));
}

/** Both parts get a fair share of the bound: the horizon is what is asked most, and often has fewer observations. */
function drawTargets(random: Random, from: number, middle: number, to: number, { maxTargets }: ExampleShape): number[] {
  const half = maxTargets >> 1;
  const within = Math.min(middle - from, Math.max(half, maxTargets - (to - middle)));
  const after = Math.min(to - middle, maxTargets - within);
  return [...choose(random, from, middle, within), ...choose(random, middle, to, after)];
}

/** `count` of the rows from … to−1 at random, ascending (R. W. Floyd's algorithm, CACM 30 (9), 1987): work ∝ count. */
function choose(random: Random, from: number, to: number, count: number): number[] {
  if (count >= to - from) return range(from, to);
  const chosen = new Set<number>();
  for (let last = to - from - count; last < to - from; last++) {
    const row = random.int(last + 1);
    chosen.add(chosen.has(row) ? last : row);
  }
  return [...chosen].map((row) => from + row).sort((a, b) => a - b);
}

/** A window to score: what a forecast would see at a place, and what came to pass. */
export interface ScoringWindow extends Example {
  readonly place: Place;
}

/** Targets outside are not scored: they are trained on, or must not be looked at. ms, [notBefore, before) */
export interface TimeLimits {
  readonly notBefore: number;
  readonly before: number;
}

export interface ScoringShape extends Omit<ExampleShape, 'maxContextObservations'>, TimeLimits {}

/** As a forecast reads it: the newest observations of the longest context, and targets of the horizon after. */
export function extrapolationWindow(place: Place, shape: ScoringShape): ScoringWindow | undefined {
  const { columns, row } = place;
  const { times } = columns;
  const from = Math.max(rowAt(times, times[row] - shape.contextMs), row + 1 - shape.maxObservations);
  const to = rowAt(times, Math.min(times[row] + shape.horizonMs, shape.before));
  const targets = spread(range(Math.max(row + 1, rowAt(times, shape.notBefore)), to), shape.maxTargets);
  if (targets.length === 0) return undefined;
  return { place, context: rowsOf(columns, range(from, row + 1)), targets: rowsOf(columns, targets) };
}

/** One inner observation in five is hidden from the context and asked for. */
export function interpolationWindow(random: Random, place: Place, shape: ScoringShape): ScoringWindow | undefined {
  const { columns, row } = place;
  const { times } = columns;
  const from = Math.max(rowAt(times, times[row] - shape.contextMs), row + 1 - shape.maxObservations);
  const inner = Math.max(from + 1, rowAt(times, shape.notBefore));
  if (inner >= row) return undefined;
  const hidden = new Set(choose(random, inner, row, Math.min(shape.maxTargets, Math.ceil((row - inner) / 5))));
  const seen = range(from, row + 1).filter((r) => !hidden.has(r));
  return { place, context: rowsOf(columns, seen), targets: rowsOf(columns, [...hidden]) };
}

/** At most `count` of the rows, evenly. */
function spread(rows: readonly number[], count: number): number[] {
  if (rows.length <= count) return [...rows];
  return Array.from({ length: count }, (_, i) => rows[Math.floor(((i + 0.5) * rows.length) / count)]);
}
