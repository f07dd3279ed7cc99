/** `POST /v1/forecast`: one query, or a batch answered in order with an error in its place. */
import { z } from 'zod';
import type { AppParts } from '../app-parts.ts';
import { answerForecast, countProblem, openScope, type RequestScope } from '../forecast-service.ts';
import { parseJson } from '../json-text.ts';
import { Problem } from '../problem.ts';
import { problemBody, toProblem } from '../problem-answer.ts';
import { type Exchange, type Reply, type Route, route } from '../route.ts';
import {
  type ForecastInput,
  forecastAnswerSchema,
  forecastBatchSchema,
  forecastQuerySchema,
} from '../schemas/forecast.ts';
import { problemSchema } from '../schemas/problem.ts';
import { validate } from '../validation.ts';

type Body = { readonly query: ForecastInput } | { readonly batch: readonly unknown[] };

export function forecastRoute(parts: AppParts): Route {
  const querySchema = forecastQuerySchema(parts.limits);
  const batchSchema = forecastBatchSchema(parts.limits);
  const parse = (text: string): Body => {
    const value = parseJson(text);
    if (!isBatch(value)) return { query: validate(querySchema, value) };
    return { batch: limitedBatch(validate(batchSchema, value).queries, parts.limits.queriesPerBatch) };
  };
  return route<unknown, unknown, Body>({
    method: 'post',
    path: '/v1/forecast',
    id: 'forecast',
    tag: 'forecasts',
    summary: 'Forecast a series at any times, past or future, with intervals',
    scope: 'read',
    body: {
      schema: z.union([querySchema, batchSchema.extend({ queries: z.array(querySchema) })]),
      contentTypes: ['application/json'],
      parse,
    },
    answer: {
      description: 'The forecast, columns over the asked times; of a batch, one result a query',
      schema: z.union([
        forecastAnswerSchema,
        z.object({ results: z.array(z.union([forecastAnswerSchema, problemSchema])) }),
      ]),
    },
    problems: [
      'malformed-json',
      'unknown-stream',
      'unknown-series',
      'stale-history',
      'invalid-request',
      'unknown-field',
      'duplicate-field',
      'number-out-of-range',
      'invalid-time',
      'unknown-channel',
      'too-many-times',
      'too-many-queries',
      'answer-too-large',
      'no-observations',
      'no-model',
    ],
    handle: (exchange) => handle(parts, querySchema, exchange),
    onProblem: (problem) => countProblem(parts, problem),
  });
}

async function handle(
  parts: AppParts,
  querySchema: z.ZodType<ForecastInput>,
  exchange: Exchange<unknown, unknown, Body>,
): Promise<Reply> {
  const { body } = exchange;
  const scope = openScope(parts);
  try {
    if ('query' in body) return { json: await answerForecast(parts, scope, body.query) };
    return { json: { results: await answerBatch(parts, scope, querySchema, body.batch, exchange) } };
  } finally {
    scope.close();
  }
}

async function answerBatch(
  parts: AppParts,
  scope: RequestScope,
  querySchema: z.ZodType<ForecastInput>,
  batch: readonly unknown[],
  { request, response }: Exchange<unknown, unknown, Body>,
): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const [i, value] of batch.entries()) {
    // Nobody is left to read the answer.
    if (response.destroyed) break;
    const answer = async () => answerForecast(parts, scope, validate(querySchema, value));
    const inItsPlace = (error: unknown) => problemBody(request, queryProblem(parts, error).within(`/queries/${i}`));
    results.push(await answer().catch(inItsPlace));
  }
  return results;
}

function queryProblem(parts: AppParts, error: unknown): Problem {
  const problem = toProblem(error);
  countProblem(parts, problem);
  if (problem.code === 'internal') parts.logger.error({ err: error }, 'a query of a batch failed');
  return problem;
}

function isBatch(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'queries');
}

function limitedBatch(batch: readonly unknown[], limit: number): readonly unknown[] {
  if (batch.length <= limit) return batch;
  const detail = `The batch holds ${batch.length} queries, at most ${limit}; send it in parts.`;
  throw new Problem('too-many-queries', detail, { field: '/queries' });
}
