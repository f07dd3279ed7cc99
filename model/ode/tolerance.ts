/** Error tolerances: one for all components of a state, or one each. */
export type ToleranceOf = number | ArrayLike<number>;

export interface Tolerance {
  readonly rtol: ToleranceOf;
  readonly atol: ToleranceOf;
}

export function toleranceAt(tolerance: ToleranceOf, component: number): number {
  return typeof tolerance === 'number' ? tolerance : tolerance[component];
}
