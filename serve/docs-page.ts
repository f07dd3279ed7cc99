/** The page at `/docs`: the OpenAPI document as plain HTML, without a script. */
import type { JsonObject, OpenApiDocument, Operation } from './openapi.ts';
import { PROBLEMS } from './problem.ts';

export const DOCS_STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430; background: #fff }
code, pre { font: 14px/1.45 ui-monospace, monospace }
pre { background: #f4f6f9; padding: .75rem; overflow-x: auto; border-radius: 6px }
h2 { margin-top: 2.5rem } h3 { margin-bottom: .25rem }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: .3rem .6rem; border-top: 1px solid #dde3ea }
.method { color: #0b6b4f; font-weight: 600 } details { margin: .5rem 0 }
@media (prefers-color-scheme: dark) { body { color: #dbe2ea; background: #11161d } pre { background: #1b222c } td, th { border-color: #2c3643 } .method { color: #59d3a8 } a { color: #7db7ff } }
`;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export function docsPage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const sections = document.tags.map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    return `<h2>${text(description)}</h2>${own.map(operationSection).join('')}`;
  });
  return page(`<h1>${text(document.info.title)} ${text(document.info.version)}</h1>
<p>${text(document.info.description)} The same as <a href="/openapi.json">OpenAPI 3.1</a>.</p>
${EXAMPLE}${sections.join('')}${problemTable()}${schemaSection(document.components.schemas)}`);
}

const EXAMPLE = `<pre>${text(`curl -s localhost:8080/v1/forecast -H 'content-type: application/json' \\
  -d '{"stream": "…", "series": "…", "horizon": "1d", "points": 4, "quantiles": [0.05, 0.5, 0.95]}'`)}</pre>`;

function page(body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>odecast: HTTP interface</title><style>${DOCS_STYLE}</style><body>${body}</body></html>`;
}

interface Listed {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

function operationSection({ path, method, operation }: Listed): string {
  const { operationId, summary, parameters, requestBody, responses } = operation;
  const rows = Object.entries(responses).map(
    ([status, { description }]) => `<tr><td>${text(status)}</td><td>${text(String(description))}</td></tr>`,
  );
  return `<h3 id="${text(operationId)}"><span class="method">${method.toUpperCase()}</span> <code>${text(path)}</code></h3>
<p>${text(summary)}</p>${block('Parameters', parameters)}${block('Body', requestBody)}
<details><summary>Answers</summary><table>${rows.join('')}</table></details>`;
}

function block(title: string, value: unknown): string {
  const empty = value === undefined || (Array.isArray(value) && value.length === 0);
  if (empty) return '';
  return `<details><summary>${title}</summary><pre>${text(JSON.stringify(value, null, 2))}</pre></details>`;
}

function problemTable(): string {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, title }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${text(title)}</td></tr>`,
  );
  return `<h2>Problems</h2><p>Failures are answered as <code>application/problem+json</code> (RFC 9457); decide on <code>code</code>.</p>
<table><tr><th>code</th><th>status</th><th>meaning</th></tr>${rows.join('')}</table>`;
}

function schemaSection(schemas: JsonObject): string {
  const sections = Object.entries(schemas).map(([id, schema]) => block(id, schema));
  return `<h2>Schemas</h2>${sections.join('')}`;
}

function text(raw: string): string {
  return raw.replaceAll(/[&<>"]/g, (character) => ESCAPES[character]);
}
