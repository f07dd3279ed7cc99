/** docs/operations.md speaks of every metric and every alert, and of none that is not there. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { METRICS } from '../../serve/metrics.ts';

const read = (file: string): string => readFileSync(path.join(import.meta.dirname, '../..', file), 'utf8');
const page = read('docs/operations.md');

test('metrics, with their labels', () => {
  const documented = [...page.matchAll(/^\| `([a-z_]+)(?:\{([^}]*)\})?` \|/gm)].map(([, name, labels]) => [
    name,
    labels ?? '',
  ]);
  expect(documented).toEqual(Object.entries(METRICS).map(([name, { labels }]) => [name, labels.join(',')]));
});

test('alerts', () => {
  const documented = [...page.matchAll(/^\| `(Odecast\w+)` \|/gm)].map(([, name]) => name);
  const defined = [...read('k8s/components/monitoring/rules.yaml').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  expect(documented).toEqual(defined);
});
