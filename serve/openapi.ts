/** The OpenAPI 3.1 document, from the table of routes and the schemas that validate. */
import { z } from 'zod';
import type { AppParts } from './app-parts.ts';
import { PROBLEMS, type ProblemCode } from './problem.ts';
import type { AnswerSpec, Route } from './route.ts';
import { problemSchema } from './schemas/problem.ts';

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: JsonObject; readonly securitySchemes: JsonObject };
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: JsonObject;
  readonly responses: Readonly<Record<string, JsonObject>>;
  readonly security: readonly JsonObject[];
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly schema: unknown;
}

export type JsonObject = { readonly [name: string]: unknown };

const TAGS = [
  { name: 'forecasts', description: 'Forecasts at any timestamp' },
  { name: 'streams', description: 'What is known of streams and their series' },
  { name: 'events', description: 'Sending events' },
  { name: 'models', description: 'Versions of the models' },
  { name: 'operation', description: 'Probes, measurements and this document' },
];

export function openApiDocument(table: readonly Route[], { version = '0.1.0', auth }: AppParts): OpenApiDocument {
  const schemas = new SchemaCollector();
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of table) {
    paths[route.path] ??= {};
    paths[route.path][route.method] = operation(route, schemas, auth.keys.length > 0);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'odecast', version, description: 'Forecasts at any timestamp from irregular event streams.' },
    tags: TAGS,
    paths,
    components: {
      schemas: schemas.components,
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'Scopes: read, write, admin' } },
    },
  };
}

/** Turns schemas into JSON Schema; those with an `id` become components, each once. */
class SchemaCollector {
  readonly components: Record<string, unknown> = {};

  convert(schema: z.ZodType, io: 'input' | 'output'): unknown {
    // As a member of an array even the outermost schema with an id becomes a reference.
    const { items, $defs = {} } = z.toJSONSchema(z.array(schema), { io, unrepresentable: 'any' });
    for (const [id, definition] of Object.entries($defs)) this.components[id] ??= relocate(definition);
    return relocate(items);
  }
}

/** Points references at the components and drops the names that said what becomes one. */
function relocate(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relocate);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([name, member]) => !(name === 'id' && typeof member === 'string'));
  return Object.fromEntries(
    entries.map(([name, member]) => [
      name,
      name === '$ref' && typeof member === 'string'
        ? member.replace('#/$defs/', '#/components/schemas/')
        : relocate(member),
    ]),
  );
}

function operation(route: Route, schemas: SchemaCollector, secured: boolean): Operation {
  const { id, summary, tag, params, query, body, scope } = route;
  return {
    operationId: id,
    summary: `${summary}.`,
    tags: [tag],
    parameters: [...parameters('path', params, schemas), ...parameters('query', query, schemas)],
    ...(body === undefined ? {} : { requestBody: requestBody(body, schemas) }),
    responses: { ...answers(route, schemas), ...problemResponses(route, schemas) },
    security: secured && scope !== 'open' ? [{ key: [scope] }] : [],
  };
}

function parameters(place: 'path' | 'query', schema: z.ZodType | undefined, schemas: SchemaCollector): Parameter[] {
  if (!(schema instanceof z.ZodObject)) return [];
  const shape: Record<string, z.ZodType> = schema.shape;
  return Object.entries(shape).map(([name, member]) => ({
    name,
    in: place,
    required: place === 'path' || !member.safeParse(undefined).success,
    schema: schemas.convert(member, 'input'),
  }));
}

function requestBody({ schema, contentTypes }: NonNullable<Route['body']>, schemas: SchemaCollector): JsonObject {
  const json = schemas.convert(schema, 'input');
  const content = contentTypes.map((type) => [
    type,
    { schema: type === 'application/json' ? json : { type: 'string', description: 'One JSON value a line' } },
  ]);
  return { required: true, content: Object.fromEntries(content) };
}

function answers({ answer, otherAnswers }: Route, schemas: SchemaCollector): Record<string, JsonObject> {
  const all: [string, AnswerSpec][] = [['200', answer], ...Object.entries(otherAnswers ?? {})];
  return Object.fromEntries(
    all.map(([status, { description, schema, contentType = 'application/json' }]) => [
      status,
      { description, content: { [contentType]: { schema: schemas.convert(schema, 'output') } } },
    ]),
  );
}

/** Every problem that a route can answer with: its own, and those of how it is mounted. */
export function problemsOf({ problems, scope, unlimited, body }: Route): readonly ProblemCode[] {
  const mounted: ProblemCode[] = [
    'malformed-request',
    'cross-origin',
    'method-not-allowed',
    'unknown-field',
    'internal',
    ...(scope === 'open' ? [] : (['unauthorised', 'forbidden'] as const)),
    ...(unlimited ? [] : (['overloaded'] as const)),
    ...(body === undefined ? [] : (['body-too-large', 'unsupported-media-type'] as const)),
  ];
  return [...new Set([...problems, ...mounted])];
}

function problemResponses(route: Route, schemas: SchemaCollector): Record<string, JsonObject> {
  const schema = schemas.convert(problemSchema, 'output');
  const codes = problemsOf(route);
  const statuses = new Set(codes.map((code) => PROBLEMS[code].status));
  const ofStatus = (status: number) => codes.filter((code) => PROBLEMS[code].status === status);
  return Object.fromEntries([...statuses].map((status) => [status, problemResponse(ofStatus(status), schema)]));
}

function problemResponse(codes: readonly ProblemCode[], schema: unknown): JsonObject {
  const waits = codes.some((code) => 'retryAfter' in PROBLEMS[code]);
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(' '),
    ...(waits ? { headers: { 'Retry-After': { schema: { type: 'integer' }, description: 'Seconds to wait' } } } : {}),
    content: { 'application/problem+json': { schema } },
  };
}
