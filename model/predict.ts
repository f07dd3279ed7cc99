/**
 * Windows and times in, predictive distributions out, in the user's units: encode, draw from the posterior, decode.
 * What a forecaster answers and what an evaluation scores both come from here, so that the one is a measure of the other.
 */
import type { Window } from '../ingest/window.ts';
import type { Normalisation } from './artifact-format.ts';
import type { Engine } from './engine/engine.ts';
import type { Decoded, DecodeRequest, Posterior, SolveStatus } from './latent/batch.ts';
import type { ModelSpec } from './latent/spec.ts';
import { type Law, NORMAL } from './law.ts';
import { type Mixture, mixtureMean, uniformWeights } from './mixture.ts';
import { type Frame, frameOf, toModelTime, toRagged } from './normalise.ts';
import { lawOf } from './student-t.ts';

export interface Predictor {
  readonly engine: Engine;
  readonly parameters: Float32Array;
  readonly normalisation: Normalisation;
}

export interface PredictionQuery {
  /** One sample with at least one observation. */
  readonly context: Window;
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
  /** Of all solves together. */
  readonly statistics: Decoded['statistics'];
}

/** Rows that one decode call may answer: bounds memory, whatever is asked. */
const MAX_ROWS = 65_536;

export async function predict(predictor: Predictor, queries: readonly PredictionQuery[]): Promise<Predictions> {
  const statistics = { functionEvaluations: 0, steps: 0 };
  if (queries.length === 0) return { predictions: [], statistics };
  const { engine, parameters, normalisation } = predictor;
  const contexts = queries.map((q) => q.context);
  const frames = contexts.map((context) => frameOf(context, normalisation));
  const posterior = await engine.encode(parameters, toRagged(contexts, frames, engine.spec.timescaleMs));
  const { latentSize } = engine.spec;
  const states = queries.map((q, i) => startingStates(posterior, i, latentSize, q.noise));
  const predictions = queries.map((q) => emptyPrediction(q, engine.spec));
  for (const chunks of chunksOf(queries, latentSize)) {
    const decoded = await engine.decode(parameters, decodeRequest(predictor, queries, frames, states, chunks));
    scatter(decoded, chunks, frames, predictions);
    statistics.functionEvaluations += decoded.statistics.functionEvaluations;
    statistics.steps += decoded.statistics.steps;
  }
  return { predictions, statistics };
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

/** Times `from` … `to`−1 of one query, a row a sample. */
interface Chunk {
  readonly query: number;
  readonly from: number;
  readonly to: number;
  readonly paths: number;
}

type MutablePrediction = { -readonly [K in keyof Prediction]: Prediction[K] };

function emptyPrediction(query: PredictionQuery, spec: ModelSpec): MutablePrediction {
  const samples = query.noise.length / spec.latentSize;
  const entries = query.times.length * spec.channels.length;
  const law = lawOf(spec.decoder);
  return {
    means: new Float64Array(entries * samples),
    scales: new Float64Array(entries * samples),
    samples,
    weights: uniformWeights(samples),
    ...(law !== NORMAL && { laws: new Array<Law>(samples).fill(law) }),
    status: 'success',
  };
}

/** Groups of chunks that one decode call answers; a query of many times is cut, its knots do not depend on the cut. */
function chunksOf(queries: readonly PredictionQuery[], latentSize: number): Chunk[][] {
  const groups: Chunk[][] = [[]];
  let room = MAX_ROWS;
  for (let query = 0; query < queries.length; query++) {
    const paths = queries[query].noise.length / latentSize;
    const total = queries[query].times.length;
    const most = Math.max(1, Math.floor(MAX_ROWS / paths));
    for (let from = 0; from < total; from += most) {
      const to = Math.min(total, from + most);
      if ((to - from) * paths > room) {
        groups.push([]);
        room = MAX_ROWS;
      }
      room -= (to - from) * paths;
      groups[groups.length - 1].push({ query, from, to, paths });
    }
  }
  return groups.filter((g) => g.length > 0);
}

/** [K, L] mean + σ·ε */
function startingStates(posterior: Posterior, query: number, latentSize: number, noise: Float32Array): Float32Array {
  return noise.map((draw, i) => {
    const at = query * latentSize + (i % latentSize);
    return posterior.mean[at] + Math.exp(0.5 * posterior.logVariance[at]) * draw;
  });
}

/** One row of the decode batch a path; the rows of a query share its times. */
function decodeRequest(
  { engine: { spec } }: Predictor,
  queries: readonly PredictionQuery[],
  frames: readonly Frame[],
  states: readonly Float32Array[],
  chunks: readonly Chunk[],
): DecodeRequest {
  const rows = chunks.reduce((sum, c) => sum + c.paths, 0);
  const request = {
    z0: new Float32Array(rows * spec.latentSize),
    origins: new Float64Array(rows),
    offsets: new Int32Array(rows + 1),
    times: new Float64Array(chunks.reduce((sum, c) => sum + c.paths * (c.to - c.from), 0)),
  };
  let row = 0;
  for (const { query, from, to, paths } of chunks) {
    const times = queries[query].times.subarray(from, to).map((t) => toModelTime(t, frames[query], spec.timescaleMs));
    request.z0.set(states[query], row * spec.latentSize);
    for (const end = row + paths; row < end; row++) {
      request.origins[row] = frames[query].origin;
      request.offsets[row + 1] = request.offsets[row] + times.length;
      request.times.set(times, request.offsets[row]);
    }
  }
  return request;
}

function scatter(
  decoded: Decoded,
  chunks: readonly Chunk[],
  frames: readonly Frame[],
  predictions: MutablePrediction[],
): void {
  let row = 0;
  let entry = 0;
  for (const chunk of chunks) {
    const prediction = predictions[chunk.query];
    for (let path = 0; path < chunk.paths; path++) {
      if (decoded.status[row] !== 'success') prediction.status = decoded.status[row];
      entry = scatterPath(decoded, entry, chunk, path, frames[chunk.query], prediction);
      row++;
    }
  }
}

/** @returns the entry (of [N, D]) after the path's rows */
function scatterPath(
  decoded: Decoded,
  entry: number,
  { from, to }: Chunk,
  path: number,
  frame: Frame,
  { means, scales, samples }: MutablePrediction,
): number {
  const channels = frame.location.length;
  for (let i = from * channels; i < to * channels; i++, entry++) {
    const c = i % channels;
    means[i * samples + path] = frame.location[c] + decoded.mean[entry] * frame.scale[c];
    scales[i * samples + path] = decoded.scale[entry] * frame.scale[c];
  }
  return entry;
}
