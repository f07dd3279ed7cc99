/**
 * What is never trained on, so that a score means something.
 *
 * Many series (16 or more at the first round): one series in eight, chosen by a hash of its name, for ever. Nothing newer
 * than the newest training data is needed to score, so the model learns up to the last event.
 *
 * Few series: the newest part of time, a tenth of what is known but at least two and at most eight horizons, and never
 * more than a third of the time or of the observations. It slides:
 * as events arrive, what leaves it is trained on; it never moves back. So a score is always of a time that the model has
 * not seen, the weights are at most eight horizons behind the events (the context of a forecast is not behind at all),
 * and an older model is scored on what it has not seen either.
 *
 * The rule is chosen once and kept in the checkpoint: to change it would score a model on what it was trained on.
 */
import { createHash } from 'node:crypto';
import type { Pool, SeriesColumns } from './pool.ts';
import { rowAt } from './pool.ts';

export type HoldOutRule = 'series' | 'time';

/** A place in a pool: the last row of a context. */
export interface Place {
  readonly columns: SeriesColumns;
  readonly row: number;
}

export interface Split {
  readonly rule: HoldOutRule;
  /** Observations at or after it are not trained on. ms; Infinity where the rule is `series`. */
  readonly cut: number;
}

const MANY_SERIES = 16;
const SERIES_SHARE = 8;
const TIME_SHARE = 0.1;
const MIN_HORIZONS = 2;
const MAX_HORIZONS = 8;
/** Most of a short history, and of the observations when they come in bursts, must be left to train on. */
const MAX_SHARE = 1 / 3;

export function chooseRule(pool: Pool): HoldOutRule {
  const heldOut = pool.series.filter((s) => isHeldOutSeries(s.series)).length;
  return pool.series.length >= MANY_SERIES && heldOut >= 2 ? 'series' : 'time';
}

export function splitPool(
  pool: Pool,
  rule: HoldOutRule,
  horizonMs: number,
  previousCut = Number.NEGATIVE_INFINITY,
): Split {
  if (rule === 'series') return { rule, cut: Number.POSITIVE_INFINITY };
  const known = pool.lastTime - pool.firstTime;
  const wanted = Math.min(Math.max(TIME_SHARE * known, MIN_HORIZONS * horizonMs), MAX_HORIZONS * horizonMs);
  const cut = pool.lastTime - Math.min(wanted, MAX_SHARE * known);
  return { rule, cut: Math.max(previousCut, cut, timeWithShareAfter(pool, MAX_SHARE)) };
}

/** The earliest time, to a millionth of the span, after which at most this share of the observations lies. */
function timeWithShareAfter({ series, observations, firstTime, lastTime }: Pool, share: number): number {
  let [low, high] = [firstTime, lastTime];
  for (let i = 0; i < 20; i++) {
    const middle = (low + high) / 2;
    const after = series.reduce((sum, { times }) => sum + times.length - rowAt(times, middle), 0);
    if (after > share * observations) low = middle;
    else high = middle;
  }
  return high;
}

/** Rows 0 … n−1 of a series are trained on. */
export function trainableRows({ rule, cut }: Split, columns: SeriesColumns): number {
  if (rule === 'series') return isHeldOutSeries(columns.series) ? 0 : columns.times.length;
  return rowAt(columns.times, cut);
}

/**
 * Up to `count` places, evenly over all that a scoring window of held-out data may end at. By time where time is held
 * out, by series where series are, so that the first half and the second have nothing in common.
 */
export function heldOutPlaces(pool: Pool, split: Split, count: number): Place[] {
  const ranges = pool.series.map((columns): RowRange => {
    const trainable = trainableRows(split, columns);
    return {
      columns,
      from: Math.max(0, trainable - 1),
      to: trainable === columns.times.length ? 0 : columns.times.length - 1,
    };
  });
  const places = evenPlaces(ranges, count);
  return split.rule === 'time' ? places.sort((a, b) => timeOf(a) - timeOf(b)) : places;
}

/** The same of what is trained on; the targets after a place are trained on too. */
export function trainingPlaces(pool: Pool, split: Split, count: number): Place[] {
  const ranges = pool.series.map((columns) => ({ columns, from: 0, to: trainableRows(split, columns) - 1 }));
  return evenPlaces(ranges, count);
}

interface RowRange {
  readonly columns: SeriesColumns;
  readonly from: number;
  /** Exclusive; the row after the last place must exist, it is a target. */
  readonly to: number;
}

function evenPlaces(ranges: readonly RowRange[], count: number): Place[] {
  const lengths = ranges.map(({ from, to }) => Math.max(0, to - from));
  const total = lengths.reduce((a, b) => a + b, 0);
  const places: Place[] = [];
  let range = 0;
  let before = 0;
  for (let i = 0; i < Math.min(count, total); i++) {
    const wanted = Math.floor(((i + 0.5) * total) / Math.min(count, total));
    while (wanted - before >= lengths[range]) before += lengths[range++];
    places.push({ columns: ranges[range].columns, row: ranges[range].from + wanted - before });
  }
  return places;
}

function timeOf({ columns, row }: Place): number {
  return columns.times[row];
}

/** The hash must spread names that differ in their last digit only. */
export function isHeldOutSeries(series: string): boolean {
  return createHash('sha256').update(series).digest()[0] % SERIES_SHARE === 0;
}
