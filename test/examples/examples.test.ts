/** The examples at a reduced size: that they run, and that what they are there to show is so. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AdjointMemoryRow, drawAdjointMemory } from '../../examples/adjoint-memory.ts';
import { drawSpiralFit, spiralFit, spiralFitTable } from '../../examples/spiral-fit.ts';
import { drawToleranceCost, toleranceCost, toleranceCostTable } from '../../examples/tolerance-cost.ts';
import { backprop, bosh3, tsit5 } from '../../model/ode/index.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'examples-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function drawn(draw: (file: string) => Promise<void>): Promise<string> {
  const file = join(folder, 'picture.svg');
  await draw(file);
  return readFileSync(file, 'utf8');
}

it('spiral-fit: 20 iterations halve the loss, by either gradient, to losses within 5 % of one another', async () => {
  const fits = [
    spiralFit({ iterations: 20, every: 10 }),
    spiralFit({ iterations: 20, every: 10, gradient: backprop() }),
  ];
  const ends = fits.map(({ rows }) => rows[rows.length - 1].loss / rows[0].loss);
  expect(Math.max(...ends)).toBeLessThan(0.5);
  expect(Math.abs(ends[0] / ends[1] - 1)).toBeLessThan(0.05);
  expect(spiralFitTable(fits[0]).split('\n')).toHaveLength(4);
  expect(await drawn((file) => drawSpiralFit(fits[0], file))).toContain('iteration 20');
});

it('tolerance-cost: a tighter tolerance costs evaluations and buys digits', async () => {
  const rows = toleranceCost({ methods: [bosh3, tsit5], rtols: [1e-3, 1e-6], repeats: 3 });
  for (const [loose, tight] of [rows.slice(0, 2), rows.slice(2)]) {
    expect(tight.evaluations).toBeGreaterThan(loose.evaluations);
    expect(tight.error).toBeLessThan(loose.error / 100);
  }
  expect(toleranceCostTable(rows)).toMatch(/^tsit5 +1e-6 /m);
  expect(await drawn((file) => drawToleranceCost(rows, file))).toContain('bosh3');
});

it('adjoint-memory: four times the steps, four times the memory of backprop, no more of adjoint or reversible (±30 %)', {
  timeout: 60_000,
}, async () => {
  const rows = memoryRows();
  const growth = (mode: string): number => {
    const [few, many] = rows.filter((row) => row.mode === mode);
    return many.peakBytes / few.peakBytes;
  };
  expect(growth('backprop')).toBeGreaterThan(2.8);
  expect(growth('adjoint')).toBeLessThan(1.3);
  expect(growth('reversible')).toBeLessThan(1.3);
  expect(growth('checkpointed')).toBeLessThan(2.4);
  for (const { mode, difference } of rows) expect(difference).toBeLessThan(mode === 'adjoint' ? 1e-2 : 1e-10);
  expect(await drawn((file) => drawAdjointMemory(rows, file))).toContain('checkpointed');
});

/** From a process of its own: here every full collection would go through the test runner's heap too. */
function memoryRows(): AdjointMemoryRow[] {
  const file = join(import.meta.dirname, '../../examples/adjoint-memory.ts');
  const table = execFileSync(process.execPath, ['--import', 'tsx', file, '8,32'], { encoding: 'utf8' });
  const rows = table.trim().split('\n').slice(1);
  return rows.map((row) => {
    const [mode, ...numbers] = row.split(/ {2,}/);
    const [steps, kilobytes, milliseconds, evaluations, difference] = numbers.map(Number);
    return { mode, steps, peakBytes: 1000 * kilobytes, milliseconds, evaluations, difference };
  });
}
