/** What training stands on: how the data are split and normalised, and when that must be chosen anew. */
import type { ChannelNormalisation, Normalisation } from '../artifact-format.ts';
import { robustNormalisation } from '../normalise.ts';
import { chooseRule, type Split, splitPool, trainableRows } from './hold-out.ts';
import { instanceOf, type TrainerOptions } from './options.ts';
import type { Pool } from './pool.ts';
import type { ChannelUnits } from './scores.ts';
import { nextGeneration, type TrainerState, type TrainingBasis } from './state.ts';
import { type Trainable, trainableSeries } from './windows.ts';

/** A normalisation that was estimated from an eighth of the present data is looked at again. */
const GROWTH_BEFORE_CHECK = 8;
/** How far it may be off, in units of the scale that it says, before learning begins anew. */
const MAX_SHIFT = 1;
const MAX_SCALE_RATIO = 2;

/** The state with a basis for the present pool. Call it when there is something to train on. */
export function settleBasis(state: TrainerState, pool: Pool, options: TrainerOptions): TrainerState {
  const split = splitOf(state, pool, options);
  const series = trainableSeries(pool, split);
  const observations = series.reduce((sum, s) => sum + s.rows, 0);
  const fresh = () => normalise(series, options);
  const placed = { rule: split.rule, ...(split.rule === 'time' && { cut: split.cut }), trainedThrough: newest(series) };
  const { basis } = state;
  if (!basis) return { ...state, basis: { ...placed, normalisation: fresh(), normalisedOn: observations } };
  const kept = { ...basis, ...placed };
  if (observations < GROWTH_BEFORE_CHECK * basis.normalisedOn) return { ...state, basis: kept };
  return renewed(state, kept, fresh(), observations);
}

export function splitOf({ basis }: TrainerState, pool: Pool, options: TrainerOptions): Split {
  return splitPool(pool, basis?.rule ?? chooseRule(pool), options.horizon, basis?.cut);
}

function renewed(state: TrainerState, basis: TrainingBasis, now: Normalisation, observations: number): TrainerState {
  const fits = basis.normalisation.channels.every((then, c) => isNear(then, now.channels[c]));
  if (fits) return { ...state, basis: { ...basis, normalisedOn: observations } };
  return nextGeneration(state, { ...basis, normalisation: now, normalisedOn: observations });
}

function isNear(then: ChannelNormalisation, now: ChannelNormalisation): boolean {
  const ratio = now.scale / then.scale;
  const shift = Math.abs(now.location - then.location) / then.scale;
  return shift <= MAX_SHIFT && ratio <= MAX_SCALE_RATIO && ratio >= 1 / MAX_SCALE_RATIO;
}

function normalise(series: readonly Trainable[], options: TrainerOptions): Normalisation {
  const channels = options.channels.map((_, c) => robustNormalisation(columnOf(series, c)));
  return { channels, ...instanceOf(options.model) };
}

/** Observed values of a channel in the training data. */
function columnOf(series: readonly Trainable[], channel: number): Float64Array {
  const observed = series.flatMap(({ columns: { channels, values, mask }, rows }) => {
    const picked: number[] = [];
    for (let i = channel; i < rows * channels; i += channels) if (mask[i]) picked.push(values[i]);
    return picked;
  });
  return Float64Array.from(observed);
}

/** A value below a support, trained on or not, ends it. */
export function withSupport(normalisation: Normalisation, pool: Pool): Normalisation {
  const everything = pool.series.map((columns) => ({ columns, rows: columns.times.length }));
  const channels = normalisation.channels.map(({ location, scale }, c) => {
    const { support } = robustNormalisation(columnOf(everything, c));
    return { location, scale, ...(support && { support }) };
  });
  return { ...normalisation, channels };
}

export function unitsOf(normalisation: Normalisation, pool: Pool, split: Split): ChannelUnits {
  const naive = normalisation.channels.map((_, c) => {
    const steps = pool.series.flatMap((columns) =>
      absoluteSteps(columnOf([{ columns, rows: trainableRows(split, columns) }], c)),
    );
    return steps.reduce((a, b) => a + b, 0) / (steps.length || 1);
  });
  return { scale: normalisation.channels.map((c) => c.scale), naiveError: naive };
}

function absoluteSteps(values: Float64Array): number[] {
  return Array.from(values.subarray(1), (v, i) => Math.abs(v - values[i]));
}

function newest(series: readonly Trainable[]): number {
  return series.reduce(
    (latest, { columns, rows }) => Math.max(latest, columns.times[rows - 1]),
    Number.NEGATIVE_INFINITY,
  );
}
