/** What is drawn of a series over a range of time: plain columns, and the questions that the drawings ask of them. Pure. */
import { BANDS, type Columns, type ForecastAnswer, type Kind } from './answers.ts';
import type { TimeRange } from './time-range.ts';

export interface Picture {
  readonly range: TimeRange;
  readonly observations: Columns;
  readonly forecast: ForecastAnswer | undefined;
  readonly truth: Columns | undefined;
  /** Time of the last event, if there is one. */
  readonly lastEvent: number | undefined;
  /** Where past and future part: the clock for a live series, else its last event. */
  readonly anchor: Anchor;
  /** A time that the reader asked for. */
  readonly asked: number | undefined;
}

export interface Anchor {
  readonly time: number;
  readonly name: 'now' | 'last event';
}

export interface Point {
  readonly time: number;
  readonly value: number;
}

export interface Band {
  readonly level: number;
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** A stretch of times of one kind; the forecast's times are [first, last] in it. */
export interface Stretch {
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
}

export function pointsOf(columns: Columns, channel: string, range?: TimeRange): Point[] {
  const values = columns.values[channel] ?? [];
  const points: Point[] = [];
  for (const [i, time] of columns.times.entries()) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    if (!range || (time >= range.from && time <= range.to)) points.push({ time, value });
  }
  return points;
}

/** Widest first, so that they can be painted upon each other. */
export function bandsOf(forecast: ForecastAnswer, channel: string): Band[] {
  const quantiles = forecast.channels[channel]?.quantiles ?? {};
  return [...BANDS].reverse().flatMap(({ level, low, high }) => {
    const [lows, highs] = [quantiles[low], quantiles[high]];
    return lows && highs ? [{ level, low: lows, high: highs }] : [];
  });
}

/** Neighbouring stretches meet at the interpolated one's outermost time, which is the last (or first) event's. */
export function stretchesOf({ times, kind }: ForecastAnswer): Stretch[] {
  const stretches: { kind: Kind; from: number; to: number }[] = [];
  for (const [i, time] of times.entries()) {
    const last = stretches.at(-1);
    if (last && last.kind === kind[i]) last.to = time;
    else stretches.push({ kind: kind[i], from: time, to: time });
  }
  for (const [i, stretch] of stretches.entries()) {
    if (stretch.kind === 'interpolation') continue;
    stretch.from = stretches[i - 1]?.to ?? stretch.from;
    stretch.to = stretches[i + 1]?.from ?? stretch.to;
  }
  return stretches;
}

export interface Reading {
  readonly time: number;
  readonly kind: Kind;
  readonly mean: number;
  readonly low80: number;
  readonly high80: number;
}

/** The forecast of a channel at a time, on the straight line between the two asked times that enclose it. */
export function readingAt(forecast: ForecastAnswer, channel: string, time: number): Reading | undefined {
  const { times, kind } = forecast;
  const answer = forecast.channels[channel];
  const band = answer && bandsOf(forecast, channel).find(({ level }) => level === 0.8);
  if (times.length === 0 || !band) return undefined;
  const at = Math.min(Math.max(time, times[0]), times[times.length - 1]);
  const next = Math.max(
    1,
    times.findIndex((t) => t >= at),
  );
  const share = times.length === 1 ? 0 : (at - times[next - 1]) / (times[next] - times[next - 1]);
  const between = (v: readonly number[]) => (share === 0 ? v[next - 1] : v[next - 1] + share * (v[next] - v[next - 1]));
  const [mean, low80, high80] = [answer.mean, band.low, band.high].map(between);
  return { time: at, kind: kind[nearest(times, at)], mean, low80, high80 };
}

/** Index of the nearest of ascending times, −1 if there are none. */
export function nearest(times: readonly number[], time: number): number {
  if (times.length === 0) return -1;
  let [low, high] = [0, times.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low > 0 && time - times[low - 1] < times[low] - time ? low - 1 : low;
}

/**
 * Smallest and largest value worth seeing in the range. Bands far wider than everything else are cut off, for a forecast
 * years away must not flatten what was observed.
 */
export function valueRange(picture: Picture, channel: string): [number, number] {
  const inner = [...pointsOf(picture.observations, channel, picture.range), ...truthOf(picture, channel)];
  const [means, outer] = forecastValues(picture, channel);
  const core = extent([...inner.map(({ value }) => value), ...means]);
  const all = extent([core[0], core[1], ...outer]);
  const slack = 1.5 * (core[1] - core[0]) || Number.POSITIVE_INFINITY;
  const [low, high] = [Math.max(all[0], core[0] - slack), Math.min(all[1], core[1] + slack)];
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const margin = 0.04 * (high - low) || Math.max(Math.abs(high) * 0.05, 0.5);
  return outwards(low - margin, high + margin);
}

/** To multiples of a power of two near a sixteenth of the range, so that the axis of a sliding picture rests. */
function outwards(low: number, high: number): [number, number] {
  const step = 2 ** Math.round(Math.log2((high - low) / 16));
  return [Math.floor(low / step) * step, Math.ceil(high / step) * step];
}

export function truthOf({ truth, range }: Picture, channel: string): Point[] {
  return truth ? pointsOf(truth, channel, range) : [];
}

function forecastValues({ forecast, range }: Picture, channel: string): [number[], number[]] {
  const answer = forecast?.channels[channel];
  if (!forecast || !answer) return [[], []];
  const visible = forecast.times.flatMap((t, i) => (t >= range.from && t <= range.to ? [i] : []));
  const widest = bandsOf(forecast, channel).slice(0, 2);
  return [visible.map((i) => answer.mean[i]), visible.flatMap((i) => widest.flatMap((b) => [b.low[i], b.high[i]]))];
}

function extent(values: readonly number[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}
