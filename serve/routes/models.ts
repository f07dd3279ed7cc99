/** The registry over HTTP: versions of a stream, `promote` one, or `rollback` to the one before. */
import { z } from 'zod';
import type { Artifact } from '../../model/artifact-format.ts';
import type { AppParts } from '../app-parts.ts';
import { findStream, quoted } from '../forecast-service.ts';
import { Problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import { streamParams } from '../schemas/common.ts';
import { type ModelAnswer, modelSchema, modelsSchema } from '../schemas/models.ts';
import { formatTime } from '../time.ts';

const versionParams = streamParams.extend({ version: z.string().meta({ description: 'A version as listed' }) });

export function modelsRoute(parts: AppParts): Route {
  return route({
    method: 'get',
    path: '/v1/streams/{stream}/models',
    id: 'listModels',
    tag: 'models',
    summary: 'The versions of a stream, newest first, with how they were trained and how they score',
    scope: 'read',
    params: streamParams,
    answer: { description: 'The versions', schema: modelsSchema },
    problems: ['unknown-stream'],
    handle: ({ params: { stream } }) => {
      findStream(parts, stream);
      const live = parts.models.current(stream)?.header.version ?? null;
      const models = parts.registry.versions(stream).map((artifact) => describe(parts, artifact));
      return { json: { stream, live, models: models.reverse() } };
    },
  });
}

export function promoteRoute(parts: AppParts): Route {
  return route({
    method: 'post',
    path: '/v1/streams/{stream}/models/{version}/promote',
    id: 'promoteModel',
    tag: 'models',
    summary: 'Make a version the champion; it goes live once it is opened and warm',
    scope: 'admin',
    params: versionParams,
    answer: { description: 'The version, now champion', schema: modelSchema },
    problems: ['unknown-stream', 'unknown-model'],
    async handle({ params: { stream, version } }) {
      findStream(parts, stream);
      if (parts.registry.get(stream, version) === undefined) throw unknownModel(stream, version);
      await parts.registry.promote(stream, version);
      return { json: champion(parts, stream) };
    },
  });
}

export function rollbackRoute(parts: AppParts): Route {
  return route({
    method: 'post',
    path: '/v1/streams/{stream}/models/rollback',
    id: 'rollbackModel',
    tag: 'models',
    summary: 'Make the previous version the champion again',
    scope: 'admin',
    params: streamParams,
    answer: { description: 'The version, now champion', schema: modelSchema },
    problems: ['unknown-stream', 'no-previous-model'],
    async handle({ params: { stream } }) {
      findStream(parts, stream);
      if (parts.registry.alias(stream, 'previous') === undefined) throw noPrevious(stream);
      await parts.registry.rollback(stream);
      return { json: champion(parts, stream) };
    },
  });
}

function champion(parts: AppParts, stream: string): ModelAnswer {
  const artifact = parts.registry.alias(stream, 'champion');
  if (artifact === undefined) throw new Error(`the registry has no champion of ${stream} after a change`);
  return describe(parts, artifact);
}

function describe({ registry }: AppParts, { header }: Artifact): ModelAnswer {
  const { version, stream, createdAt, trainedThrough, spec, window, training, evaluation } = header;
  return {
    version,
    aliases: registry.aliasesOf(stream, version),
    createdAt: formatTime(createdAt),
    trainedThrough: formatTime(trainedThrough),
    window,
    latentSize: spec.latentSize,
    solver: spec.solver,
    training: { ...training, lossCurve: training.lossCurve.map(([step, loss]) => [step, loss]) },
    evaluation,
  };
}

function unknownModel(stream: string, version: string): Problem {
  const detail = `${stream} has no version ${quoted(version)}; GET /v1/streams/${stream}/models lists those there are.`;
  return new Problem('unknown-model', detail, { field: '/version' });
}

function noPrevious(stream: string): Problem {
  return new Problem('no-previous-model', `${stream} has had one model only; promote a version by its name instead.`);
}
