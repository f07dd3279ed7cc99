/**
 * Student's t for any real ν of 2 < ν ≤ 200. With z = √ν·tan θ its density is c·cosᵛ⁻¹θ over θ from −π/2 to π/2, bounded
 * and smooth, so that one table of tail probabilities answers every z in a few operations: a forecast asks millions.
 */
import { logNormaliser } from './latent/likelihood.ts';
import type { DecoderSpec } from './latent/spec.ts';
import { type Law, NORMAL } from './law.ts';

/** Cells of θ from 0 to π/2. Cubic in each: the distribution function is right to 1e-9. */
const CELLS = 1024;
const WIDTH = Math.PI / 2 / CELLS;
/** Within so much of π/2 the tail is its series, because a power is no cubic. */
const SERIES = 4 * WIDTH;

export function studentT(nu: number): Law {
  const constant = Math.exp(logNormaliser({ units: 1, likelihood: 'student-t', degreesOfFreedom: nu }));
  const density = (z: number) => constant * Math.exp(-0.5 * (nu + 1) * Math.log1p((z * z) / nu));
  const tail = tailTable(nu, constant * Math.sqrt(nu));
  const cdf = (z: number) => {
    const beyond = tail(Math.atan2(Math.abs(z), Math.sqrt(nu)));
    return z > 0 ? 1 - beyond : beyond;
  };
  return {
    cdf,
    density,
    // By parts: ∫ (1 − F) above z and ∫ F below it; (ν + z²)/(ν − 1)·f is −∫ x f.
    meanDistance: (z) => (2 * density(z) * (nu + z * z)) / (nu - 1) + z * (2 * cdf(z) - 1),
    variance: nu / (nu - 2),
    tailIndex: nu,
  };
}

/** P(Z > √ν·tan θ) for θ of 0 … π/2, by cubic Hermite between tabulated integrals of the density. */
function tailTable(nu: number, constant: number): (theta: number) => number {
  const slope = (theta: number) => constant * Math.max(Math.cos(theta), 0) ** (nu - 1);
  const tails = new Float64Array(CELLS + 1);
  const slopes = Float64Array.from({ length: CELLS + 1 }, (_, i) => slope(i * WIDTH));
  for (let i = CELLS - 1; i >= 0; i--) tails[i] = tails[i + 1] + cellIntegral(slope, i * WIDTH);
  return (theta) => {
    if (theta > Math.PI / 2 - SERIES) return seriesTail(nu, constant, Math.PI / 2 - theta);
    const i = Math.floor(theta / WIDTH);
    const u = theta / WIDTH - i;
    const [drop, before, after] = [tails[i + 1] - tails[i], -WIDTH * slopes[i], -WIDTH * slopes[i + 1]];
    const cubic = tails[i] + u * (before + u * (3 * drop - 2 * before - after + u * (before + after - 2 * drop)));
    return Math.min(Math.max(cubic, tails[i + 1]), tails[i]);
  };
}

/** c·∫ sinᵛ⁻¹ from 0 to x, to a relative 1e-6 for the x that it is asked. */
function seriesTail(nu: number, constant: number, x: number): number {
  return constant * x ** nu * (1 / nu - ((nu - 1) * x * x) / (6 * (nu + 2)));
}

/** Three-point Gauss–Legendre over a cell. */
function cellIntegral(f: (theta: number) => number, from: number): number {
  const [middle, reach] = [from + WIDTH / 2, (WIDTH / 2) * Math.sqrt(3 / 5)];
  return (WIDTH / 18) * (5 * f(middle - reach) + 8 * f(middle) + 5 * f(middle + reach));
}

/** A table a decoder, for as long as its spec lives. */
const LAWS = new WeakMap<DecoderSpec, Law>();

/** What a value follows around the decoder's mean. */
export function lawOf(decoder: DecoderSpec): Law {
  if (decoder.likelihood === 'gaussian') return NORMAL;
  const known = LAWS.get(decoder);
  if (known !== undefined) return known;
  const law = studentT(decoder.degreesOfFreedom);
  LAWS.set(decoder, law);
  return law;
}
