/** An engine as the contract meets it: how it is opened, what it says of itself, and how far two answers are apart. */
import { type Capabilities, unsupported } from '../../../../model/engine/capabilities.ts';
import type { Engine } from '../../../../model/engine/engine.ts';
import type { ModelSpec } from '../../../../model/latent/spec.ts';

export interface EngineUnderTest {
  open(spec: ModelSpec): Engine;
  /** What the backend holds, in matrices or in cells of memory: it must not grow. */
  liveMatrices(): number;
}

/** What an engine says of itself before it is opened: it decides which cases there are. */
export interface Claims {
  readonly capabilities: Capabilities;
  /** Whether a sample's answer has the same bits alone and in any batch. */
  readonly bitIndependent: boolean;
}

/** An engine and its claims, as the cases ask for them. */
export class Subject {
  readonly claims: Claims;
  readonly load: () => Promise<EngineUnderTest>;

  constructor(claims: Claims, load: () => Promise<EngineUnderTest>) {
    this.claims = claims;
    this.load = load;
  }

  /** Of a spec that it does not run there is no case; that it refuses such a spec is a case of its own. */
  runs(spec: ModelSpec): boolean {
    return unsupported(this.claims.capabilities, spec) === undefined;
  }

  async open(spec: ModelSpec): Promise<Engine> {
    return (await this.load()).open(spec);
  }
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
