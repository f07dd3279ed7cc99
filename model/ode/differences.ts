/**
 * Derivatives of a field that is just a function, by central differences: about nine digits, at two evaluations an entry.
 * A field written as a formula (`formula.ts`) has them exactly.
 */
import type { HostField } from './vector-field.ts';

/** ε^(1/3): where truncation and rounding of a central difference meet. */
const STEP = Number.EPSILON ** (1 / 3);

/** The same field with a `vjp` and a `jvp`. Parameters may be empty, or left out. */
export function withDifferences(evaluate: HostField['evaluate']): HostField {
  return {
    none: new Float64Array(0),
    evaluate,
    vjp: (t, y, parameters, cotangent) => ({
      y: pulled(y, cotangent, (moved) => evaluate(t, moved, parameters)),
      parameters: pulled(parameters, cotangent, (moved) => evaluate(t, y, moved)),
    }),
    jvp: (t, y, parameters, tangent) => {
      const still = tangent.parameters ?? new Float64Array(parameters.length);
      const size = Math.max(largest(tangent.y), largest(still), Math.abs(tangent.t ?? 0));
      if (size === 0) return new Float64Array(y.length);
      const step = STEP * Math.max(1, largest(y), largest(parameters));
      // The direction's length is taken out first: a tiny one would ask for an endless step.
      const moved = (values: Float64Array, by: Float64Array, way: number): Float64Array =>
        values.map((value, i) => value + way * step * (by[i] / size));
      const at = (way: number): Float64Array => {
        const time = t + way * step * ((tangent.t ?? 0) / size);
        return evaluate(time, moved(y, tangent.y, way), moved(parameters, still, way)).slice();
      };
      const [ahead, behind] = [at(1), at(-1)];
      return ahead.map((value, i) => ((value - behind[i]) / (2 * step)) * size);
    },
  };
}

const largest = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** cotangentᵀ·∂f/∂x, entry by entry. */
function pulled(x: Float64Array, cotangent: Float64Array, f: (moved: Float64Array) => Float64Array): Float64Array {
  const moved = x.slice();
  return x.map((value, i) => {
    const step = STEP * Math.max(1, Math.abs(value));
    moved[i] = value + step;
    const ahead = f(moved).slice();
    moved[i] = value - step;
    const behind = f(moved);
    moved[i] = value;
    const change = cotangent.reduce((sum, weight, j) => sum + weight * (ahead[j] - behind[j]), 0);
    return change / (2 * step);
  });
}
