/** A request of paths answered by an engine that has no single call for it: encode, draw, decode. */
import type { Decoded, DecodeRequest, Posterior } from '../latent/batch.ts';
import { NO_POSTERIOR, type PathAnswer, type PathAnswers, type PathQuery, type PathRequest } from '../latent/query.ts';
import type { Engine } from './engine.ts';

export async function encodeAndDecode(
  engine: Engine,
  parameters: Float32Array,
  { context, known, queries }: PathRequest,
): Promise<PathAnswers> {
  const { latentSize } = engine.spec;
  const posterior = context.offsets.length > 1 ? await engine.encode(parameters, context) : NO_POSTERIOR;
  const all = {
    mean: joined(posterior.mean, known.mean),
    logVariance: joined(posterior.logVariance, known.logVariance),
  };
  const request = decodeRequest(latentSize, all, queries);
  const decoded = await engine.decode(parameters, request);
  let path = 0;
  const answers = queries.map((query) => {
    const paths = query.noise.length / latentSize;
    path += paths;
    return answerOf(decoded, request.offsets, path - paths, paths, engine.spec.channels.length);
  });
  return { posterior, answers };
}

function joined(a: Float32Array, b: Float32Array): Float32Array {
  const both = new Float32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** A sample of the batch a path; the paths of a query repeat its times. */
function decodeRequest(latentSize: number, posterior: Posterior, queries: readonly PathQuery[]): DecodeRequest {
  const paths = queries.map(({ noise }) => noise.length / latentSize);
  const samples = paths.reduce((sum, k) => sum + k, 0);
  const request = {
    z0: new Float32Array(samples * latentSize),
    origins: new Float64Array(samples),
    offsets: new Int32Array(samples + 1),
    times: new Float64Array(queries.reduce((sum, { times }, i) => sum + paths[i] * times.length, 0)),
  };
  let path = 0;
  queries.forEach((query, i) => {
    request.z0.set(startingStates(posterior, query, latentSize), path * latentSize);
    for (const end = path + paths[i]; path < end; path++) {
      request.origins[path] = query.origin;
      request.offsets[path + 1] = request.offsets[path] + query.times.length;
      request.times.set(query.times, request.offsets[path]);
    }
  });
  return request;
}

/** [K, L] mean + σ·ε */
function startingStates({ mean, logVariance }: Posterior, { posterior, noise }: PathQuery, latentSize: number) {
  return noise.map((draw, i) => {
    const at = posterior * latentSize + (i % latentSize);
    return mean[at] + Math.exp(0.5 * logVariance[at]) * draw;
  });
}

/** The samples `first` … `first + paths − 1` of the batch, side by side. */
function answerOf(
  { mean, scale, status, statistics }: Decoded,
  offsets: Int32Array,
  first: number,
  paths: number,
  channels: number,
): PathAnswer {
  const from = offsets[first] * channels;
  const entries = (offsets[first + 1] - offsets[first]) * channels;
  const across = (column: Float32Array) => {
    const out = new Float32Array(entries * paths);
    for (let k = 0; k < paths; k++) {
      for (let i = 0; i < entries; i++) out[i * paths + k] = column[from + k * entries + i];
    }
    return out;
  };
  const { functionEvaluations, steps } = statistics;
  return {
    mean: across(mean),
    scale: across(scale),
    status: status.slice(first, first + paths),
    statistics: { functionEvaluations, steps },
  };
}
