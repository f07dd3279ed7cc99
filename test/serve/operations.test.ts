import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMetrics } from '../../serve/metrics.ts';
import { createOperationsApp } from '../../serve/operations.ts';
import { problemSchema } from '../../serve/schemas/problem.ts';
import { listen, type RunningServer } from '../../serve/server.ts';
import { silent } from './fakes.ts';

describe('the HTTP side of a role that answers no queries', () => {
  let server: RunningServer;
  let ready = false;
  beforeAll(async () => {
    const metrics = createMetrics();
    metrics.count('training_windows_total', { stream: 'pumps' }, 32);
    const readiness = () => ({ ready, reasons: ready ? [] : ['no model of pumps yet'] });
    const app = createOperationsApp({ metrics, readiness, logger: silent });
    server = await listen(app, { host: '127.0.0.1', port: 0, auth: { keys: [], anonymous: false } });
  });
  afterAll(() => server.close());

  it('answers probes', async () => {
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    ready = true;
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });

  it('gives its measurements', async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    expect(text).toContain('odecast_training_windows_total{stream="pumps"} 32');
  });

  it('answers nothing else', async () => {
    const response = await fetch(`${server.url}/v1/streams`);
    expect(problemSchema.parse(await response.json()).code).toBe('not-found');
  });
});
