/*
 * Elementary functions over vectors of floats. The coefficients are fits of scripts/fit-special.ts; the worst error of each
 * function over its whole range is measured by test/model/kernels/special.slow.test.ts and stated in special-errors.ts.
 *
 *   v_exp            eˣ = 2ⁿ·eʳ, n = round(x / ln 2), |r| ≤ ln 2 / 2, eʳ = 1 + r + r²·P(r); denormal results are right
 *   v_sigmoid        1 / (1 + e⁻ˣ); below x = −88 it stays at 6e-39
 *   v_tanh           x·(1 + x²·P(x²)) / (1 + x²·Q(x²)), |x| held at 9, where it is ±1: odd to the bit, tiny x → x
 *   v_log            x = 2ᵉ·(1 + f), √½ ≤ 1 + f < √2: e·ln 2 + f − f²/2 + f³·P(f); 0 → −∞, x < 0 → NaN; denormals as 0
 *   v_sincos_turns   sin 2πx and cos 2πx: x = q/4 + r exactly, |r| ≤ 1/8; for |x| < 2²², beyond as if x were 0
 *
 * NaN in, NaN out. All arithmetic is fma or a single operation, so that the bits do not depend on where it is inlined.
 */
#ifndef ODECAST_SPECIAL_H
#define ODECAST_SPECIAL_H

#include "lanes.h"

/* x + MAGIC has the integer nearest to x in its last bits, for |x| < 2²². */
#define MAGIC 12582912.0f /* 1.5 · 2²³ */

/* 2ⁿ for −126 ≤ n ≤ 127 */
INLINE vf power_of_two(vi n) { return from_bits((n + 127) << 23); }

/* eʳ for |r| ≤ ln 2 / 2, and the n with x = n·ln 2 + r */
INLINE vf exp_reduced(vf x, vi *n) {
  vf shifted = fma(x, splat(1.44269504f), splat(MAGIC));
  vf whole = shifted - splat(MAGIC);
  *n = bits(shifted) - bits(splat(MAGIC));
  vf r = fma(whole, splat(-0.693145752f), x); /* ln 2 in two parts; n times the first is exact */
  r = fma(whole, splat(-1.42860677e-6f), r);
  vf p = splat(0.00138182973f);
  p = fma(p, r, splat(0.00836853217f));
  p = fma(p, r, splat(0.0416682921f));
  p = fma(p, r, splat(0.166665226f));
  p = fma(p, r, splat(0.499999940f));
  p = fma(p, r, splat(1.0f));
  return fma(p, r, splat(1.0f));
}

INLINE vf v_exp(vf x) {
  vi n;
  vf y = exp_reduced(max_of(min_of(x, splat(89.0f)), splat(-104.0f)), &n);
  vi half = n >> 1; /* 2ⁿ in two steps: n reaches beyond the exponents of floats on both ends */
  return y * power_of_two(half) * power_of_two(n - half);
}

INLINE vf v_sigmoid(vf x) {
  vi n;
  vf y = exp_reduced(max_of(min_of(-x, splat(88.0f)), splat(-87.0f)), &n);
  return splat(1.0f) / fma(y, power_of_two(n), splat(1.0f));
}

INLINE vf v_tanh(vf x) {
  vf held = max_of(min_of(x, splat(9.0f)), splat(-9.0f));
  vf square = held * held;
  vf p = splat(1.34288634e-8f);
  p = fma(p, square, splat(0.0000206644345f));
  p = fma(p, square, splat(0.00349904108f));
  p = fma(p, square, splat(0.133839741f));
  p = fma(p, square, splat(1.0f));
  vf q = splat(7.80745836e-7f);
  q = fma(q, square, splat(0.000329121423f));
  q = fma(q, square, splat(0.0258902367f));
  q = fma(q, square, splat(0.467172951f));
  q = fma(q, square, splat(1.0f));
  return max_of(min_of(held * p / q, splat(1.0f)), splat(-1.0f));
}

INLINE vf v_log(vf x) {
  vi above = bits(x) - 0x3f3504f3; /* of √½: the exponent's bits then count from √½ to √2 */
  vi exponent = above >> 23;
  vf f = from_bits((above & 0x007fffff) + 0x3f3504f3) - splat(1.0f);
  vf p = splat(0.0674927235f);
  p = fma(p, f, splat(-0.116701014f));
  p = fma(p, f, splat(0.118835494f));
  p = fma(p, f, splat(-0.124062337f));
  p = fma(p, f, splat(0.142203584f));
  p = fma(p, f, splat(-0.166679889f));
  p = fma(p, f, splat(0.200020716f));
  p = fma(p, f, splat(-0.250000089f));
  p = fma(p, f, splat(0.333333135f));
  p = fma(p, f, splat(-0.5f));
  vf e = __builtin_convertvector(exponent, vf);
  vf y = fma(p, f * f, e * splat(1.42860677e-6f)) + f;
  y = fma(e, splat(0.693145752f), y);
  const vf infinity = from_bits(splat_int(0x7f800000));
  y = select(x < infinity, y, x); /* infinity and NaN */
  y = select(x < splat(1.17549435e-38f), -infinity, y);
  return select(x < splat(0.0f), infinity - infinity, y);
}

INLINE void v_sincos_turns(vf turns, vf *sine, vf *cosine) {
  vf x = select(absolute(turns) < splat(4194304.0f), turns, turns * splat(0.0f));
  vf halves = x - ((x + splat(MAGIC)) - splat(MAGIC)); /* of a whole turn: exact */
  vf shifted = fma(halves, splat(4.0f), splat(MAGIC));
  vi quarter = bits(shifted);
  vf r = fma(shifted - splat(MAGIC), splat(-0.25f), halves);
  vf square = r * r;
  vf s = splat(-75.4275208f);
  s = fma(s, square, splat(81.5934296f));
  s = fma(s, square, splat(-41.3416710f));
  s = fma(s * square, r, r * splat(-1.74845553e-7f)); /* 2π in two parts */
  s = fma(r, splat(6.28318548f), s);
  vf c = splat(58.5602608f);
  c = fma(c, square, splat(-85.4231110f));
  c = fma(c, square, splat(64.9391403f));
  c = fma(c, square, splat(-19.7392082f));
  c = fma(c, square, splat(1.0f));
  vi odd = (quarter & 1) != 0;
  *sine = from_bits(bits(select(odd, c, s)) ^ ((quarter & 2) << 30));
  *cosine = from_bits(bits(select(odd, s, c)) ^ (((quarter + 1) & 2) << 30));
}

#endif
