import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelError } from '../../model/errors.ts';
import { problemSchema } from '../../serve/schemas/problem.ts';
import {
  artifact,
  fakeForecaster,
  fixedModel,
  HOUR,
  liveModel,
  memoryRegistry,
  serveParts,
  T0,
  type TestServer,
} from './fakes.ts';

let server: TestServer;
beforeAll(async () => {
  server = await serveParts({ truth: () => undefined });
});
afterAll(() => server.close());

async function problem(response: Promise<Response>) {
  const answered = await response;
  expect(answered.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  const body = problemSchema.parse(await answered.json());
  expect(body.status).toBe(answered.status);
  expect(body.type).toBe(`/docs#${body.code}`);
  return { ...body, headers: answered.headers };
}

const query = { stream: 'pumps', series: 'pump-7', times: [T0] };
const times = (n: number) => Array.from({ length: n }, (_, i) => i);
const row = { time: T0, values: { flow: 1 } };
/** A query less its times, to give them another way. */
const { times: _, ...bare } = query;

describe('a forecast query that cannot be answered', () => {
  it.each<[string, object | string, number, string, string | undefined]>([
    ['text that is not JSON', '{"stream": pumps}', 400, 'malformed-json', undefined],
    ['an unknown stream', { ...query, stream: 'pump' }, 404, 'unknown-stream', '/stream'],
    ['an unknown series', { ...query, series: 'pump-8' }, 404, 'unknown-series', '/series'],
    ['an unknown channel', { ...query, channels: ['flow', 'speed'] }, 422, 'unknown-channel', '/channels/1'],
    ['an unknown field', { ...query, quantile: [0.5] }, 422, 'unknown-field', '/quantile'],
    ['a field given twice', '{"stream": "pumps", "stream": "p"}', 422, 'duplicate-field', '/stream'],
    ['a number past all bounds', '{"stream": "pumps", "times": [1e999]}', 422, 'number-out-of-range', '/times/0'],
    ['a time that is none', { ...query, times: [T0, 'tomorrow'] }, 422, 'invalid-time', '/times/1'],
    ['a day that does not exist', { ...query, times: ['2026-02-30'] }, 422, 'invalid-time', '/times/0'],
    ['a time without an offset', { ...query, times: ['2026-02-03T12:00'] }, 422, 'invalid-time', '/times/0'],
    ['a time before year 1', { ...query, times: [-1e14] }, 422, 'invalid-time', '/times/0'],
    ['a time after year 9999', { ...query, times: [1e300] }, 422, 'invalid-time', '/times/0'],
    ['null for a time', { ...query, times: [null] }, 422, 'invalid-request', '/times/0'],
    ['no times at all', bare, 422, 'invalid-request', '/times'],
    ['an empty list of times', { ...query, times: [] }, 422, 'invalid-request', '/times'],
    ['two ways of asking', { ...query, horizon: '1h' }, 422, 'invalid-request', '/horizon'],
    ['a grid without a step', { ...bare, from: T0, to: T0 }, 422, 'invalid-request', '/step'],
    ['a grid backwards', { ...bare, from: T0, to: T0 - 1, step: 1 }, 422, 'invalid-request', '/to'],
    ['a step of zero', { ...bare, from: T0, to: T0, step: 0 }, 422, 'invalid-request', '/step'],
    ['a step longer than the horizon', { ...bare, horizon: '1h', step: '2h' }, 422, 'invalid-request', '/step'],
    ['a horizon past year 9999', { ...bare, horizon: 1e15 }, 422, 'invalid-time', '/horizon'],
    ['too many times', { ...query, times: times(501) }, 422, 'too-many-times', '/times'],
    ['too fine a grid', { ...bare, from: T0, to: T0 + HOUR, step: 1e-300 }, 422, 'too-many-times', '/step'],
    ['too many points', { ...bare, horizon: '1h', points: 501 }, 422, 'too-many-times', '/points'],
    ['a quantile of 1', { ...query, quantiles: [0.5, 1] }, 422, 'invalid-request', '/quantiles/1'],
    ['too many samples', { ...query, samples: 65 }, 422, 'invalid-request', '/samples'],
    ['no series and no history', { stream: 'pumps', times: [T0] }, 422, 'invalid-request', '/series'],
    ['asOf before the first event', { ...query, asOf: '2020-01-01' }, 422, 'no-observations', '/asOf'],
    ['a history of nothing', { ...query, history: [{ time: T0, values: {} }] }, 422, 'no-observations', '/history'],
    [
      'a history of an unknown channel',
      { ...query, history: [row, { time: T0, values: { __proto__x: 1 } }] },
      422,
      'unknown-channel',
      '/history/1/values',
    ],
    [
      'a text for a value',
      { ...query, history: [{ time: T0, values: { flow: '1' } }] },
      422,
      'invalid-request',
      '/history/0/values/flow',
    ],
    ['events older than allowed', { ...query, maxStalenessMs: 59_999 }, 409, 'stale-history', '/maxStalenessMs'],
    ['too many queries', { queries: times(6) }, 422, 'too-many-queries', '/queries'],
    ['an empty batch', { queries: [] }, 422, 'invalid-request', '/queries'],
    ['a batch with more beside it', { queries: [query], stream: 'pumps' }, 422, 'unknown-field', '/stream'],
    ['a list', [query], 422, 'invalid-request', ''],
    ['a number', '7', 422, 'invalid-request', ''],
  ])('%s', async (_name, body, status, code, field) => {
    const answer = await problem(server.post('/v1/forecast', body));
    expect([answer.status, answer.code, answer.field]).toEqual([status, code, field]);
    expect(answer.detail.length).toBeGreaterThan(20);
    expect(answer.instance).toBe('/v1/forecast');
  });

  it('names the fields that are known', async () => {
    const { detail } = await problem(server.post('/v1/forecast', { ...query, quantile: 1 }));
    expect(detail).toContain('"quantile" is not known here; known are: stream, series, times,');
  });

  it('lists all faults beside the first', async () => {
    const { errors } = await problem(server.post('/v1/forecast', { times: ['a', 'b'], samples: 0 }));
    expect(errors?.map(({ field }) => field)).toEqual(['/stream', '/times/0', '/times/1', '/samples']);
  });

  it('points below its place in a batch', async () => {
    const response = await server.post('/v1/forecast', { queries: [query, { times: ['a'] }] });
    const { field, errors } = problemSchema.parse(JSON.parse(await response.text()).results[1]);
    expect([field, errors?.map((fault) => fault.field)]).toEqual([
      '/queries/1/stream',
      ['/queries/1/stream', '/queries/1/times/0'],
    ]);
  });

  it('an answer of more numbers than a response may hold, in a batch counted together', async () => {
    const big = {
      ...query,
      times: times(500),
      samples: 64,
      returnSamples: true,
      quantiles: times(99).map((i) => (i + 1) / 100),
    };
    const alone = await server.post('/v1/forecast', big);
    expect(alone.status).toBe(200);
    await alone.body?.cancel();
    const huge = { ...bare, horizon: '1h', points: 500, samples: 64, returnSamples: true };
    const roomy = await serveParts({ limits: { ...server.parts.limits, queriesPerBatch: 100, samples: 2000 } });
    const answer = await problem(roomy.post('/v1/forecast', { ...huge, samples: 2000 }));
    expect([answer.status, answer.code]).toEqual([422, 'answer-too-large']);
    await roomy.close();
  });

  it('an answer of more work than a response may take, though its numbers are few enough', async () => {
    const roomy = await serveParts({ limits: { ...server.parts.limits, timesPerQuery: 10_000, samples: 256 } });
    const quantiles = times(40).map((i) => (i + 1) / 41);
    const heavy = { ...bare, horizon: '1h', points: 10_000, samples: 256, quantiles };
    const answer = await problem(roomy.post('/v1/forecast', heavy));
    expect([answer.status, answer.code]).toEqual([422, 'answer-too-large']);
    await roomy.close();
  });

  it('a stream without a model', async () => {
    const bareServer = await serveParts({ models: fixedModel(undefined) });
    const answer = await problem(bareServer.post('/v1/forecast', query));
    expect([answer.status, answer.code, answer.headers.get('retry-after')]).toEqual([503, 'no-model', '5']);
    await bareServer.close();
  });

  it('a model that throws: its own faults are not shown', async () => {
    const broken = await serveParts({
      models: fixedModel(
        liveModel(
          fakeForecaster({
            before: () => {
              throw new Error('secret path /x');
            },
          }),
        ),
      ),
    });
    const answer = await problem(broken.post('/v1/forecast', query));
    expect([answer.status, answer.code]).toEqual([500, 'internal']);
    expect(JSON.stringify(answer)).not.toContain('secret');
    await broken.close();
  });

  it('a history that the model refuses', async () => {
    const refusing = await serveParts({
      models: fixedModel(
        liveModel(
          fakeForecaster({
            before: () => {
              throw new ModelError('history-invalid', 'the values do not fit');
            },
          }),
        ),
      ),
    });
    const answer = await problem(refusing.post('/v1/forecast', query));
    expect([answer.status, answer.code, answer.field]).toEqual([422, 'invalid-request', '/history']);
    await refusing.close();
  });
});

describe('a solver that fails', () => {
  it('is told in the status and in a warning, with finite numbers in its place', async () => {
    const failing = await serveParts({
      models: fixedModel(
        liveModel(
          fakeForecaster({
            distort: (forecast) => {
              forecast.channels[0].mean[1] = Number.NaN;
              forecast.channels[0].quantiles[0][1] = Number.POSITIVE_INFINITY;
              return { ...forecast, solver: { ...forecast.solver, status: 'non-finite' } };
            },
          }),
        ),
      ),
    });
    const response = await failing.post('/v1/forecast', { ...query, times: [T0, T0 + 1], quantiles: [0.975] });
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text).not.toContain('null');
    const answer = JSON.parse(text);
    expect(answer.solver.status).toBe('non-finite');
    expect(answer.warnings).toEqual([{ code: 'numerical-failure', detail: expect.any(String), times: [1] }]);
    expect(answer.channels.pressure.mean[1]).toBe(3);
    expect(answer.channels.pressure.quantiles['0.975'][1]).toBeCloseTo(3 + 2 * 1.95996, 2);
    await failing.close();
  });
});

describe('a request that cannot be read', () => {
  it('too large a body', async () => {
    const answer = await problem(server.post('/v1/forecast', ' '.repeat(200_001)));
    expect([answer.status, answer.code]).toEqual([413, 'body-too-large']);
  });

  it.each([
    ['text/plain', '{}'],
    ['application/x-www-form-urlencoded', 'a=1'],
  ])('a body of type %s', async (type, body) => {
    const answer = await problem(server.post('/v1/forecast', body, { 'content-type': type }));
    expect([answer.status, answer.code]).toEqual([415, 'unsupported-media-type']);
  });

  it('no body', async () => {
    const answer = await problem(fetch(`${server.url}/v1/forecast`, { method: 'POST' }));
    expect([answer.status, answer.code]).toEqual([415, 'unsupported-media-type']);
  });

  it('bytes that are not UTF-8, and bytes that are not gzip', async () => {
    const post = (body: Uint8Array<ArrayBuffer>, headers = {}) =>
      fetch(`${server.url}/v1/forecast`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...headers },
      });
    expect((await problem(post(Uint8Array.of(0x22, 0xff, 0x22)))).code).toBe('malformed-json');
    expect((await problem(post(Uint8Array.of(1, 2, 3), { 'content-encoding': 'gzip' }))).code).toBe(
      'malformed-request',
    );
    expect((await problem(post(Uint8Array.of(1), { 'content-encoding': 'rot13' }))).code).toBe(
      'unsupported-media-type',
    );
  });

  it('another method, with those that there are', async () => {
    const answer = await problem(server.get('/v1/forecast'));
    expect([answer.status, answer.code, answer.headers.get('allow')]).toEqual([405, 'method-not-allowed', 'POST']);
    const other = await problem(fetch(`${server.url}/healthz`, { method: 'DELETE' }));
    expect(other.headers.get('allow')).toBe('GET, HEAD');
  });

  it('an address where nothing is, and one that is not written right', async () => {
    expect((await problem(server.get('/v2/forecast'))).code).toBe('not-found');
    expect((await problem(server.get('/v1/streams/%zz'))).code).toBe('malformed-request');
  });

  it.each([
    ['/v1/streams/none', 404, 'unknown-stream'],
    ['/v1/streams/none/series', 404, 'unknown-stream'],
    ['/v1/streams/pumps/series/none', 404, 'unknown-series'],
    ['/v1/streams/pumps/series/none/observations', 404, 'unknown-series'],
    ['/v1/streams/pumps/series/none/forecasts', 404, 'unknown-series'],
    ['/v1/streams/pumps/series?limit=0', 422, 'invalid-request'],
    ['/v1/streams/pumps/series?page=2', 422, 'unknown-field'],
    ['/v1/streams/pumps/series?limit=1&limit=2', 422, 'invalid-request'],
    ['/v1/streams/pumps/series/pump-7/observations?from=soon', 422, 'invalid-time'],
    ['/v1/streams/pumps/series/pump-7/forecasts?horizon=long', 422, 'invalid-request'],
    ['/v1/streams/pumps/series/pump-7/forecasts?quantiles=0.5,x', 422, 'invalid-request'],
    ['/v1/streams/pumps/series/pump-7/truth?times=0', 404, 'no-truth'],
    ['/v1/streams/none/models', 404, 'unknown-stream'],
    ['/v1/streams?x=1', 422, 'unknown-field'],
  ])('GET %s', async (path, status, code) => {
    const answer = await problem(server.get(path));
    expect([answer.status, answer.code]).toEqual([status, code]);
  });

  it('a version that there is not, and a rollback with nothing to go back to', async () => {
    expect((await problem(server.post('/v1/streams/pumps/models/v9/promote', ''))).code).toBe('unknown-model');
    const answer = await problem(server.post('/v1/streams/pumps/models/rollback', ''));
    expect([answer.status, answer.code]).toEqual([409, 'no-previous-model']);
  });
});

describe('the registry over HTTP', () => {
  it('lists newest first, promotes and rolls back', async () => {
    const registry = memoryRegistry([artifact('v1'), artifact('v2', T0 + 1)]);
    const own = await serveParts({ registry });
    const list = async () => JSON.parse(await (await own.get('/v1/streams/pumps/models')).text());
    const before = await list();
    expect(before.live).toBe('v1');
    expect(before.models.map((m: { version: string }) => m.version)).toEqual(['v2', 'v1']);
    const promoted = JSON.parse(await (await own.post('/v1/streams/pumps/models/v2/promote', '')).text());
    expect([promoted.version, promoted.aliases]).toEqual(['v2', ['champion']]);
    const back = JSON.parse(await (await own.post('/v1/streams/pumps/models/rollback', '')).text());
    expect([back.version, back.aliases]).toEqual(['v1', ['champion']]);
    await own.close();
  });
});
