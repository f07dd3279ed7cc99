/**
 * Writes `docs/configuration.md` from the schema that validates the configuration, so that the page cannot lie.
 * `npx tsx scripts/config-reference.ts`; a test fails when the page is out of date.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { configSchema, ENVIRONMENT } from '../cli/config.ts';
import { KERNEL_CHOICES } from '../model/engine/fused/kernels.ts';

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** The page's text. */
export function configReference(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input' }) as JsonSchema;
  return `${HEAD}\n${table(rowsOf(schema, ''))}\n\n${ENVIRONMENT_HEAD}\n${environmentTable()}\n\n${ENGINE_PART}`;
}

const HEAD = `# Configuration

*Written by \`npx tsx scripts/config-reference.ts\` from the schema in \`cli/config.ts\`; do not edit.*

One file: \`--config\`, else \`ODECAST_CONFIG\`, else \`odecast.config.json\`, \`.yaml\` or \`.yml\` in the current folder. \`odecast start\` without
any of them runs the demonstration, \`examples/demo.config.yaml\`. A duration is a number of milliseconds or a text such as
\`30s\`, \`2h\`, \`60d\`. \`streams[]\` is a list: the keys below it hold for each stream.
`;

const ENVIRONMENT_HEAD = `## Environment variables

They win over the file. \`ODECAST_CONFIG\` names the file itself.
`;

const ENGINE_PART = `## The engine's own variables

They are no part of the file, and hold for \`fit\` and \`forecast\` too, as does \`ODECAST_THREADS\`. [The engine](engine.md) says what they choose from.

| variable | meaning |
| --- | --- |
| \`ODECAST_KERNELS\` | the build of the fused kernels: ${KERNEL_CHOICES.map((choice) => `\`${choice}\``).join(', ')} |
| \`ODECAST_TFJS_NODE\` | a folder that holds \`@tensorflow/tfjs-node\` or its GPU twin, built elsewhere |
`;

function table(rows: readonly string[][]): string {
  return [['key', 'type', 'default', 'meaning'], ['---', '---', '---', '---'], ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

function rowsOf(schema: JsonSchema, path: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const name = path ? `${path}.${key}` : key;
    if (value.properties) return rowsOf(value, name);
    if (value.items?.properties) return [row(`${name}[]`, value, schema.required), ...rowsOf(value.items, `${name}[]`)];
    return [row(name, value, schema.required)];
  });
}

function row(name: string, value: JsonSchema, required: readonly string[] = []): string[] {
  const key = name.replace('[]', '').split('.').at(-1) ?? name;
  const fallback =
    value.default === undefined
      ? required.includes(key)
        ? '**required**'
        : '–'
      : `\`${JSON.stringify(value.default)}\``;
  return [`\`${name}\``, typeName(value), fallback, value.description ?? ''];
}

function typeName(value: JsonSchema): string {
  if (value.enum) return value.enum.map((item) => `\`${item}\``).join(', ');
  if (value.anyOf) return 'duration';
  if (value.type === 'array') return value.items ? `list of ${typeName(value.items)}` : 'list';
  return value.type ?? '';
}

function environmentTable(): string {
  const rows = Object.entries(ENVIRONMENT).map(
    ([name, v]) => `| \`${name}\` | \`${v.path.join('.')}\` | ${v.describe} |`,
  );
  return ['| variable | key | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(join(import.meta.dirname, '../docs/configuration.md'), configReference());
}
