/** The Express app, composed flat from its parts: headers, origin, routes, the dashboard, problems. Opens nothing. */
import express, { type Express, type Request, type Response } from 'express';
import helmet from 'helmet';
import { createAdmission, overloaded } from './admission.ts';
import type { AppParts } from './app-parts.ts';
import { createAuthoriser } from './auth.ts';
import { createLiveStreams } from './live-streams.ts';
import { Problem } from './problem.ts';
import { answerProblems, toProblem } from './problem-answer.ts';
import { type Route, uncounted } from './route.ts';
import { routes } from './route-table.ts';
import { checkOrigin } from './same-origin.ts';

export interface App {
  readonly handler: Express;
  /** Ends the event streams and refuses new ones, so that a server can close. Idempotent. */
  close(): void;
}

export function createApp(parts: AppParts): App {
  const live = createLiveStreams(parts);
  const handler = express();
  handler.disable('x-powered-by');
  handler.set('query parser', 'simple');
  handler.use(securityHeaders());
  handler.use((request, _response, next) => {
    checkOrigin(request, parts.auth.keys.length === 0 && !parts.auth.anonymous);
    next();
  });
  mountRoutes(handler, routes(parts, live), parts);
  if (parts.dashboardDir !== undefined) handler.use(express.static(parts.dashboardDir));
  answerProblems(handler, parts);
  readGauges(parts);
  return { handler, close: () => live.close() };
}

/** The page's scripts and styles are its own files. No HSTS: whether there is TLS is for the proxy in front to say. */
function securityHeaders() {
  return helmet({
    strictTransportSecurity: false,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
  });
}

function mountRoutes(app: Express, table: readonly Route[], parts: AppParts): void {
  const authorise = createAuthoriser(parts.auth);
  const admission = createAdmission(parts.limits.concurrency, overloaded);
  const serve = async (route: Route, request: Request, response: Response) => {
    const enter = route.unlimited ? uncounted : admission.enter;
    try {
      if (route.scope !== 'open') authorise(request, route.scope);
      // Where there is no room, that is said before a body is read.
      enter()();
      await route.respond(request, response, { maxBodyBytes: parts.limits.bodyBytes, enter });
    } catch (error) {
      route.onProblem?.(toProblem(error));
      throw error;
    }
  };
  for (const route of table)
    app[route.method](expressPath(route), (request, response) => serve(route, request, response));
  for (const path of new Set(table.map(expressPath))) refuseOtherMethods(app, path, methodsOf(table, path));
}

function expressPath({ path }: Route): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

function methodsOf(table: readonly Route[], path: string): string {
  const methods = table.filter((route) => expressPath(route) === path).map(({ method }) => method.toUpperCase());
  return (methods.includes('GET') ? [...methods, 'HEAD'] : methods).join(', ');
}

function refuseOtherMethods(app: Express, path: string, allow: string): void {
  app.all(path, (request) => {
    throw new Problem('method-not-allowed', `${request.method} does nothing here; use ${allow}.`, {
      headers: { Allow: allow },
    });
  });
}

/** Gauges that are cheaper to read at a scrape than to follow. */
function readGauges({ metrics, store, streams }: AppParts): void {
  metrics.beforeScrape(() => {
    for (const { spec } of streams)
      metrics.set('store_observations', store.stream(spec.name).observations, { stream: spec.name });
  });
}
