/** The HTTP side of a role that answers no queries: probes and metrics, nothing else. */
import express from 'express';
import type { App } from './app.ts';
import type { Readiness } from './app-parts.ts';
import type { Metrics } from './metrics.ts';

export interface OperationsParts {
  readonly metrics: Metrics;
  readonly readiness: () => Readiness;
}

export function createOperationsApp({ metrics, readiness }: OperationsParts): App {
  const handler = express();
  handler.disable('x-powered-by');
  handler.get('/healthz', (_request, response) => void response.json({ status: 'alive' }));
  handler.get('/readyz', (_request, response) => {
    const state = readiness();
    response.status(state.ready ? 200 : 503).json(state);
  });
  handler.get('/metrics', async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.text());
  });
  return { handler, close: () => undefined };
}
