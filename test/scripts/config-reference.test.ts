import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { configReference } from '../../scripts/config-reference.ts';

it('docs/configuration.md is what the schema says: run `npx tsx scripts/config-reference.ts`', () => {
  expect(readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8')).toBe(configReference());
});
