/** The HTTP side of a role that answers no queries: probes and metrics, the same as of one that does. */
import express from 'express';
import { silentLogger } from '../ingest/logger.ts';
import type { App } from './app.ts';
import type { AppParts } from './app-parts.ts';
import { answerProblems } from './problem-answer.ts';
import { uncounted } from './route.ts';
import { healthRoute, metricsRoute, readyRoute } from './routes/health.ts';

/** Without a logger a failure shows in its answer only. */
export type OperationsParts = Pick<AppParts, 'metrics' | 'readiness'> & Partial<Pick<AppParts, 'logger'>>;

export function createOperationsApp(parts: OperationsParts): App {
  const handler = express();
  handler.disable('x-powered-by');
  handler.set('query parser', 'simple');
  for (const route of [healthRoute(), readyRoute(parts), metricsRoute(parts)])
    handler.get(route.path, (request, response) =>
      route.respond(request, response, { maxBodyBytes: 0, enter: uncounted }),
    );
  answerProblems(handler, { logger: parts.logger ?? silentLogger });
  return { handler, close: () => undefined };
}
