import { afterEach, describe, expect, it } from 'vitest';
import type { Artifact } from '../../model/artifact-format.ts';
import { createMetrics } from '../../serve/metrics.ts';
import { createModelHost, type ModelHost, type OpenedModel } from '../../serve/model-host.ts';
import { forecastAnswerSchema } from '../../serve/schemas/forecast.ts';
import { artifact, fakeForecaster, limits, serveParts, silent, spec, T0, type TestServer } from './fakes.ts';

let server: TestServer | undefined;
afterEach(() => server?.close());

/** Opens models that know whether they are closed, and fail when they are used after. */
function workshop(break_: (artifact: Artifact) => Partial<OpenedModel> = () => ({})) {
  const open = new Set<string>();
  const metrics = createMetrics({ defaults: false });
  const host: ModelHost = createModelHost({
    channels: (stream) => (stream === spec.name ? spec.channels : undefined),
    clock: { now: () => T0 },
    logger: silent,
    metrics,
    open: (made) => {
      const { version } = made.header;
      open.add(version);
      const before = async () => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
        if (!open.has(version)) throw new Error(`${version} was used after it was closed`);
      };
      return {
        forecaster: fakeForecaster({ before }),
        engine: 'fake',
        close: () => open.delete(version),
        ...break_(made),
      };
    },
  });
  return { host, open, metrics };
}

describe('the model host', () => {
  it('swaps fifty times under load: no request fails, and every old model is closed', async () => {
    const { host, open, metrics } = workshop();
    await host.swap('pumps', artifact('v0'));
    server = await serveParts({ models: host, metrics, limits: { ...limits, concurrency: 100 } });
    const query = { stream: 'pumps', series: 'pump-7', times: [T0] };
    const body = { queries: [query, query] };
    const versions = new Set<string>();
    let swapping = true;
    let answered = 0;
    const client = async () => {
      while (swapping) {
        const response = await server?.post('/v1/forecast', body);
        const { results } = Object(await response?.json());
        const [first, second] = results.map((one: unknown) => forecastAnswerSchema.parse(one).model.version);
        expect(second).toBe(first);
        versions.add(first);
        answered += 1;
      }
    };
    const clients = Promise.all([1, 2, 3, 4].map(client));
    for (let i = 1; i <= 50; i++) expect(await host.swap('pumps', artifact(`v${i}`))).toBe('live');
    swapping = false;
    await clients;
    expect(answered).toBeGreaterThan(20);
    expect(versions.size).toBeGreaterThan(5);
    expect([...open]).toEqual(['v50']);
    expect(host.current('pumps')?.header.version).toBe('v50');
    host.close();
    expect(open.size).toBe(0);
  });

  it.each<[string, Partial<OpenedModel> | Error, Artifact]>([
    ['that cannot be opened', new Error('no engine'), artifact('bad')],
    ['of another stream', {}, { ...artifact('bad'), header: { ...artifact('bad').header, stream: 'other' } }],
    [
      'of other channels',
      {},
      {
        ...artifact('bad'),
        header: { ...artifact('bad').header, spec: { ...artifact().header.spec, channels: ['x'] } },
      },
    ],
    [
      'whose first query fails',
      { forecaster: fakeForecaster({ distort: (f) => ({ ...f, solver: { ...f.solver, status: 'max-steps' } }) }) },
      artifact('bad'),
    ],
    [
      'that answers numbers that are not finite',
      {
        forecaster: fakeForecaster({
          distort: (f) => {
            f.channels[1].quantiles[0][1] = Number.NaN;
            return f;
          },
        }),
      },
      artifact('bad'),
    ],
  ])('refuses a model %s, counts it, closes it and keeps the one before', async (_name, fault, bad) => {
    const { host, open, metrics } = workshop(({ header }) => {
      if (header.version !== 'bad') return {};
      if (!(fault instanceof Error)) return fault;
      open.delete('bad');
      throw fault;
    });
    const swaps: string[] = [];
    host.onSwap((stream) => swaps.push(stream));
    expect(await host.swap('pumps', artifact('good'))).toBe('live');
    expect(await host.swap('pumps', bad)).toBe('refused');
    expect(host.current('pumps')?.header.version).toBe('good');
    expect([...open]).toEqual(['good']);
    expect(swaps).toEqual(['pumps']);
    expect(await metrics.text()).toContain('odecast_model_refused_total{stream="pumps"} 1');
    expect(await host.swap('pumps', artifact('next'))).toBe('live');
  });

  it('keeps a leased model open over a swap and over its own close', async () => {
    const { host, open } = workshop();
    await host.swap('pumps', artifact('v1'));
    const lease = host.acquire('pumps');
    await host.swap('pumps', artifact('v2'));
    host.close();
    expect([...open]).toEqual(['v1']);
    lease?.release();
    lease?.release();
    expect([...open]).toEqual([]);
    expect(host.acquire('pumps')).toBeUndefined();
    expect(await host.swap('pumps', artifact('v3'))).toBe('refused');
  });

  it('does the swaps of a stream in the order they were asked for, and none twice', async () => {
    const { host } = workshop();
    const outcomes = ['v1', 'v2', 'v2', 'v3'].map((version) => host.swap('pumps', artifact(version)));
    expect(await Promise.all(outcomes)).toEqual(['live', 'live', 'unchanged', 'live']);
    expect(host.current('pumps')?.header.version).toBe('v3');
  });

  it('describes the live model in the metrics, and only it', async () => {
    const { host, metrics } = workshop();
    await host.swap('pumps', artifact('v1'));
    await host.swap('pumps', artifact('v2'), 'challenger');
    const text = await metrics.text();
    expect(text).toContain('odecast_model_info{stream="pumps",version="v2",alias="challenger"} 1');
    expect(text).not.toContain('version="v1"');
    expect(text).toContain(`odecast_model_trained_through_timestamp_seconds{stream="pumps"} ${T0 / 1000}`);
    expect(text).toContain('odecast_evaluation_skill_ratio{stream="pumps",baseline="last-value"} 0.5');
    expect(text).toContain('odecast_evaluation_coverage_ratio{stream="pumps",level="0.8"} 0.79');
    expect(text).toContain('odecast_model_swap_duration_seconds_count 2');
  });
});
