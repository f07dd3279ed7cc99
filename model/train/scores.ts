/** Scores of forecasts against what came to pass, in units of each channel's scale so that channels can be averaged. */
import type { BaselineScores, Scores } from '../artifact-format.ts';

/** One value that was forecast. */
export interface ScoredValue {
  readonly channel: number;
  readonly value: number;
  readonly mean: number;
  readonly crps: number;
}

/** With the edges of its central intervals, a level. */
export interface ScoredInterval extends ScoredValue {
  readonly intervals: readonly (readonly [low: number, high: number])[];
}

/** [D] what errors are measured in. */
export interface ChannelUnits {
  readonly scale: readonly number[];
  /** Mean absolute difference of neighbours in the training data: what MASE divides by (Hyndman & Koehler 2006). */
  readonly naiveError: readonly number[];
}

export function pointScores(values: readonly ScoredValue[], { scale }: ChannelUnits): BaselineScores {
  const error = (v: ScoredValue) => (v.value - v.mean) / scale[v.channel];
  return {
    rmse: Math.sqrt(average(values, (v) => error(v) ** 2)),
    mae: average(values, (v) => Math.abs(error(v))),
    crps: average(values, (v) => v.crps / scale[v.channel]),
  };
}

export function scaledError(values: readonly ScoredValue[], { naiveError, scale }: ChannelUnits): number {
  return average(values, (v) => Math.abs(v.value - v.mean) / (naiveError[v.channel] || scale[v.channel]));
}

/** Share of the values inside the central interval of each level; edges count as inside. */
export function coverageOf(values: readonly ScoredInterval[], levels: readonly number[]): Record<string, number> {
  return byLevel(levels, (i) =>
    average(values, ({ value, intervals }) => (value >= intervals[i][0] && value <= intervals[i][1] ? 1 : 0)),
  );
}

export function widthOf(
  values: readonly ScoredInterval[],
  levels: readonly number[],
  { scale }: ChannelUnits,
): Record<string, number> {
  return byLevel(levels, (i) => average(values, (v) => (v.intervals[i][1] - v.intervals[i][0]) / scale[v.channel]));
}

/** Of no values: zeros, and `count` says why. */
export function scoresOf(
  values: readonly ScoredValue[],
  units: ChannelUnits,
  intervals: Pick<Scores, 'coverage' | 'uncalibratedCoverage' | 'width'>,
): Scores {
  return { ...pointScores(values, units), mase: scaledError(values, units), ...intervals, count: values.length };
}

function byLevel(levels: readonly number[], measure: (index: number) => number): Record<string, number> {
  return Object.fromEntries(levels.map((level, i) => [`${level}`, measure(i)]));
}

function average<T>(items: readonly T[], measure: (item: T) => number): number {
  return items.length ? items.reduce((sum, item) => sum + measure(item), 0) / items.length : 0;
}
