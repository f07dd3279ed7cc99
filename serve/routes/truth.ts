/** `GET …/series/{series}/truth?times|from,to,step`: the true values of a simulated series, to hold forecasts against. */
import { z } from 'zod';
import type { AppParts } from '../app-parts.ts';
import { askedTimes, checkTimeChoice } from '../asked-times.ts';
import { findStream, quoted } from '../forecast-service.ts';
import { Problem } from '../problem.ts';
import { type Route, route } from '../route.ts';
import { durationParameter, knownFields, seriesParams, timeParameter } from '../schemas/common.ts';
import { truthSchema } from '../schemas/streams.ts';

const truthQuery = knownFields({
  times: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(timeParameter))
    .optional()
    .meta({ description: 'Separated by commas' }),
  from: timeParameter.optional(),
  to: timeParameter.optional(),
  step: durationParameter.optional(),
});

export function truthRoute(parts: AppParts, truth: NonNullable<AppParts['truth']>): Route {
  return route({
    method: 'get',
    path: '/v1/streams/{stream}/series/{series}/truth',
    id: 'getTruth',
    tag: 'streams',
    summary: 'The true values of a simulated series',
    scope: 'read',
    params: seriesParams,
    query: truthQuery,
    answer: { description: 'Columns over the asked times', schema: truthSchema },
    problems: ['unknown-stream', 'no-truth', 'invalid-request', 'invalid-time', 'too-many-times', 'unknown-field'],
    handle({ params, query }) {
      const { channels } = findStream(parts, params.stream).spec;
      const valuesAt = truth(params.stream, params.series);
      if (valuesAt === undefined) throw noTruth(params.stream, params.series);
      checkTimeChoice(query);
      const times = askedTimes(query, 0, { limit: parts.limits.timesPerQuery, defaultPoints: 1 });
      const rows = times.map(({ ms }) => valuesAt(ms));
      const column = (c: number) => rows.map((row) => (Number.isFinite(row[c]) ? row[c] : null));
      const columns = Object.fromEntries(channels.map((name, c) => [name, column(c)]));
      return { json: { ...params, times: times.map(({ asked }) => asked), channels: columns } };
    },
  });
}

function noTruth(stream: string, series: string): Problem {
  return new Problem(
    'no-truth',
    `${quoted(series)} of ${stream} is not simulated here; only simulated series have a known truth.`,
  );
}
