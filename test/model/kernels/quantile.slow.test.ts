/** The quantile kernel under the address and undefined-behaviour sanitizers, on random shapes and on numbers of every kind. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadKernels } from '../../../model/engine/fused/kernels.ts';
import type { NativeWidth } from '../../../model/engine/fused/native-kernels.ts';
import { rowQuantiles } from '../../../model/engine/fused/quantile-job.ts';
import { quantileLevels } from '../../../model/quantiles.ts';
import { nativeWidths } from '../../../scripts/kernels/native.ts';
import { buildSanitized, type SanitizedBuild } from './sanitized-kernels.ts';

const MINUTES = 300_000;

/** Those that this CPU runs; none without a compiler. */
const widths: NativeWidth[] = [];
for (const width of nativeWidths().keys()) {
  const runs = await loadKernels({ choice: `native-${width}` }).catch(() => undefined);
  if (runs) widths.push(width);
}

const shapes = fc.record({
  rows: fc.integer({ min: 1, max: 4 }),
  components: fc.integer({ min: 1, max: 40 }),
  levels: fc.integer({ min: 1, max: 9 }),
  ownWeights: fc.boolean(),
});

describe.skipIf(widths.length === 0).each(widths)('%s', (width) => {
  let build: SanitizedBuild;
  beforeAll(() => {
    build = buildSanitized(width);
  }, MINUTES);
  afterAll(() => build.close());

  test('reads and writes what is its own, whatever the numbers', { timeout: MINUTES }, () => {
    const kernels = build.open();
    const inputs = shapes.chain(({ rows, components, levels, ownWeights }) => {
      const floats = (length: number) => fc.float32Array({ minLength: length, maxLength: length });
      return fc.record({
        components: fc.constant(components),
        means: floats(rows * components),
        scales: floats(rows * components),
        weights: floats(ownWeights ? rows * components : components),
        probabilities: fc.array(fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true }), {
          minLength: levels,
          maxLength: levels,
        }),
      });
    });
    const answered = fc.property(inputs, ({ probabilities, ...rows }) => {
      const found = rowQuantiles(kernels, rows, quantileLevels(probabilities));
      expect(found).toHaveLength((rows.means.length / rows.components) * probabilities.length);
    });
    fc.assert(answered, { numRuns: 60 });
  });
});
