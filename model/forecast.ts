/**
 * Answers at any times from a history: which observations each time is read from (`readings.ts`), the model's predictive
 * distribution there (`predict.ts`), its intervals calibrated, and what is said beyond the model's reach (`far.ts`). Knows
 * no store and no HTTP. A numerical failure is a status; then the series' long-run distribution answers, never a NaN.
 */
import { setImmediate } from 'node:timers/promises';
import type { Window } from '../ingest/window.ts';
import type { Artifact, ArtifactHeader } from './artifact-format.ts';
import { calibrationAt } from './calibrate.ts';
import { createPathDesk } from './coalesce.ts';
import type { Engine } from './engine/engine.ts';
import { ModelError } from './errors.ts';
import { blend, envelope, farFactor, farLeads, longRunWeight, onGrid, REACH_HORIZONS } from './far.ts';
import type { ChannelForecast, Forecast, Forecaster, ForecastQuery, History } from './forecast-types.ts';
import type { SolveStatus } from './latent/batch.ts';
import { type LongRun, longRunOf } from './long-run.ts';
import { combine, type Mixture, mixtureMean } from './mixture.ts';
import { createPosteriorCache, type PosteriorCache } from './posterior-cache.ts';
import { mixtureAt, type Prediction, type PredictionQuery, type Predictor, predict } from './predict.ts';
import { quantileTable } from './quantile-table.ts';
import { type Bounds, planReadings, type Reading } from './readings.ts';

export interface ForecasterParts {
  readonly artifact: Artifact;
  /** Opened for the artifact's spec; who opened it closes it. */
  readonly engine: Engine;
  /** Hears of each window that is read whether its posterior was known. */
  readonly onRead?: (outcome: 'hit' | 'miss') => void;
}

/** Years ±275,000: what a Date can say. */
const MAX_TIME = 8.64e15;
const MAX_SAMPLES = 4096;
/** Of a long history the newest so many tell its long-run distribution. */
const LONG_RUN_OBSERVATIONS = 1000;
/** Components of mixtures whose quantiles are found between two turns of other work, one by one or by an engine: about 10 ms. */
const COMPONENTS_A_TURN = { alone: 20_000, together: 400_000 } as const;
/** Shares of a time that add up to this are all there are. */
const WHOLE = 1 - 1e-9;
/** Readings in one call of the engine. */
const READINGS_AT_ONCE = 32;

/** @throws ModelError `query-invalid`, `history-empty` or `history-invalid` from `forecast` */
export function createForecaster({ artifact: { header, parameters }, engine, onRead }: ForecasterParts): Forecaster {
  // An engine that answers everyone at once gives each the same bits in any company; another is asked by one at a time.
  const desk = engine.answer && createPathDesk(engine, parameters);
  const model: Model = {
    header,
    predictor: { engine, parameters, normalisation: header.normalisation, ...(desk && { desk }) },
    posteriors: createPosteriorCache({ header, ...(onRead && { onRead }) }),
  };
  return {
    channels: header.spec.channels,
    forecast: async (history, query) => {
      checkQuery(query);
      return forecast(model, history, checkBounds(history), query);
    },
  };
}

interface Model {
  readonly header: ArtifactHeader;
  readonly predictor: Predictor;
  /** Of one version: the next one has its own. */
  readonly posteriors: PosteriorCache;
}

async function forecast(model: Model, history: History, bounds: Bounds, query: ForecastQuery): Promise<Forecast> {
  const times = [...new Set(query.times)].sort((a, b) => a - b);
  const readings = planReadings(history, bounds, times, readingLimits(model.header));
  const task: Task = {
    model,
    query,
    longRun: longRunReader(model, history),
    answers: emptyAnswers(model, query, times),
    order: [...query.quantiles.keys()].sort((a, b) => query.quantiles[a] - query.quantiles[b]),
    unfinished: new Map(),
  };
  const totals = { functionEvaluations: 0, steps: 0, status: 'success' as SolveStatus };
  for (let i = 0; i < readings.length; i += READINGS_AT_ONCE) {
    const solver = await answerReadings(task, readings.slice(i, i + READINGS_AT_ONCE));
    totals.functionEvaluations += solver.functionEvaluations;
    totals.steps += solver.steps;
    if (totals.status === 'success') totals.status = solver.status;
  }
  return {
    ...inAskedOrder(task, query, bounds),
    lastEventTime: bounds.last,
    observationsUsed: countUsed(readings),
    solver: totals,
  };
}

function readingLimits({ window: { contextMs, maxObservations, horizonMs } }: ArtifactHeader) {
  return { contextMs, maxObservations, longestGapMs: Math.max(contextMs, REACH_HORIZONS * horizonMs) };
}

// What is checked --------------------------------------------------------------------------------------------------

function checkQuery({ times, quantiles, samples }: ForecastQuery): void {
  const badTime = times.find((t) => !(Math.abs(t) <= MAX_TIME));
  if (badTime !== undefined) throw new ModelError('query-invalid', `${badTime} is not a time in ms since the epoch`);
  const badQuantile = quantiles.find((q) => !(q > 0 && q < 1));
  if (badQuantile !== undefined)
    throw new ModelError('query-invalid', `quantile ${badQuantile} is not between 0 and 1`);
  if (!(Number.isInteger(samples) && samples >= 1 && samples <= MAX_SAMPLES)) {
    throw new ModelError('query-invalid', `samples must be a whole number from 1 to ${MAX_SAMPLES}, not ${samples}`);
  }
}

function checkBounds({ bounds }: History): Bounds {
  if (!bounds) throw new ModelError('history-empty', 'nothing is known of this series');
  if (Math.abs(bounds.first) <= MAX_TIME && Math.abs(bounds.last) <= MAX_TIME && bounds.first <= bounds.last)
    return bounds;
  throw new ModelError('history-invalid', `a history from ${bounds.first} to ${bounds.last} is none`);
}

function checkContext(context: Window, channels: number): Window {
  if (context.times.length === 0) throw new ModelError('history-empty', 'nothing is known of this series any more');
  if (context.channels === channels) return context;
  throw new ModelError('history-invalid', `the history has ${context.channels} channels, the model ${channels}`);
}

// One answer a time ------------------------------------------------------------------------------------------------

/** Answers at sorted times without duplicates, filled a reading at a time. */
interface Answers {
  readonly indexOf: ReadonlyMap<number, number>;
  readonly channels: readonly ChannelForecast[];
  /** Extrapolation beyond the reach. */
  readonly beyond: Uint8Array;
}

interface Task {
  readonly model: Model;
  readonly query: ForecastQuery;
  /** [D] read from the history when first needed. */
  readonly longRun: () => readonly LongRun[];
  readonly answers: Answers;
  /** Of the asked quantiles, in the order of their probabilities. */
  readonly order: readonly number[];
  /** Which of the sorted times wait for another reading that has a share in them. */
  readonly unfinished: Map<number, readonly NearPart[]>;
}

function emptyAnswers(
  { header }: Model,
  { quantiles, samples, returnSamples }: ForecastQuery,
  times: readonly number[],
): Answers {
  const column = () => new Float64Array(times.length);
  return {
    indexOf: new Map(times.map((t, i) => [t, i])),
    channels: header.spec.channels.map(() => ({
      mean: column(),
      quantiles: quantiles.map(column),
      ...(returnSamples && { samples: Array.from({ length: samples }, column) }),
    })),
    beyond: new Uint8Array(times.length),
  };
}

function longRunReader({ header }: Model, history: History): () => readonly LongRun[] {
  let found: readonly LongRun[] | undefined;
  return () => {
    found ??= longRunOf(history.window({ limit: LONG_RUN_OBSERVATIONS, keep: 'newest' }), header.normalisation);
    return found;
  };
}

async function answerReadings(task: Task, readings: readonly Reading[]) {
  const plans = readings.map((reading) => planReading(task.model, reading));
  const queries = plans.flatMap(({ near, grid }) => predictionQueries(task, near, grid));
  const { predictions, statistics } = await predict(task.model.predictor, queries);
  let next = 0;
  let status: SolveStatus = 'success';
  for (const plan of plans) {
    const near = predictions[next++];
    const grid = plan.grid ? predictions[next++] : undefined;
    const failed = [near, grid].find((p) => p && p.status !== 'success');
    if (failed && status === 'success') status = failed.status;
    if (failed) answerFailed(task, plan);
    else await answerPlan(task, plan, near, grid);
  }
  return { ...statistics, status };
}

/** Timestamps are written to the ms: one at the horizon may be read as that much later, and is no reason to look four times as far. */
const ROUNDING_MS = 1;

function isFar(lead: number, horizonMs: number): boolean {
  return lead > horizonMs + ROUNDING_MS;
}

/** Where a reading's path is wanted: at its times within the reach, and on the grid of leads where one is beyond the horizon. */
interface ReadingPlan {
  readonly reading: Reading;
  readonly leadOf: (time: number) => number;
  readonly near: { readonly context: Window; readonly times: Float64Array };
  readonly grid?: { readonly context: Window; readonly times: Float64Array };
}

function planReading({ header }: Model, reading: Reading): ReadingPlan {
  const { side, times } = reading;
  const context = checkContext(reading.context, header.spec.channels.length);
  const { horizonMs } = header.window;
  const edge = side === 'before' ? context.times[0] : context.times[context.times.length - 1];
  const direction = side === 'before' ? -1 : 1;
  const leadOf = (time: number) => (side === 'inside' ? 0 : direction * (time - edge));
  const within = times.filter((t) => leadOf(t) <= REACH_HORIZONS * horizonMs);
  const near = { context, times: Float64Array.from(within) };
  if (!times.some((t) => isFar(leadOf(t), horizonMs))) return { reading, leadOf, near };
  const grid = Float64Array.from(farLeads(horizonMs), (lead) => edge + direction * lead).sort();
  return { reading, leadOf, near, grid: { context, times: grid } };
}

function predictionQueries(
  { model, query }: Task,
  near: ReadingPlan['near'],
  grid: ReadingPlan['grid'],
): PredictionQuery[] {
  const read = model.posteriors.read(near.context);
  const noise = read.noise(query.samples);
  return [near, grid].flatMap((part) => (part ? [{ ...part, read, noise }] : []));
}

async function answerPlan(
  task: Task,
  plan: ReadingPlan,
  prediction: Prediction,
  grid: Prediction | undefined,
): Promise<void> {
  const { times, shares } = plan.reading;
  const ends = grid && farEnds(task, plan.reading, grid);
  const rowOf = new Map(Array.from(plan.near.times, (t, row) => [t, row]));
  const turn = timesATurn(task);
  for (let from = 0; from < times.length; from += turn) {
    const heard: Heard = { near: [], far: [] };
    for (const [i, time] of times.slice(from, from + turn).entries()) {
      const row = rowOf.get(time);
      const place = { at: task.answers.indexOf.get(time) ?? 0, lead: plan.leadOf(time) };
      const part = { share: shares[from + i], prediction, row };
      if (ends && isFar(place.lead, task.model.header.window.horizonMs)) hearFar(task, place, part, ends, heard);
      else if (row !== undefined) hearNear(task, place, { ...part, row }, heard);
    }
    answerNear(task, heard.near);
    answerFar(task, heard.far);
    // A query may ask thousands of times; others wait for this thread.
    if (from + turn < times.length) await setImmediate();
  }
}

function timesATurn({ model, query }: Task): number {
  const components = model.header.spec.channels.length * (query.quantiles.length + 1) * query.samples;
  const { quantiles } = model.predictor.engine;
  return Math.max(1, Math.round(COMPONENTS_A_TURN[quantiles ? 'together' : 'alone'] / components));
}

interface Place {
  /** Which of the sorted times. */
  readonly at: number;
  /** ms from the observations; 0 among them. */
  readonly lead: number;
}

/** What one reading says of one time. */
interface Part {
  readonly share: number;
  readonly prediction: Prediction;
  /** Of the prediction; undefined beyond the reach. */
  readonly row: number | undefined;
}

type NearPart = Part & { readonly row: number };

/** What is known of some times before their quantiles are found, all at once. */
interface Heard {
  readonly near: NearEntry[];
  readonly far: FarEntry[];
}

interface Entry extends Place {
  readonly channel: number;
  readonly mixture: Mixture;
  /** The value on the k-th sampled path. */
  readonly path: (sample: number) => number;
}

type NearEntry = Entry;

interface FarEntry extends Entry {
  readonly end: FarEnd;
  /** Nothing of the path is left. */
  readonly beyond: boolean;
}

/** An entry a channel when all readings that have a share in the time have been heard. */
function hearNear(task: Task, place: Place, part: NearPart, { near }: Heard): void {
  const parts = part.share < WHOLE ? [...(task.unfinished.get(place.at) ?? []), part] : [part];
  const complete = parts.length === 1 ? part.share >= WHOLE : parts.reduce((sum, p) => sum + p.share, 0) >= WHOLE;
  if (!complete) {
    task.unfinished.set(place.at, parts);
    return;
  }
  task.unfinished.delete(place.at);
  const channels = task.model.header.spec.channels.length;
  for (let channel = 0; channel < channels; channel++) near.push(nearEntry(place, channel, channels, parts));
}

function nearEntry({ at, lead }: Place, channel: number, channels: number, parts: readonly NearPart[]): NearEntry {
  const mixtures = parts.map(({ share, prediction, row }) => ({
    share,
    mixture: mixtureAt(prediction, channels, row, channel),
  }));
  const path = (k: number) => mixtures.reduce((sum, m) => sum + m.share * m.mixture.means[k], 0);
  return { at, lead, channel, mixture: combine(mixtures), path };
}

function hearFar(task: Task, place: Place, { prediction, row }: Part, ends: readonly FarEnd[], { far }: Heard): void {
  const { spec, window } = task.model.header;
  const weight = longRunWeight(place.lead, window.horizonMs);
  ends.forEach((end, channel) => {
    const { longRun } = end;
    const own = row === undefined ? undefined : mixtureAt(prediction, spec.channels.length, row, channel);
    const mixture = own ? blend(own, longRun, weight) : alone(longRun);
    const path = (k: number) => (own ? own.means[k] + weight * (longRun.mean - own.means[k]) : longRun.mean);
    far.push({ ...place, channel, mixture, path, end, beyond: !own });
  });
}

/** [N, Q] */
function quantilesOf({ model }: Task, mixtures: readonly Mixture[], probabilities: readonly number[]): Float64Array {
  return quantileTable(mixtures, probabilities, model.predictor.engine.quantiles);
}

function answerNear(task: Task, entries: readonly NearEntry[]): void {
  const levels = [0.5, ...task.query.quantiles];
  const found = quantilesOf(
    task,
    entries.map(({ mixture }) => mixture),
    levels,
  );
  let stretches: Stretches | undefined;
  entries.forEach((entry, i) => {
    const { lead, channel, mixture, path } = entry;
    if (stretches?.lead !== lead) stretches = stretchesAt(task, lead);
    const from = i * levels.length;
    const median = found[from];
    const quantiles = stretches.factors[channel].map((factor, q) => median + factor * (found[from + 1 + q] - median));
    write(task, entry, { mean: mixtureMean(mixture), quantiles, path });
  });
}

/** By how much each calibrated quantile lies further from the median than the model's own. */
interface Stretches {
  readonly lead: number;
  /** [D][Q] */
  readonly factors: readonly (readonly number[])[];
}

function stretchesAt({ model: { header }, query }: Pick<Task, 'model' | 'query'>, lead: number): Stretches {
  const weight = longRunWeight(lead, header.window.horizonMs);
  const factorOf = calibrationAt(header.calibration, lead);
  const factors = header.spec.channels.map((_, channel) =>
    query.quantiles.map((quantile) => {
      if (quantile === 0.5) return 0;
      return farFactor(factorOf(channel, Math.abs(2 * quantile - 1)), weight);
    }),
  );
  return { lead, factors };
}

/** Beyond the horizon: of one channel, the least distance of each asked quantile from the median, a grid lead. */
interface FarEnd {
  readonly longRun: LongRun;
  /** [Q][G+1] unsigned */
  readonly distances: readonly (readonly number[])[];
}

function farEnds(task: Task, { side }: Reading, grid: Prediction): FarEnd[] {
  const { query, model } = task;
  const { spec, window } = model.header;
  const leads = farLeads(window.horizonMs);
  const levels = [0.5, ...query.quantiles];
  const stretches = leads.map((lead) => stretchesAt(task, lead).factors);
  const blended = task.longRun().map((longRun, channel) =>
    leads.map((lead, i) => {
      const row = side === 'before' ? leads.length - 1 - i : i;
      return blend(mixtureAt(grid, spec.channels.length, row, channel), longRun, longRunWeight(lead, window.horizonMs));
    }),
  );
  const found = quantilesOf(task, blended.flat(), levels);
  return task.longRun().map((longRun, channel) => ({
    longRun,
    distances: query.quantiles.map((_, q) =>
      envelope(
        leads.map((_, i) => {
          const from = (channel * leads.length + i) * levels.length;
          return Math.abs(stretches[i][channel][q] * (found[from + q + 1] - found[from]));
        }),
      ),
    ),
  }));
}

function answerFar(task: Task, entries: readonly FarEntry[]): void {
  const { model, query } = task;
  const { horizonMs } = model.header.window;
  const medians = quantilesOf(
    task,
    entries.map(({ mixture }) => mixture),
    [0.5],
  );
  entries.forEach((entry, i) => {
    const { mixture, lead, path, end, beyond } = entry;
    const quantiles = query.quantiles.map(
      (q, at) => medians[i] + Math.sign(q - 0.5) * onGrid(end.distances[at], lead, horizonMs),
    );
    write(task, entry, { mean: mixtureMean(mixture), quantiles, path, beyond });
  });
}

function alone({ mean, scale }: LongRun): Mixture {
  return { weights: Float64Array.of(1), means: Float64Array.of(mean), scales: Float64Array.of(scale) };
}

/** The solver gave no numbers: the series' long-run distribution is what is left to say. */
function answerFailed(task: Task, { reading }: ReadingPlan): void {
  task.longRun().forEach((longRun, channel) => {
    const quantiles = [...quantilesOf(task, [alone(longRun)], task.query.quantiles)];
    const answer = { mean: longRun.mean, quantiles, path: () => longRun.mean, beyond: true };
    for (const time of reading.times) write(task, { at: task.answers.indexOf.get(time) ?? 0, channel }, answer);
  });
}

/** What is said of one channel at one time. */
interface Answer {
  readonly mean: number;
  /** [Q] */
  readonly quantiles: readonly number[];
  /** The value on the k-th sampled path. */
  readonly path: (sample: number) => number;
  /** The long-run distribution, not the path, was answered. */
  readonly beyond?: boolean;
}

/** Into the answers, inside the channel's support, quantiles in the order of their probabilities. */
function write(
  { answers, model, order }: Task,
  { at, channel }: Pick<Entry, 'at' | 'channel'>,
  { mean, quantiles, path, beyond }: Answer,
): void {
  const least = model.header.normalisation.channels[channel].support?.min ?? Number.NEGATIVE_INFINITY;
  const answer = answers.channels[channel];
  answer.mean[at] = Math.max(mean, least);
  // Calibration stretches each level by its own factor; where two quantiles crossed, they change places.
  const ascending = isAscending(quantiles, order) ? undefined : [...quantiles].sort((a, b) => a - b);
  for (let rank = 0; rank < order.length; rank++) {
    const value = ascending === undefined ? quantiles[order[rank]] : ascending[rank];
    answer.quantiles[order[rank]][at] = Math.max(value, least);
  }
  answer.samples?.forEach((sample, k) => {
    sample[at] = Math.max(path(k), least);
  });
  if (beyond) answers.beyond[at] = 1;
}

function isAscending(values: readonly number[], order: readonly number[]): boolean {
  for (let rank = 1; rank < order.length; rank++) {
    if (!(values[order[rank - 1]] <= values[order[rank]])) return false;
  }
  return true;
}

// The whole answer -------------------------------------------------------------------------------------------------

function inAskedOrder({ answers }: Task, { times }: ForecastQuery, { first, last }: Bounds) {
  const places = times.map((t) => answers.indexOf.get(t) ?? 0);
  const sorted = answers.indexOf.size === times.length && places.every((at, i) => at === i);
  const pick = (column: Float64Array) => (sorted ? column : Float64Array.from(places, (at) => column[at]));
  const channels = answers.channels.map(({ mean, quantiles, samples }) => ({
    mean: pick(mean),
    quantiles: quantiles.map(pick),
    ...(samples && { samples: samples.map(pick) }),
  }));
  const kind = times.map((t) => (t >= first && t <= last ? ('interpolation' as const) : ('extrapolation' as const)));
  return { kind, channels, beyondReach: places.map((at) => answers.beyond[at] === 1) };
}

/** Observations that an answer was read from; contexts overlap, and one counts once. */
function countUsed(readings: readonly Reading[]): number {
  const times = new Set<number>();
  for (const { context } of readings) for (const time of context.times) times.add(time);
  return times.size;
}
