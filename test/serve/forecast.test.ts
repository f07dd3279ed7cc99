import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ForecastAnswer, forecastAnswerSchema } from '../../serve/schemas/forecast.ts';
import { HOUR, serveParts, T0, type TestServer } from './fakes.ts';

let server: TestServer;
beforeAll(async () => {
  server = await serveParts();
});
afterAll(() => server.close());

const query = { stream: 'pumps', series: 'pump-7' };
const ask = async (more: object): Promise<ForecastAnswer> => {
  const response = await server.post('/v1/forecast', { ...query, ...more });
  return forecastAnswerSchema.parse(await response.json());
};
const batch = z.object({
  results: z.array(
    z.looseObject({ code: z.string().optional(), field: z.string().optional(), times: z.unknown().optional() }),
  ),
});

describe('POST /v1/forecast', () => {
  it('answers columns over the asked times, in their order and as they were written', async () => {
    const times = ['2026-11-21T22:30:00.250125Z', T0 - HOUR, '2026-11-21T22:30:00+01:00', T0 - HOUR, T0 - 99 * HOUR];
    const answer = await ask({ times, quantiles: [0.05, 0.5] });
    expect(answer.times).toEqual(times);
    expect(answer.kind).toEqual(['extrapolation', 'interpolation', 'interpolation', 'interpolation', 'extrapolation']);
    expect(Object.keys(answer.channels)).toEqual(['pressure', 'flow']);
    expect(answer.channels.pressure.mean[1]).toBe(9);
    expect(answer.channels.pressure.mean[0]).toBeCloseTo(10 + (1_800_000 + 250.125) / HOUR, 12);
    expect(answer.channels.flow.quantiles['0.05'][1]).toBe(answer.channels.flow.mean[1] + 0.05);
    expect(answer.model).toEqual({
      version: 'v1',
      alias: 'champion',
      trainedThrough: '2026-11-21T22:00:00.000Z',
      engine: 'fake',
    });
    expect(answer.lastEventTime).toBe('2026-11-21T22:00:00.000Z');
    expect(answer.observationsUsed).toBe(11);
    expect(answer.solver).toEqual({ functionEvaluations: 20, steps: 5, status: 'success' });
    expect(answer.warnings).toBeUndefined();
  });

  it('answers a grid, in the form of `from`', async () => {
    const iso = await ask({ from: '2026-11-21T22:00:00Z', to: T0 + 2 * HOUR, step: '30m' });
    expect(iso.times).toHaveLength(5);
    expect(iso.times[1]).toBe('2026-11-21T22:30:00.000Z');
    const numbers = await ask({ from: T0, to: T0 + 1, step: 0.5 });
    expect(numbers.times).toEqual([T0, T0 + 0.5, T0 + 1]);
  });

  it('answers a horizon after the last event, by points or by step', async () => {
    expect((await ask({ horizon: '2h', points: 2 })).times).toEqual([
      '2026-11-21T23:00:00.000Z',
      '2026-11-22T00:00:00.000Z',
    ]);
    expect((await ask({ horizon: '2h', step: '50m' })).times).toHaveLength(2);
    expect((await ask({ horizon: '2h' })).times).toHaveLength(32);
  });

  it('answers as of an earlier time as if nothing after it had been seen', async () => {
    const answer = await ask({ times: [T0], asOf: T0 - 3 * HOUR + 1 });
    expect(answer.lastEventTime).toBe('2026-11-21T19:00:00.000Z');
    expect(answer.observationsUsed).toBe(8);
    expect(answer.channels.pressure.mean).toEqual([10]);
  });

  it('forecasts from an inline history of a series that was never ingested', async () => {
    const history = [
      { time: T0, values: { pressure: 5 } },
      { time: '2026-11-21T20:00:00Z', values: { pressure: 1, flow: null } },
      { time: T0, values: { flow: 7 } },
    ];
    const answer = await ask({ series: undefined, history, times: [T0], channels: ['flow', 'pressure'] });
    expect(answer.series).toBeNull();
    expect(answer.observationsUsed).toBe(2);
    expect(Object.entries(answer.channels).map(([name, { mean }]) => [name, mean])).toEqual([
      ['flow', [7]],
      ['pressure', [5]],
    ]);
  });

  it('gives sampled paths where they are wanted', async () => {
    const answer = await ask({ times: [T0, T0 + 1], samples: 3, returnSamples: true });
    expect(answer.channels.flow.samples).toHaveLength(3);
    expect(answer.channels.flow.samples?.[0]).toHaveLength(2);
  });

  it('warns of times beyond reach', async () => {
    const answer = await ask({ times: [T0, '9999-01-01T00:00:00Z'] });
    expect(answer.warnings).toEqual([{ code: 'beyond-reach', detail: expect.any(String), times: [1] }]);
  });

  it('gives the same bytes for the same query', async () => {
    const body = { ...query, horizon: '6h', quantiles: [0.1, 0.9], returnSamples: true };
    const bytes = async () => Buffer.from(await (await server.post('/v1/forecast', body)).arrayBuffer());
    expect((await bytes()).equals(await bytes())).toBe(true);
  });

  it('answers a batch in order with an error in its place', async () => {
    const good = { ...query, times: [T0] };
    const response = await server.post('/v1/forecast', {
      queries: [good, { ...good, series: 'pump-8' }, { ...good, times: ['soon'] }, { ...good, times: [T0 + HOUR] }],
    });
    expect(response.status).toBe(200);
    const { results } = batch.parse(await response.json());
    expect(results.map((r) => [r.code, r.field])).toEqual([
      [undefined, undefined],
      ['unknown-series', '/queries/1/series'],
      ['invalid-time', '/queries/2/times/0'],
      [undefined, undefined],
    ]);
    expect(results[3].times).toEqual([T0 + HOUR]);
  });
});
