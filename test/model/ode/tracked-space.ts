/**
 * A stand-in for a device: immutable states that are freed by hand, as tensors are. Reading a freed state throws, and
 * what is alive is counted, so that a solver's ownership can be tested without a device.
 */
import { float64Space, type StateSpace } from '../../../model/ode/index.ts';

export interface Tracked {
  readonly values: Float64Array;
  readonly id: number;
}

export interface TrackedSpace extends StateSpace<Tracked> {
  create(values: ArrayLike<number>): Tracked;
  read(state: Tracked): Float64Array;
  /** States that nobody freed. */
  alive(): number;
  /** The most that were alive at once since the last call. */
  takePeak(): number;
}

/** The tracked states that are reachable through arrays and plain objects. */
function reachable(value: unknown, found = new Set<unknown>()): Set<unknown> {
  if (typeof value !== 'object' || value === null || found.has(value) || ArrayBuffer.isView(value)) return found;
  found.add(value);
  for (const inner of Object.values(value)) reachable(inner, found);
  return found;
}

export function createTrackedSpace(): TrackedSpace {
  const alive = new Set<Tracked>();
  const scopes: Tracked[][] = [];
  let next = 0;
  let peak = 0;
  const create = (values: ArrayLike<number>): Tracked => {
    const state = { values: Float64Array.from(values), id: next++ };
    alive.add(state);
    peak = Math.max(peak, alive.size);
    scopes.at(-1)?.push(state);
    return state;
  };
  const read = (state: Tracked): Float64Array => {
    if (!alive.has(state)) throw new Error(`state ${state.id} was freed`);
    return state.values;
  };
  const scope = <T>(work: () => T): T => {
    const made: Tracked[] = [];
    scopes.push(made);
    const result = work();
    scopes.pop();
    const kept = reachable(result);
    for (const state of made) if (!kept.has(state)) alive.delete(state);
    scopes.at(-1)?.push(...made.filter((state) => kept.has(state)));
    return result;
  };
  return {
    residence: 'device',
    combine: (y, coefficients, terms) => {
      const read0 = coefficients.map((coefficient, i) => (coefficient === 0 ? new Float64Array(0) : read(terms[i])));
      return create(float64Space.combine(read(y), coefficients, read0));
    },
    zeros: (like) => create(new Float64Array(read(like).length)),
    errorRatio: (error, y0, y1, rtol, atol) => float64Space.errorRatio(read(error), read(y0), read(y1), rtol, atol),
    isFinite: (state) => float64Space.isFinite(read(state)),
    dot: (a, b) => float64Space.dot(read(a), read(b)),
    sameShape: (a, b) => read(a).length === read(b).length,
    scope,
    dispose: (state) => {
      read(state);
      alive.delete(state);
    },
    create,
    read,
    alive: () => alive.size,
    takePeak: () => {
      const taken = peak;
      peak = alive.size;
      return taken;
    },
  };
}
