import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as door from '../../model/ode/index.ts';
import { apiReference } from '../../scripts/api-reference.ts';

const page = apiReference();

it('docs/api/ode.md is what the docstrings say: run `npm run docs:api`', () => {
  expect(readFileSync(join(import.meta.dirname, '../../docs/api/ode.md'), 'utf8')).toBe(page);
});

it('every value that the door exports has an entry, and each is whole', () => {
  for (const name of Object.keys(door)) expect(page).toContain(`\n### ${name}\n`);
  expect(page.match(/^### (\w+)$/gm)?.length).toBe(new Set(page.match(/^### (\w+)$/gm)).size);
  expect(page).toMatch(/interface SolveOptions<S, P> \{\n.*readonly maxSteps\?: number \| undefined;\n.*\}\n```/s);
});
