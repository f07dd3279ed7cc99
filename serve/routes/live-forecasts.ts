/** `GET …/series/{series}/forecasts`: server-sent events, a fresh forecast after each event and each new model. */
import { z } from 'zod';
import type { AppParts } from '../app-parts.ts';
import { checkTimeChoice } from '../asked-times.ts';
import { answerForecast, countProblem, findStream, openScope } from '../forecast-service.ts';
import type { LiveStreams } from '../live-streams.ts';
import { toProblem } from '../problem-answer.ts';
import { type Route, route } from '../route.ts';
import { durationParameter, knownFields, seriesParams, timeParameter } from '../schemas/common.ts';
import { type ForecastInput, forecastAnswerSchema, forecastQuerySchema } from '../schemas/forecast.ts';
import { validate } from '../validation.ts';
import { findSeries } from './series.ts';

const list = z.string().transform((text) => text.split(','));

const liveQuery = knownFields({
  horizon: durationParameter
    .optional()
    .meta({ description: 'After the last event; default: the horizon of the stream' }),
  from: timeParameter.optional(),
  to: timeParameter.optional(),
  step: durationParameter.optional(),
  points: z.string().transform(Number).optional().meta({ description: 'Of `horizon`, where no `step` is given' }),
  quantiles: list.optional().meta({ description: 'Separated by commas' }),
  channels: list.optional().meta({ description: 'Separated by commas' }),
});

type LiveQuery = z.output<typeof liveQuery>;
type Params = z.output<typeof seriesParams>;

export function liveForecastsRoute(parts: AppParts, live: LiveStreams): Route {
  return route({
    method: 'get',
    path: '/v1/streams/{stream}/series/{series}/forecasts',
    id: 'followForecasts',
    tag: 'forecasts',
    summary: 'A fresh forecast whenever an event of the series arrives or a model goes live',
    scope: 'read',
    unlimited: true,
    params: seriesParams,
    query: liveQuery,
    answer: {
      description: 'Events `forecast` (a forecast) and `problem` (problem details; the stream stays open)',
      schema: forecastAnswerSchema,
      contentType: 'text/event-stream',
    },
    problems: [
      'unknown-stream',
      'unknown-series',
      'invalid-request',
      'unknown-field',
      'invalid-time',
      'too-many-subscribers',
      'closing-down',
    ],
    handle({ params, query, request, response }) {
      findSeries(parts, params);
      const input = forecastInput(parts, params, query);
      checkTimeChoice(input);
      if (request.method === 'HEAD') return { json: null };
      live.open(response, { ...params, instance: request.path, forecast: () => forecastOnce(parts, input) });
      return undefined;
    },
  });
}

/** The same checks as of a query in a body. */
function forecastInput(parts: AppParts, params: Params, query: LiveQuery): ForecastInput {
  const { from, to, quantiles, ...rest } = query;
  const grid = from === undefined && to === undefined;
  const wanted = {
    ...rest,
    ...params,
    ...(grid ? { horizon: rest.horizon ?? findStream(parts, params.stream).horizonMs } : {}),
    from: from?.asked,
    to: to?.asked,
    quantiles: quantiles?.map(Number),
  };
  const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
  return validate(forecastQuerySchema(parts.limits), given);
}

async function forecastOnce(parts: AppParts, input: ForecastInput) {
  const scope = openScope(parts);
  try {
    return await answerForecast(parts, scope, input);
  } catch (error) {
    countProblem(parts, toProblem(error));
    throw error;
  } finally {
    scope.close();
  }
}
