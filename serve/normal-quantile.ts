/** Quantiles of the standard normal distribution, to two digits more than a fallback needs. */

/**
 * Φ⁻¹(p) for p in (0, 1), absolute error below 4.5e-4: Abramowitz and Stegun (1964), formula 26.2.23.
 */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  const t = Math.sqrt(-2 * Math.log(Math.max(p, Number.MIN_VALUE)));
  const numerator = 2.515517 + t * (0.802853 + t * 0.010328);
  const denominator = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  return numerator / denominator - t;
}
