/** Where between two knots a time lies. In f64: times far from 0 keep their fraction. */
export interface Places {
  /** [N] the knot at or before the time, in units of the spacing; may be negative. */
  readonly left: Int32Array;
  /** [N] 0 ≤ u < 1 of the way to the next. */
  readonly u: Float32Array;
}

export function placesOf(times: Float64Array, spacing: number): Places {
  const left = new Int32Array(times.length);
  const u = new Float32Array(times.length);
  for (let i = 0; i < times.length; i++) {
    const at = times[i] / spacing;
    left[i] = Math.floor(at);
    u[i] = at - Math.floor(at);
  }
  return { left, u };
}
