/** `GET /v1/streams` and `GET /v1/streams/{stream}`: what streams there are, how full, how fresh, with which model. */
import { z } from 'zod';
import type { AppParts, ServedStream } from '../app-parts.ts';
import { modelRef } from '../forecast-answer.ts';
import { findStream } from '../forecast-service.ts';
import { type Route, route } from '../route.ts';
import { streamParams } from '../schemas/common.ts';
import { type StreamAnswer, streamSchema } from '../schemas/streams.ts';
import { formatTime } from '../time.ts';

export function streamsRoute(parts: AppParts): Route {
  return route({
    method: 'get',
    path: '/v1/streams',
    id: 'listStreams',
    tag: 'streams',
    summary: 'All streams',
    scope: 'read',
    answer: { description: 'The streams', schema: z.object({ streams: z.array(streamSchema) }) },
    problems: [],
    handle: () => ({ json: { streams: parts.streams.map((stream) => describe(parts, stream)) } }),
  });
}

export function streamRoute(parts: AppParts): Route {
  return route({
    method: 'get',
    path: '/v1/streams/{stream}',
    id: 'getStream',
    tag: 'streams',
    summary: 'One stream',
    scope: 'read',
    params: streamParams,
    answer: { description: 'The stream', schema: streamSchema },
    problems: ['unknown-stream'],
    handle: ({ params }) => ({ json: describe(parts, findStream(parts, params.stream)) }),
  });
}

function describe(parts: AppParts, { spec, windowMs, horizonMs, simulated = false }: ServedStream): StreamAnswer {
  const { series, observations, firstTime, lastTime, revision } = parts.store.stream(spec.name);
  const model = parts.models.current(spec.name);
  return {
    name: spec.name,
    channels: [...spec.channels],
    windowMs,
    horizonMs,
    simulated,
    series,
    observations,
    firstEventTime: firstTime === undefined ? null : formatTime(firstTime),
    lastEventTime: lastTime === undefined ? null : formatTime(lastTime),
    freshnessMs: lastTime === undefined ? null : parts.clock.now() - lastTime,
    revision,
    model: model === undefined ? null : modelRef(model),
    training: training(parts, spec.name),
  };
}

function training(parts: AppParts, stream: string): StreamAnswer['training'] {
  const progress = parts.training?.(stream);
  if (progress === undefined) return null;
  return { ...progress, lossCurve: progress.lossCurve.map(([step, loss]) => [step, loss]) };
}
