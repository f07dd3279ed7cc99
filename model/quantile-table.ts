/** Quantiles of whatever mixtures a forecast has: those of normals together, as an engine finds them; others one by one. */
import type { RowQuantiles } from './engine/quantile.ts';
import { type Mixture, mixtureQuantile } from './mixture.ts';
import { mixtureQuantiles } from './quantiles.ts';

/** [N, Q] @param find of an engine that has it; without, all are found in doubles. */
export function quantileTable(
  mixtures: readonly Mixture[],
  probabilities: readonly number[],
  find: RowQuantiles | undefined,
): Float64Array {
  const table = new Float64Array(mixtures.length * probabilities.length);
  const together = new Map<number, number[]>();
  mixtures.forEach((mixture, row) => {
    const { length } = mixture.weights;
    if (find === undefined || mixture.laws !== undefined) fillRow(table, row, mixture, probabilities);
    else if (!together.get(length)?.push(row)) together.set(length, [row]);
  });
  if (find !== undefined) for (const rows of together.values()) fillRows(table, rows, mixtures, probabilities, find);
  return table;
}

function fillRow(table: Float64Array, row: number, mixture: Mixture, probabilities: readonly number[]): void {
  probabilities.forEach((p, q) => {
    table[row * probabilities.length + q] = mixtureQuantile(mixture, p);
  });
}

/** Rows of as many components each. */
function fillRows(
  table: Float64Array,
  rows: readonly number[],
  mixtures: readonly Mixture[],
  probabilities: readonly number[],
  find: RowQuantiles,
): void {
  const components = mixtures[rows[0]].weights.length;
  const parts = rows.map((row) => mixtures[row]);
  const alike = parts.every(({ weights }) => weights === parts[0].weights);
  const weights = alike ? parts[0].weights : joined(parts, components, (of) => of.weights);
  const [means, scales] = [joined(parts, components, (of) => of.means), joined(parts, components, (of) => of.scales)];
  const found = mixtureQuantiles({ means, scales, weights, components }, probabilities, find);
  const width = probabilities.length;
  rows.forEach((row, i) => {
    table.set(found.subarray(i * width, (i + 1) * width), row * width);
  });
}

function joined(parts: readonly Mixture[], components: number, pick: (of: Mixture) => Float64Array): Float64Array {
  const all = new Float64Array(parts.length * components);
  parts.forEach((part, i) => {
    all.set(pick(part), i * components);
  });
  return all;
}
