/** Alerts and dashboard ask for metrics and labels that the program has. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { METRIC_PREFIX, METRICS } from '../../serve/metrics.ts';

const MONITORING = path.join(import.meta.dirname, '../../k8s/components/monitoring');

const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          annotations: z.object({ summary: z.string(), description: z.string() }),
        }),
      ),
    }),
  ),
});

const dashboardSchema = z.object({
  panels: z.array(
    z.object({ title: z.string(), description: z.string(), targets: z.array(z.object({ expr: z.string() })) }),
  ),
});

const read = (file: string): string => readFileSync(path.join(MONITORING, file), 'utf8');
const rules = rulesSchema.parse(parse(read('rules.yaml'))).groups.flatMap((group) => group.rules);
const panels = dashboardSchema.parse(JSON.parse(read('dashboard.json'))).panels;
const expressions = [
  ...rules.map((rule) => rule.expr),
  ...panels.flatMap((panel) => panel.targets.map(({ expr }) => expr)),
];

/** Labels that a scrape adds to every sample, and a histogram's own. */
const FOREIGN = ['namespace', 'pod', 'le'];

const base = (name: string): string => name.replace(/_(bucket|sum|count)$/, '');

test.each(expressions)('every metric of %s is in the table', (expr) => {
  const asked = [...expr.matchAll(/odecast_\w+/g)].map(([name]) => base(name).slice(METRIC_PREFIX.length));
  expect(asked).not.toEqual([]);
  for (const name of asked) expect(Object.keys(METRICS)).toContain(name);
});

test.each(expressions)('every label of %s is one of its metrics', (expr) => {
  const known = [...expr.matchAll(/odecast_(\w+)/g)].flatMap(([, name]) => labelsOf(base(name)));
  const grouped = [...expr.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)].flatMap(([, list]) => list.split(/,\s*/));
  const selected = [...expr.matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, name]) => name);
  for (const label of [...grouped, ...selected]) expect([...known, ...FOREIGN]).toContain(label);
});

const labelsOf = (name: string): readonly string[] =>
  Object.entries(METRICS).find(([known]) => known === name)?.[1].labels ?? [];

test('every metric of the table is on the dashboard', () => {
  const shown = panels.flatMap((panel) => panel.targets.map((target) => target.expr)).join('\n');
  const unshown = Object.keys(METRICS).filter(
    (name) => !new RegExp(`${METRIC_PREFIX}${name}(_bucket|_sum|_count)?\\b`).test(shown),
  );
  // Counted by an alert: worth waking for, not worth watching. The lag in seconds is a view of the lag in records.
  expect(unshown).toEqual(['consumer_lag_seconds', 'model_refused_total']);
});

test('alerts have names of their own', () => {
  const names = rules.map((rule) => rule.alert);
  expect(new Set(names).size).toBe(names.length);
});
