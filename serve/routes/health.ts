/** `GET /healthz` (the process lives), `GET /readyz` (it can answer forecasts) and `GET /metrics`. */
import { z } from 'zod';
import type { AppParts } from '../app-parts.ts';
import { type Route, route } from '../route.ts';

const readinessSchema = z.object({ ready: z.boolean(), reasons: z.array(z.string()) });

export function healthRoute(): Route {
  return route({
    method: 'get',
    path: '/healthz',
    id: 'health',
    tag: 'operation',
    summary: 'Whether the process lives',
    scope: 'open',
    unlimited: true,
    answer: { description: 'It does', schema: z.object({ status: z.literal('ok') }) },
    problems: [],
    handle: () => ({ json: { status: 'ok' } }),
  });
}

export function readyRoute(parts: Pick<AppParts, 'readiness'>): Route {
  return route({
    method: 'get',
    path: '/readyz',
    id: 'ready',
    tag: 'operation',
    summary: 'Whether a model is live for every stream and the store has caught up',
    scope: 'open',
    unlimited: true,
    answer: { description: 'Ready', schema: readinessSchema },
    otherAnswers: { 503: { description: 'Not ready, and why', schema: readinessSchema } },
    problems: [],
    handle: () => {
      const { ready, reasons } = parts.readiness();
      return { status: ready ? 200 : 503, json: { ready, reasons } };
    },
  });
}

export function metricsRoute({ metrics }: Pick<AppParts, 'metrics'>): Route {
  return route({
    method: 'get',
    path: '/metrics',
    id: 'metrics',
    tag: 'operation',
    summary: 'Measurements, for Prometheus',
    scope: 'read',
    unlimited: true,
    answer: { description: 'The exposition text', schema: z.string(), contentType: 'text/plain' },
    problems: [],
    async handle({ response }) {
      response.set('Content-Type', metrics.contentType).send(await metrics.text());
      return undefined;
    },
  });
}
