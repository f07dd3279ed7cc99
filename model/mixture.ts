/**
 * Mixtures of Gaussians in one dimension: what a forecast says of one value, a component a posterior sample. Moments,
 * distribution function, exact quantiles and the continuous ranked probability score.
 */

export interface Mixture {
  /** [K] > 0, sum 1 */
  readonly weights: Float64Array;
  /** [K] */
  readonly means: Float64Array;
  /** [K] standard deviations, > 0 */
  readonly scales: Float64Array;
}

const SQRT_2_PI = Math.sqrt(2 * Math.PI);
/** A quantile is found to this share of the mixture's standard deviation: as well as the distribution function is known. */
const QUANTILE_TOLERANCE = 1e-8;
const MAX_ITERATIONS = 200;
/** Standard deviations beyond which a component's tail is less than the smallest share that a double adds to 1. */
const NEGLIGIBLE = 38;

export function uniformWeights(count: number): Float64Array {
  return new Float64Array(count).fill(1 / count);
}

/** A mixture of mixtures: each part with its share. The shares add up to 1. */
export function combine(parts: readonly { readonly share: number; readonly mixture: Mixture }[]): Mixture {
  if (parts.length === 1) return parts[0].mixture;
  const size = parts.reduce((sum, { mixture }) => sum + mixture.weights.length, 0);
  const whole = { weights: new Float64Array(size), means: new Float64Array(size), scales: new Float64Array(size) };
  let at = 0;
  for (const { share, mixture } of parts) {
    for (let k = 0; k < mixture.weights.length; k++, at++) {
      whole.weights[at] = share * mixture.weights[k];
      whole.means[at] = mixture.means[k];
      whole.scales[at] = mixture.scales[k];
    }
  }
  return whole;
}

export function mixtureMean({ weights, means }: Mixture): number {
  let mean = 0;
  for (let k = 0; k < weights.length; k++) mean += weights[k] * means[k];
  return mean;
}

export function mixtureDeviation(mixture: Mixture): number {
  const { weights, means, scales } = mixture;
  const mean = mixtureMean(mixture);
  let variance = 0;
  for (let k = 0; k < weights.length; k++) variance += weights[k] * (scales[k] ** 2 + (means[k] - mean) ** 2);
  return Math.sqrt(variance);
}

/** P(X ≤ x) */
export function mixtureCdf({ weights, means, scales }: Mixture, x: number): number {
  let sum = 0;
  for (let k = 0; k < weights.length; k++) sum += weights[k] * normalCdf((x - means[k]) / scales[k]);
  return sum;
}

/**
 * The x with P(X ≤ x) = probability: Newton's steps on the distribution function, kept inside a shrinking bracket, so it
 * ends also where the density is flat between far components.
 */
export function mixtureQuantile(mixture: Mixture, probability: number): number {
  const deviation = mixtureDeviation(mixture);
  const tolerance = QUANTILE_TOLERANCE * deviation;
  let [low, high] = quantileBracket(mixture, probability, tolerance);
  let x = clamp(mixtureMean(mixture) + deviation * roughProbit(probability), low, high);
  for (let i = 0; i < MAX_ITERATIONS && high - low > tolerance; i++) {
    const [reached, density] = cdfAndDensity(mixture, x);
    if (reached > probability) high = x;
    else low = x;
    const newton = x - (reached - probability) / density;
    const next = newton > low && newton < high ? newton : 0.5 * (low + high);
    if (Math.abs(next - x) <= tolerance) return next;
    x = next;
  }
  return x;
}

/** In one pass: quantiles are most of the work of an answer of thousands of times. */
function cdfAndDensity({ weights, means, scales }: Mixture, x: number): [number, number] {
  let cdf = 0;
  let density = 0;
  for (let k = 0; k < weights.length; k++) {
    const z = (x - means[k]) / scales[k];
    if (z > NEGLIGIBLE) cdf += weights[k];
    if (Math.abs(z) > NEGLIGIBLE) continue;
    cdf += weights[k] * normalCdf(z);
    density += (weights[k] * normalDensity(z)) / scales[k];
  }
  return [cdf, density];
}

/** Of the standard normal, to 0.5 %: Winitzki 2008, "A handy approximation for the error function and its inverse", eq. 7. */
function roughProbit(probability: number): number {
  const a = 0.147;
  const logarithm = Math.log(4 * probability * (1 - probability));
  const half = 2 / (Math.PI * a) + logarithm / 2;
  const size = Math.sqrt(Math.sqrt(half * half - logarithm / a) - half);
  return Math.SQRT2 * (probability < 0.5 ? -size : size);
}

/** A mixture's quantile lies between the smallest and the largest of its components' (their own bound by Chebyshev). */
function quantileBracket({ means, scales }: Mixture, probability: number, margin: number): [number, number] {
  const reach = Math.sqrt(1 / Math.min(probability, 1 - probability));
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < means.length; k++) {
    low = Math.min(low, means[k] - reach * scales[k]);
    high = Math.max(high, means[k] + reach * scales[k]);
  }
  return [low - margin, high + margin];
}

/** Grimit, Gneiting, Berrocal & Johnson 2006, eq. 5: the closed form of the CRPS of a mixture of normals. */
export function mixtureCrps({ weights, means, scales }: Mixture, value: number): number {
  let toValue = 0;
  let within = 0;
  for (let k = 0; k < weights.length; k++) {
    toValue += weights[k] * absoluteMoment(value - means[k], scales[k]);
    for (let j = 0; j < k; j++) {
      const scale = Math.sqrt(scales[k] ** 2 + scales[j] ** 2);
      within += 2 * weights[k] * weights[j] * absoluteMoment(means[k] - means[j], scale);
    }
    within += weights[k] ** 2 * absoluteMoment(0, Math.SQRT2 * scales[k]);
  }
  return toValue - 0.5 * within;
}

/** E|X| of a normal with this mean and standard deviation. */
function absoluteMoment(mean: number, scale: number): number {
  const z = mean / scale;
  return 2 * scale * normalDensity(z) + mean * (2 * normalCdf(z) - 1);
}

export function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) / SQRT_2_PI;
}

/** P(Z ≤ z), relative error below 2e-7 in both tails. */
export function normalCdf(z: number): number {
  const tail = 0.5 * complementaryError(Math.abs(z) / Math.SQRT2);
  return z > 0 ? 1 - tail : tail;
}

/** erfc(x) for x ≥ 0: Chebyshev fit of Press et al., Numerical Recipes, section 6.2; relative error below 1.2e-7. */
const ERFC = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
  0.17087277,
];

function complementaryError(x: number): number {
  const t = 1 / (1 + 0.5 * x);
  let polynomial = 0;
  for (let i = ERFC.length - 1; i >= 0; i--) polynomial = polynomial * t + ERFC[i];
  return t * Math.exp(-x * x + polynomial);
}

function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}
