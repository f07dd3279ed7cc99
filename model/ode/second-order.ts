/** Second-order equations as first-order systems: y″ = a(t, y, y′) is the state [y, y′] with the slope [y′, a]. */
import { type Arithmetic, type Formula, fieldOf } from './formula.ts';
import type { HostField } from './vector-field.ts';

/** The components of a(t, y, v) for position y and velocity v, for any kind of number. */
export type Acceleration = <N>(
  arithmetic: Arithmetic<N>,
  t: N,
  position: readonly N[],
  velocity: readonly N[],
  parameters: readonly N[],
) => readonly (N | number)[];

/** A field over [positions, velocities], with exact derivatives. */
export function secondOrder(acceleration: Acceleration): HostField {
  const formula: Formula = (arithmetic, t, state, parameters) => {
    const half = state.length / 2;
    const velocity = state.slice(half);
    return [...velocity, ...acceleration(arithmetic, t, state.slice(0, half), velocity, parameters)];
  };
  return fieldOf(formula);
}
