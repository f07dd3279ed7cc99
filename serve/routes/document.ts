/** `GET /openapi.json` and `GET /docs`: both are written from the table of routes. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { AppParts } from '../app-parts.ts';
import { DOCS_STYLE, docsPage } from '../docs-page.ts';
import { openApiDocument } from '../openapi.ts';
import { type Route, route } from '../route.ts';

export function documentRoutes(parts: AppParts, others: readonly Route[]): readonly Route[] {
  const table: Route[] = [...others];
  const documentOf = once(() => openApiDocument(table, parts));
  table.push(openApiRoute(documentOf), docsRoute(once(() => docsPage(documentOf()))));
  return table.slice(others.length);
}

function openApiRoute(documentOf: () => unknown): Route {
  return route({
    method: 'get',
    path: '/openapi.json',
    id: 'openApi',
    tag: 'operation',
    summary: 'This interface as OpenAPI 3.1',
    scope: 'open',
    answer: { description: 'The document', schema: z.looseObject({}) },
    problems: [],
    handle: () => ({ json: documentOf() }),
  });
}

/** The one page with a style of its own in it, which its policy allows by hash. */
function docsRoute(page: () => string): Route {
  const style = createHash('sha256').update(DOCS_STYLE).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; frame-ancestors 'none'`;
  return route({
    method: 'get',
    path: '/docs',
    id: 'docs',
    tag: 'operation',
    summary: 'This interface, for people',
    scope: 'open',
    answer: { description: 'The page', schema: z.string(), contentType: 'text/html' },
    problems: [],
    handle({ response }) {
      response.set('Content-Security-Policy', policy).type('html').send(page());
      return undefined;
    },
  });
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
