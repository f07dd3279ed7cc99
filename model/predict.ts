/**
 * Windows and times in, predictive distributions out, in the user's units: encode, draw from the posterior, decode.
 * What a forecaster answers and what an evaluation scores both come from here, so that the one is a measure of the other.
 */
import type { Window } from '../ingest/window.ts';
import type { Normalisation } from './artifact-format.ts';
import { createPathDesk, type PathDesk } from './coalesce.ts';
import type { Engine } from './engine/engine.ts';
import type { SolveStatus } from './latent/batch.ts';
import type { PathAnswer } from './latent/query.ts';
import type { ModelSpec } from './latent/spec.ts';
import { type Law, NORMAL } from './law.ts';
import { type Mixture, mixtureMean, uniformWeights } from './mixture.ts';
import { type Frame, frameOf, toModelTime, toRagged } from './normalise.ts';
import type { FramedWindow } from './posterior-cache.ts';
import { lawOf } from './student-t.ts';

export interface Predictor {
  readonly engine: Engine;
  readonly parameters: Float32Array;
  readonly normalisation: Normalisation;
  /** Where this and others ask. Default: one for each call of `predict`. */
  readonly desk?: PathDesk;
}

export interface PredictionQuery {
  /** One sample with at least one observation. */
  readonly context: Window;
  /** The same window, where it was framed before. */
  readonly read?: FramedWindow;
  /** [T] ms, ascending. */
  readonly times: Float64Array;
  /** [K, L] standard normal draws of the posterior samples. */
  readonly noise: Float32Array;
}

export interface Prediction {
  /** [T, D, K] means and scales of the components. Not finite only where the status is not `success`. */
  readonly means: Float64Array;
  readonly scales: Float64Array;
  readonly samples: number;
  /** [K] all alike */
  readonly weights: Float64Array;
  /** [K] what the components follow; absent: normal. */
  readonly laws?: readonly Law[];
  readonly status: SolveStatus;
}

export interface Predictions {
  /** In the order of the queries. */
  readonly predictions: readonly Prediction[];
  /** Of the longest solve. */
  readonly statistics: PathAnswer['statistics'];
}

export async function predict(predictor: Predictor, queries: readonly PredictionQuery[]): Promise<Predictions> {
  const { engine, parameters, normalisation } = predictor;
  const { timescaleMs } = engine.spec;
  const desk = predictor.desk ?? createPathDesk(engine, parameters);
  const windows = queries.map((q) => q.read ?? framed(q.context, normalisation, timescaleMs));
  const answers = await Promise.all(
    queries.map(({ times, noise }, i) => {
      const { frame, source } = windows[i];
      return desk.ask({
        source,
        origin: frame.origin,
        times: times.map((t) => toModelTime(t, frame, timescaleMs)),
        noise,
      });
    }),
  );
  return {
    predictions: answers.map((answer, i) => inUnits(answer, windows[i].frame, engine.spec)),
    statistics: longest(answers),
  };
}

function framed(context: Window, normalisation: Normalisation, timescaleMs: number): FramedWindow {
  const frame = frameOf(context, normalisation);
  return { frame, source: { context: toRagged([context], [frame], timescaleMs), posterior: undefined } };
}

function longest(answers: readonly PathAnswer[]): Predictions['statistics'] {
  const most = (pick: (of: PathAnswer['statistics']) => number) =>
    answers.reduce((max, { statistics }) => Math.max(max, pick(statistics)), 0);
  return { functionEvaluations: most((s) => s.functionEvaluations), steps: most((s) => s.steps) };
}

/** From normalised to the user's units. */
function inUnits({ mean, scale, status }: PathAnswer, frame: Frame, { channels, decoder }: ModelSpec): Prediction {
  const samples = status.length;
  const [means, scales] = [new Float64Array(mean.length), new Float64Array(scale.length)];
  for (let from = 0, c = 0; from < mean.length; from += samples, c = (c + 1) % channels.length) {
    const [location, unit] = [frame.location[c], frame.scale[c]];
    for (let i = from; i < from + samples; i++) {
      means[i] = location + mean[i] * unit;
      scales[i] = scale[i] * unit;
    }
  }
  const law = lawOf(decoder);
  return {
    means,
    scales,
    samples,
    weights: uniformWeights(samples),
    ...(law !== NORMAL && { laws: new Array<Law>(samples).fill(law) }),
    status: status.find((of) => of !== 'success') ?? 'success',
  };
}

/** Mixture of the entry at row `row` (of T) and channel `channel`. */
export function mixtureAt(
  { means, scales, weights, samples, laws }: Prediction,
  channels: number,
  row: number,
  channel: number,
): Mixture {
  const from = (row * channels + channel) * samples;
  return {
    weights,
    means: means.subarray(from, from + samples),
    scales: scales.subarray(from, from + samples),
    ...(laws && { laws }),
  };
}

/**
 * The point forecast of an entry: the mean of the predictive distribution, which the squared error asks for. (The path from
 * the posterior's mean scored the same within 1 % on weather and spirals, and can lie outside of the intervals.)
 */
export function pointAt(prediction: Prediction, channels: number, row: number, channel: number): number {
  return mixtureMean(mixtureAt(prediction, channels, row, channel));
}
