import { describe, expect, it } from 'vitest';
import { createMetrics, METRIC_PREFIX, METRICS } from '../../serve/metrics.ts';
import { memoryStore, observation, serveParts, T0 } from './fakes.ts';

describe('metrics', () => {
  it('exposes every name of the table, with its help, and the process’s own', async () => {
    const text = await createMetrics().text();
    for (const [name, { help, kind }] of Object.entries(METRICS)) {
      expect(text).toContain(`# HELP ${METRIC_PREFIX}${name} ${help}`);
      expect(text).toContain(`# TYPE ${METRIC_PREFIX}${name} ${kind}`);
    }
    expect(text).toContain('\nprocess_cpu_seconds_total ');
  });

  it('does not label by series', () => {
    for (const { labels } of Object.values(METRICS)) expect(labels).not.toContain('series');
  });

  it('counts queries by how they ended, and reads the store at a scrape', async () => {
    const store = memoryStore();
    await store.put('pumps', [observation('a', T0, 1, 2)]);
    const server = await serveParts({ store });
    const query = { stream: 'pumps', series: 'a', times: [T0, T0 + 1] };
    await server.post('/v1/forecast', { queries: [query, query, { ...query, series: 'b' }] });
    await server.post('/v1/forecast', { ...query, times: [] });
    await server.post('/v1/forecast', '{');
    const response = await server.get('/metrics');
    const text = await response.text();
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text).toContain('odecast_forecast_requests_total{outcome="success"} 2');
    expect(text).toContain('odecast_forecast_requests_total{outcome="unknown-series"} 1');
    expect(text).toContain('odecast_forecast_requests_total{outcome="invalid-request"} 1');
    expect(text).toContain('odecast_forecast_requests_total{outcome="malformed-json"} 1');
    expect(text).toContain('odecast_forecast_duration_seconds_count 2');
    expect(text).toContain('odecast_solver_function_evaluations_sum{direction="forward"} 16');
    expect(text).toContain('odecast_store_observations{stream="pumps"} 1');
    await server.close();
  });

  it('does not set what is not finite, and belongs to one app', async () => {
    const [one, other] = [createMetrics({ defaults: false }), createMetrics({ defaults: false })];
    one.set('training_loss', Number.NaN, { stream: 's' });
    one.set('consumer_lag_records', 3, { stream: 's' });
    expect(await one.text()).not.toContain('odecast_training_loss{');
    expect(await one.text()).toContain('odecast_consumer_lag_records{stream="s"} 3');
    expect(await other.text()).not.toContain('stream="s"');
  });
});
