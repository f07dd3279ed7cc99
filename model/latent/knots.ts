/**
 * The ODE of a batch is solved once, on knots at fixed multiples of a spacing, and every sample reads its own times
 * between them. Because the knots do not depend on the times asked, neither does the answer at any of them.
 */

/** Cubic Hermite weights of each row: x(tᵢ) = Σₖ weights[4i+k]·(x_j, x_{j+1}, f_j, f_{j+1})[k] with j = left[i]. */
export interface KnotWeights {
  /** [N] the knot at or before the row's time, as an index into the saved knots. */
  readonly left: Int32Array;
  /** [N, 4] */
  readonly weights: Float64Array;
}

/** More knots than this are not solved: the status is `max-steps`. */
export const MAX_KNOTS = 20_000;

/** Knots first … last are needed (indices of multiples of the spacing; first ≤ 0 ≤ last, at least two of them). */
export interface KnotRange {
  readonly first: number;
  readonly last: number;
}

/** The knots around every asked time, and 0 where z₀ is. */
export function knotRange(times: Float64Array, spacing: number): KnotRange {
  let first = 0;
  let last = 1;
  for (const t of times) {
    const left = Math.floor(t / spacing);
    if (left < first) first = left;
    if (left + 1 > last) last = left + 1;
  }
  return { first, last };
}

/** Times of the knots, in the order of the range. */
export function knotTimes({ first, last }: KnotRange, spacing: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * spacing);
}

/** Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, II.6, eq. 6.7. */
export function knotWeights(times: Float64Array, spacing: number, range: KnotRange): KnotWeights {
  const left = new Int32Array(times.length);
  const weights = new Float64Array(4 * times.length);
  for (let i = 0; i < times.length; i++) {
    const knot = Math.floor(times[i] / spacing);
    const u = times[i] / spacing - knot;
    left[i] = knot - range.first;
    weights[4 * i] = (1 + 2 * u) * (1 - u) * (1 - u);
    weights[4 * i + 1] = u * u * (3 - 2 * u);
    weights[4 * i + 2] = spacing * u * (1 - u) * (1 - u);
    weights[4 * i + 3] = spacing * u * u * (u - 1);
  }
  return { left, weights };
}

/** Values and slopes at knots, one buffer each: [J, rows, L] row-major. */
export interface KnotValues {
  readonly states: Float32Array;
  readonly slopes: Float32Array;
}

/** Where the rows of a ragged read lie: row i of the result reads sample `samples[i]` of the `rows` at each knot. */
export interface KnotReading {
  readonly at: KnotWeights;
  /** [N] */
  readonly samples: Int32Array;
  readonly rows: number;
  readonly latentSize: number;
}

/** [N, L] the path at every row's time. */
export function readKnots(reading: KnotReading, { states, slopes }: KnotValues): Float32Array {
  const { latentSize: l } = reading;
  const out = new Float32Array(reading.samples.length * l);
  const weights = reading.at.weights;
  for (let i = 0; i < reading.samples.length; i++) {
    const [a, b] = corners(reading, i);
    const [w0, w1, w2, w3] = [weights[4 * i], weights[4 * i + 1], weights[4 * i + 2], weights[4 * i + 3]];
    for (let c = 0; c < l; c++) {
      out[i * l + c] = w0 * states[a + c] + w1 * states[b + c] + w2 * slopes[a + c] + w3 * slopes[b + c];
    }
  }
  return out;
}

/** The transpose of `readKnots`: cotangents of the rows, added up at the knots. `count` is J. */
export function scatterToKnots(reading: KnotReading, cotangents: Float32Array, count: number): KnotValues {
  const { latentSize: l, rows } = reading;
  const states = new Float32Array(count * rows * l);
  const slopes = new Float32Array(count * rows * l);
  const weights = reading.at.weights;
  for (let i = 0; i < reading.samples.length; i++) {
    const [a, b] = corners(reading, i);
    for (let c = 0; c < l; c++) {
      const g = cotangents[i * l + c];
      states[a + c] += weights[4 * i] * g;
      states[b + c] += weights[4 * i + 1] * g;
      slopes[a + c] += weights[4 * i + 2] * g;
      slopes[b + c] += weights[4 * i + 3] * g;
    }
  }
  return { states, slopes };
}

function corners({ at, samples, rows, latentSize }: KnotReading, i: number): [number, number] {
  const start = (at.left[i] * rows + samples[i]) * latentSize;
  return [start, start + rows * latentSize];
}
