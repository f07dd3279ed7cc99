/** A row of a tableau with room for itself times h, so that a step makes no array. */
import type { StateSpace } from './state-space.ts';

export interface WeightRow {
  readonly weights: Float64Array;
  readonly scaled: number[];
}

export function createRow(weights: readonly number[]): WeightRow {
  // Not zeros: an engine keeps an array that begins with fractions as one of doubles, which the hot loop reads.
  return { weights: Float64Array.from(weights), scaled: weights.map(() => 0.5) };
}

/** base + h·Σ weights[j]·terms[j] */
export function addRow<S>(
  space: StateSpace<S>,
  { weights, scaled }: WeightRow,
  h: number,
  base: S,
  terms: readonly S[],
  into: S | undefined,
): S {
  for (let j = 0; j < scaled.length; j++) scaled[j] = h * weights[j];
  return space.combine(base, scaled, terms, into);
}
