/** A distribution on the line at location 0 and scale 1: what one component of a mixture follows. */
export interface Law {
  /** P(Z ≤ z) */
  cdf(z: number): number;
  density(z: number): number;
  /** E|Z − z| */
  meanDistance(z: number): number;
  readonly variance: number;
  /** P(|Z| > z) falls as z to the minus this; infinite where it falls faster than any power. */
  readonly tailIndex: number;
}

const SQRT_2_PI = Math.sqrt(2 * Math.PI);

/** The standard normal; its tails are to a relative 2e-7. */
export const NORMAL: Law = {
  cdf: normalCdf,
  density: normalDensity,
  meanDistance: (z) => 2 * normalDensity(z) + z * (2 * normalCdf(z) - 1),
  variance: 1,
  tailIndex: Number.POSITIVE_INFINITY,
};

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
