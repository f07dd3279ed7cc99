/**
 * Mixtures in one dimension, of Gaussians or of heavier laws: what a forecast says of one value, a component a posterior
 * sample. Moments, distribution function, exact quantiles and the continuous ranked probability score.
 */
import { type Law, NORMAL } from './law.ts';

export interface Mixture {
  /** [K] > 0, sum 1 */
  readonly weights: Float64Array;
  /** [K] */
  readonly means: Float64Array;
  /** [K] > 0: component k is means[k] + scales[k]·Z. */
  readonly scales: Float64Array;
  /** [K] what Z follows. Default: all standard normal, so that the scales are standard deviations. */
  readonly laws?: readonly Law[];
}

/** A quantile is found to this share of the mixture's standard deviation: as well as the distribution function is known. */
const QUANTILE_TOLERANCE = 1e-8;
const MAX_ITERATIONS = 200;
/** Two ends a tolerance apart may by rounding be more: a bracket of so many is closed. */
const CLOSED = 1.5;
/** Standard deviations beyond which a normal tail is less than the smallest share that a double adds to 1. */
const NEGLIGIBLE = 38;
/** Of an integrated CRPS: the relative change that ends it, and its points at first and at most on either side of the middle. */
const CRPS_TOLERANCE = 2e-4;
const FIRST_POINTS = 16;
const MOST_POINTS = 4096;

export function uniformWeights(count: number): Float64Array {
  return new Float64Array(count).fill(1 / count);
}

/** A mixture of mixtures: each part with its share. The shares add up to 1. */
export function combine(parts: readonly { readonly share: number; readonly mixture: Mixture }[]): Mixture {
  if (parts.length === 1) return parts[0].mixture;
  const size = parts.reduce((sum, { mixture }) => sum + mixture.weights.length, 0);
  const whole = { weights: new Float64Array(size), means: new Float64Array(size), scales: new Float64Array(size) };
  const laws = parts.some(({ mixture }) => mixture.laws) && parts.flatMap(({ mixture }) => lawsOf(mixture));
  let at = 0;
  for (const { share, mixture } of parts) {
    for (let k = 0; k < mixture.weights.length; k++, at++) {
      whole.weights[at] = share * mixture.weights[k];
      whole.means[at] = mixture.means[k];
      whole.scales[at] = mixture.scales[k];
    }
  }
  return laws ? { ...whole, laws } : whole;
}

/** [K] */
export function lawsOf({ laws, weights }: Mixture): readonly Law[] {
  return laws ?? new Array<Law>(weights.length).fill(NORMAL);
}

function lawAt({ laws }: Mixture, k: number): Law {
  return laws === undefined ? NORMAL : laws[k];
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
  for (let k = 0; k < weights.length; k++) {
    variance += weights[k] * (scales[k] ** 2 * lawAt(mixture, k).variance + (means[k] - mean) ** 2);
  }
  return Math.sqrt(variance);
}

/** P(X ≤ x) */
export function mixtureCdf(mixture: Mixture, x: number): number {
  const { weights, means, scales } = mixture;
  let sum = 0;
  for (let k = 0; k < weights.length; k++) sum += weights[k] * lawAt(mixture, k).cdf((x - means[k]) / scales[k]);
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
  for (let i = 0; i < MAX_ITERATIONS && high - low > CLOSED * tolerance; i++) {
    const [reached, density] = cdfAndDensity(mixture, x);
    if (reached > probability) high = x;
    else low = x;
    const newton = x - (reached - probability) / density;
    x = newton > low && newton < high ? atLeast(tolerance, x, newton) : 0.5 * (low + high);
  }
  return x;
}

/** A short step is no sign of being there: down a heavy tail Newton's are all short. So none is shorter, until two ends meet. */
function atLeast(step: number, from: number, to: number): number {
  return Math.abs(to - from) > step ? to : from + Math.sign(to - from) * step;
}

/** In one pass: quantiles are most of the work of an answer of thousands of times. */
function cdfAndDensity(mixture: Mixture, x: number): [number, number] {
  const { weights, means, scales } = mixture;
  let cdf = 0;
  let density = 0;
  for (let k = 0; k < weights.length; k++) {
    const z = (x - means[k]) / scales[k];
    const law = lawAt(mixture, k);
    if (law === NORMAL && Math.abs(z) > NEGLIGIBLE) {
      if (z > 0) cdf += weights[k];
      continue;
    }
    cdf += weights[k] * law.cdf(z);
    density += (weights[k] * law.density(z)) / scales[k];
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
function quantileBracket(mixture: Mixture, probability: number, margin: number): [number, number] {
  const { means, scales } = mixture;
  const chebyshev = 1 / Math.min(probability, 1 - probability);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < means.length; k++) {
    const reach = Math.sqrt(chebyshev * lawAt(mixture, k).variance);
    low = Math.min(low, means[k] - reach * scales[k]);
    high = Math.max(high, means[k] + reach * scales[k]);
  }
  return [low - margin, high + margin];
}

/** The continuous ranked probability score of a value, in the value's units; less is better. */
export function mixtureCrps(mixture: Mixture, value: number): number {
  return mixture.laws === undefined ? normalCrps(mixture, value) : integratedCrps(mixture, value);
}

/** Grimit, Gneiting, Berrocal & Johnson 2006, eq. 5: the closed form for a mixture of normals. */
function normalCrps({ weights, means, scales }: Mixture, value: number): number {
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
  return scale * NORMAL.meanDistance(mean / scale);
}

/**
 * E|X − x| − ∫ F(1 − F) (Gneiting & Raftery 2007, eq. 21; the integral is half of E|X − X'|), the first in closed form, the
 * second by the trapezoidal rule on x = mean + deviation·sinh u, which converges as fast as any power where F is smooth.
 */
function integratedCrps(mixture: Mixture, value: number): number {
  const { weights, means, scales } = mixture;
  let toValue = 0;
  for (let k = 0; k < weights.length; k++) {
    toValue += weights[k] * scales[k] * lawAt(mixture, k).meanDistance((value - means[k]) / scales[k]);
  }
  return toValue - halfMeanDifference(mixture);
}

/** ∫ F(1 − F). Halving the step squares the error: where the change is 2e-4, what is left is far less. */
function halfMeanDifference(mixture: Mixture): number {
  const [centre, deviation] = [mixtureMean(mixture), mixtureDeviation(mixture)];
  const integrand = (u: number): number => {
    const cdf = mixtureCdf(mixture, centre + deviation * Math.sinh(u));
    return cdf * (1 - cdf) * deviation * Math.cosh(u);
  };
  const end = integrationEnd(mixture);
  let step = end / FIRST_POINTS;
  let sum = 0;
  for (let i = -FIRST_POINTS; i <= FIRST_POINTS; i++) sum += integrand(i * step);
  let integral = step * sum;
  for (let points = FIRST_POINTS; points < MOST_POINTS; points *= 2) {
    for (let i = -points; i < points; i++) sum += integrand((i + 0.5) * step);
    step /= 2;
    const finer = step * sum;
    if (Math.abs(finer - integral) <= CRPS_TOLERANCE * finer) return finer;
    integral = finer;
  }
  return integral;
}

/** Beyond so many deviations nothing is left: 40, or where the heaviest power tail has integrated to 1e-9. */
function integrationEnd({ laws = [] }: Mixture): number {
  const heaviest = laws.reduce((least, { tailIndex }) => Math.min(least, tailIndex), Number.POSITIVE_INFINITY);
  return Math.asinh(40 + 10 ** (9 / (heaviest - 1)));
}

function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}
