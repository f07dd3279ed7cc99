/** Keeps a logarithm in a sane range without a corner: an exponential of it neither overflows nor stops learning. */

/** Of the decoder's log σ, in normalised units: σ stays within e^±6. */
export const LOG_SCALE_BOUND = 6;

/** Of the posterior's log σ². */
export const LOG_VARIANCE_BOUND = 10;

/** bound · tanh(raw / bound): the identity near 0, within ±bound everywhere. */
export function softClamp(raw: number, bound: number): number {
  return bound * Math.tanh(raw / bound);
}

/** d softClamp / d raw, from the clamped value. */
export function softClampSlope(clamped: number, bound: number): number {
  return 1 - (clamped / bound) ** 2;
}

/** The raw value whose clamped value is `clamped`. */
export function softClampInverse(clamped: number, bound: number): number {
  return bound * Math.atanh(clamped / bound);
}
