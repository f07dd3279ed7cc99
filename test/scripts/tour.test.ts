import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runTour } from '../../scripts/tour.ts';

it('every block of docs/ode.md runs, and prints what it says: look with `npx tsx scripts/tour.ts`', () => {
  const { printed, promised } = runTour(join(import.meta.dirname, '../../docs/ode.md'));
  expect(promised.length).toBeGreaterThan(20);
  expect(printed).toEqual(promised);
});

it('a page that lies is found out', () => {
  const folder = mkdtempSync(join(tmpdir(), 'page-'));
  try {
    const page = join(folder, 'page.md');
    writeFileSync(page, '```ts\nconst two: number = 2;\n```\ntext\n```ts\nconsole.log(two);\n// → 3\n```\n');
    expect(runTour(page)).toEqual({ promised: ['3'], printed: ['2'] });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
