import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openApiDocument, problemsOf } from '../../serve/openapi.ts';
import { PROBLEMS } from '../../serve/problem.ts';
import { routes } from '../../serve/route-table.ts';
import { fakeParts, serveParts } from './fakes.ts';

async function tableOf() {
  const parts = await fakeParts({ truth: () => undefined });
  const table = routes(parts, { open: () => {}, close: () => {} });
  return { table, document: openApiDocument(table, parts) };
}

describe('the OpenAPI document', () => {
  it('is valid by the schema of OpenAPI 3.1, and all of its references lead somewhere', async () => {
    const { document } = await tableOf();
    const validator = new Validator();
    const result = await validator.validate(JSON.parse(JSON.stringify(document)));
    expect(result).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
    expect(references.length).toBeGreaterThan(20);
    for (const [, id] of references) expect(Object.keys(document.components.schemas)).toContain(id);
    expect(JSON.stringify(document)).not.toContain('$defs');
  });

  it('documents every route once and every problem code with its status', async () => {
    const { table, document } = await tableOf();
    const ids = table.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const route of table) {
      const operation = document.paths[route.path][route.method];
      for (const code of problemsOf(route))
        expect(operation.responses[PROBLEMS[code].status].description).toContain(`\`${code}\``);
    }
    const documented = new Set(table.flatMap(problemsOf));
    const anywhere = Object.keys(PROBLEMS).filter((code) => code !== 'not-found');
    expect([...documented].sort()).toEqual(anywhere.sort());
  });

  it('names every parameter that a path holds', async () => {
    const { document } = await tableOf();
    for (const [path, methods] of Object.entries(document.paths))
      for (const { parameters } of Object.values(methods))
        expect(parameters.filter((p) => p.in === 'path').map((p) => p.name)).toEqual(
          [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]),
        );
  });

  it('is served, and so is a page for people that needs no script', async () => {
    const server = await serveParts();
    const document = z.looseObject({ openapi: z.string(), paths: z.looseObject({}) });
    expect(document.parse(await (await server.get('/openapi.json')).json()).openapi).toBe('3.1.0');
    const page = await server.get('/docs');
    const html = await page.text();
    expect(page.headers.get('content-type')).toContain('text/html');
    for (const code of Object.keys(PROBLEMS)) expect(html).toContain(`id="${code}"`);
    expect(html).not.toContain('<script');
    await server.close();
  });
});
