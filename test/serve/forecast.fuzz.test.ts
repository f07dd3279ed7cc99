import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forecastAnswerSchema } from '../../serve/schemas/forecast.ts';
import { problemSchema } from '../../serve/schemas/problem.ts';
import { HOUR, serveParts, T0, type TestServer } from './fakes.ts';

let server: TestServer;
beforeAll(async () => {
  server = await serveParts();
});
afterAll(() => server.close());

const isoTime = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString());
const goodTime = fc.oneof(isoTime, fc.double({ min: T0 - 1e12, max: T0 + 1e12, noNaN: true }));
const anyTime = fc.oneof(
  { weight: 5, arbitrary: goodTime },
  fc.double(),
  fc.string(),
  fc.constant(null),
  fc.jsonValue(),
);
const duration = fc.oneof(
  fc.double({ min: 1e-3, max: 1e9, noNaN: true }),
  fc.constantFrom('1h', '250ms', '1.5d', '0s', '1y', -1),
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** Bodies near what is right: the shape of a query with values that may be anything. */
const nearQuery = fc.record(
  {
    stream: fc.oneof({ weight: 9, arbitrary: fc.constant('pumps') }, fc.string()),
    series: fc.oneof({ weight: 9, arbitrary: fc.constant('pump-7') }, fc.string()),
    times: maybe(fc.array(anyTime, { maxLength: 6 })),
    from: maybe(goodTime),
    to: maybe(anyTime),
    step: maybe(duration),
    horizon: maybe(duration),
    points: maybe(fc.oneof(fc.integer({ min: -1, max: 600 }), fc.double())),
    quantiles: maybe(fc.array(fc.double({ min: -0.1, max: 1.1 }), { maxLength: 4 })),
    samples: maybe(fc.integer({ min: -1, max: 70 })),
    returnSamples: maybe(fc.boolean()),
    channels: maybe(fc.array(fc.constantFrom('flow', 'pressure', 'speed', '__proto__', 'toString'))),
    asOf: maybe(anyTime),
    maxStalenessMs: maybe(fc.double()),
    history: maybe(
      fc.array(
        fc.record({
          time: anyTime,
          values: fc.dictionary(
            fc.constantFrom('flow', 'pressure', 'constructor'),
            fc.oneof(fc.double(), fc.constant(null)),
          ),
        }),
        { maxLength: 4 },
      ),
    ),
  },
  { requiredKeys: ['stream', 'series'] },
);

/** A query that is right, so that the good path is walked at random too. */
const goodQuery = fc.record(
  {
    stream: fc.constant('pumps'),
    series: fc.constant('pump-7'),
    times: fc.array(goodTime, { minLength: 1, maxLength: 20 }),
    quantiles: fc.array(fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true }), { maxLength: 5 }),
    samples: fc.integer({ min: 1, max: 4 }),
    returnSamples: fc.boolean(),
    channels: fc.subarray(['flow', 'pressure'], { minLength: 1 }),
    asOf: fc.integer({ min: -10, max: 10 }).map((hours) => T0 + hours * HOUR),
  },
  { requiredKeys: ['stream', 'series', 'times'] },
);

/** JSON.stringify makes null of what is not finite; these are written as JSON can write them. */
function write(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) => (v === Infinity ? '1e999!' : v)).replaceAll('"1e999!"', '1e999');
}

async function post(body: string): Promise<{ status: number; text: string }> {
  const response = await server.post('/v1/forecast', body);
  return { status: response.status, text: await response.text() };
}

describe('POST /v1/forecast, whatever it is sent', () => {
  it('answers a forecast or a problem, never 500, never a number that is none (400 bodies)', async () => {
    const bodies = fc.oneof(
      nearQuery.map(write),
      fc.json(),
      fc.string(),
      fc.record({ queries: fc.array(nearQuery, { maxLength: 3 }) }).map(write),
    );
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const { status, text } = await post(body);
        expect(status).toBeLessThan(500);
        expect(text).not.toMatch(/NaN|Infinity/);
        const answer: unknown = JSON.parse(text);
        if (status !== 200) problemSchema.parse(answer);
        else for (const one of resultsOf(answer)) checkResult(one);
      }),
      { numRuns: 400 },
    );
  });

  it('answers every right query with finite numbers, as asked, and with the same bytes again (150 queries)', async () => {
    await fc.assert(
      fc.asyncProperty(goodQuery, async (query) => {
        const { status, text } = await post(JSON.stringify(query));
        expect(status).toBe(200);
        const answer = forecastAnswerSchema.parse(JSON.parse(text));
        expect(answer.times).toEqual(JSON.parse(JSON.stringify(query.times)));
        expect(Object.keys(answer.channels)).toEqual(query.channels ?? ['pressure', 'flow']);
        for (const { mean } of Object.values(answer.channels)) expect(mean).toHaveLength(query.times.length);
        expect((await post(JSON.stringify(query))).text).toBe(text);
      }),
      { numRuns: 150 },
    );
  });
});

function resultsOf(answer: unknown): unknown[] {
  return typeof answer === 'object' && answer !== null && 'results' in answer ? Object(answer).results : [answer];
}

/** Numbers in a forecast are finite by its schema; null is no number. */
function checkResult(one: unknown): void {
  const isProblem = typeof one === 'object' && one !== null && 'code' in one;
  if (isProblem) expect(problemSchema.parse(one).status).toBeLessThan(500);
  else forecastAnswerSchema.parse(one);
}
