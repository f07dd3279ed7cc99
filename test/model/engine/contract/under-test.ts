/** An engine as the contract meets it: how it is opened, what it says of itself, and how far two answers are apart. */
import { expect } from 'vitest';
import { type Capabilities, EVERYTHING, unsupported } from '../../../../model/engine/capabilities.ts';
import type { Engine } from '../../../../model/engine/engine.ts';
import type { ModelSpec } from '../../../../model/latent/spec.ts';

export interface EngineUnderTest {
  open(spec: ModelSpec): Engine;
  /** What the backend holds, in matrices or in cells of memory: it must not grow. */
  liveMatrices(): number;
  /** Absent: it can run every spec. */
  readonly capabilities?: Capabilities;
  /** Whether a sample's answer has the same bits alone and in any batch. */
  readonly bitIndependent?: boolean;
}

export type Load = () => Promise<EngineUnderTest>;

/** Ends a test as skipped, with the reason. */
export type Skip = (reason: string) => never;

/** A spec that the engine declares not to run is refused with that very sentence, and only then is its case skipped. */
export async function openOrSkip(load: Load, spec: ModelSpec, skip: Skip): Promise<Engine> {
  const engine = await load();
  const refusal = unsupported(engine.capabilities ?? EVERYTHING, spec);
  if (refusal === undefined) return engine.open(spec);
  expect(() => engine.open(spec)).toThrow(refusal);
  return skip(refusal);
}

/** |a − b| / |b| in the Euclidean norm. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return a.length === b.length ? Math.sqrt(difference / Math.max(norm, 1e-30)) : Number.POSITIVE_INFINITY;
}

/** |a − b| / |b| */
export const relative = (a: number, b: number): number => Math.abs(a - b) / Math.max(Math.abs(b), 1e-30);
