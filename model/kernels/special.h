/*
 * Elementary functions over vectors of floats. The coefficients are fits of scripts/fit-special.ts; the worst error of each
 * function is stated in test/model/kernels/special-errors.ts, and measured there over its whole range.
 *
 *   v_exp            eˣ = 2ⁿ·eʳ, n = round(x / ln 2), |r| ≤ ln 2 / 2, eʳ = 1 + r + r²·P(r); results below 1.7e-38 are 0
 *   v_sigmoid        1 / (1 + e⁻ˣ); 0 below x = −88.4
 *   v_tanh           u = tanh (|x|/2) = P/2Q with P = |x|·(1 + x²·A(x²)), Q = 1 + x²·B(x²), |x| held at 9; then
 *                    tanh |x| = 2u / (1 + u²) = PQ / (PQ + (Q − P/2)²), whose numerator is never the larger: |tanh| ≤ 1. Where u
 *                    nears 1 its errors hardly count, which is why so short a fraction serves. Odd to the bit; tiny x → x;
 *                    ±1 beyond 8.83. By halvings of x, as exp has it, 2.6 ulp could be had for 14 % more time. AVX-512 has its
 *                    own way: tanh-table.h
 *   v_log            x = 2ᵉ·(1 + f), √½ ≤ 1 + f < √2: e·ln 2 + f − f²/2 + f³·P(f); below 1.2e-38 → −∞, x < 0 → NaN
 *   v_sincos_turns   sin 2πx and cos 2πx: x = q/4 + r exactly, |r| ≤ 1/8; for |x| < 2²², beyond as if x were 0
 *   v_normal         of a standard normal Z: P(Z ≤ z) and e^(−z²/2), with a = |z|: P(Z > a) = e^(−a²/2)·P(a)/Q(a); a is held at
 *                    12, where that is 2e-33, before it becomes denormal, which is slow. The rounding of a² is most of the
 *                    error, up to 67 ulp near 12
 *
 * NaN in, NaN out. Infinities give the limits, but NaN for sine and cosine, and for tanh on AVX-512. All arithmetic is fma or a
 * single operation, so that the bits do not depend on where it is inlined.
 */
#ifndef ODECAST_SPECIAL_H
#define ODECAST_SPECIAL_H

#include "lanes.h"

/* x + MAGIC has the integer nearest to x in its last bits, for |x| < 2²². */
#define MAGIC 12582912.0f /* 1.5 · 2²³ */

/* Functions of a few vectors: each operation of all of them before the next of any, for the machine sees only so far ahead in a
 * long chain (docs/engine.md). count: a constant where it is inlined. */
#define MOST_EACH 8
#define EACH(v) UNROLL for (int32_t v = 0; v < count; v++)

/* 2ⁿ from MAGIC + 127 + n: the bits of n + 127 are moved to the exponent's place. n = −127 gives 0 and n = 128 infinity. */
INLINE vf power_of_two(vf shifted) { return from_bits(bits(shifted) << 23); }

/* x − n·ln 2, with ln 2 in two parts of which the first times n is exact. */
INLINE vf less_halvings(vf x, vf n) {
  return fma(n, splat(-1.42860677e-6f), fma(n, splat(-0.693145752f), x));
}

/* eʳ for |r| ≤ ln 2 / 2 */
INLINE void exp_near_zero_each(int32_t count, vf *r) {
  static const float terms[] = {0.00138182973f, 0.00836853217f, 0.0416682921f, 0.166665226f, 0.499999940f, 1, 1};
  vf p[MOST_EACH];
  EACH(v) p[v] = splat(terms[0]);
  UNROLL for (int32_t i = 1; i < 7; i++) {
    EACH(v) p[v] = fma(p[v], r[v], splat(terms[i]));
  }
  EACH(v) r[v] = p[v];
}

INLINE vf exp_near_zero(vf r) {
  exp_near_zero_each(1, &r);
  return r;
}

INLINE vf v_exp(vf x) {
  const vf held = max_of(min_of(x, splat(89.0f)), splat(-87.4f));
  const vf shifted = fma(held, splat(1.44269504f), splat(MAGIC + 126));
  const vf r = less_halvings(held, shifted - splat(MAGIC + 126));
  return exp_near_zero(r) * splat(2.0f) * power_of_two(shifted); /* 2·2ⁿ⁻¹: n reaches 128 */
}

INLINE void sigmoid_each(int32_t count, vf *x) {
  vf held[MOST_EACH], shifted[MOST_EACH], r[MOST_EACH];
  EACH(v) held[v] = max_of(min_of(x[v], splat(88.0f)), splat(-89.0f));
  EACH(v) shifted[v] = fma(held[v], splat(-1.44269504f), splat(MAGIC + 127));
  EACH(v) r[v] = less_halvings(-held[v], shifted[v] - splat(MAGIC + 127));
  exp_near_zero_each(count, r);
  EACH(v) x[v] = splat(1.0f) / fma(r[v], power_of_two(shifted[v]), splat(1.0f));
}

INLINE vf v_sigmoid(vf x) {
  sigmoid_each(1, &x);
  return x;
}

#if VL == 16
#include "tanh-table.h"
#else
INLINE void tanh_each(int32_t count, vf *x) {
  vf size[MOST_EACH], square[MOST_EACH], p[MOST_EACH], q[MOST_EACH];
  EACH(v) size[v] = min_of(absolute(x[v]), splat(9.0f));
  EACH(v) square[v] = size[v] * size[v];
  EACH(v) p[v] = fma(splat(0.000114062401f), square[v], splat(0.0297645535f));
  EACH(v) q[v] = fma(splat(1.22521340e-6f), square[v], splat(0.00120559079f));
  EACH(v) p[v] = fma(p[v] * square[v], size[v], size[v]);
  EACH(v) q[v] = fma(q[v], square[v], splat(0.113097847f));
  EACH(v) q[v] = fma(q[v], square[v], splat(1.0f));
  EACH(v) {
    const vf product = p[v] * q[v], rest = fma(p[v], splat(-0.5f), q[v]);
    const vf y = product / fma(rest, rest, product);
    x[v] = from_bits(bits(y) | (bits(x[v]) & INT32_MIN));
  }
}
#endif

INLINE vf v_tanh(vf x) {
  tanh_each(1, &x);
  return x;
}

INLINE vf v_log(vf x) {
  const vi above = bits(x) - 0x3f3504f3; /* of √½: the exponent's bits then count from √½ to √2 */
  const vf f = from_bits((above & 0x007fffff) + 0x3f3504f3) - splat(1.0f);
  const vf e = __builtin_convertvector(above >> 23, vf);
  vf p = fma(splat(-0.0763643906f), f, splat(0.127622172f));
  p = fma(p, f, splat(-0.131596103f));
  p = fma(p, f, splat(0.142015800f));
  p = fma(p, f, splat(-0.166234091f));
  p = fma(p, f, splat(0.200012416f));
  p = fma(p, f, splat(-0.250008196f));
  p = fma(p, f, splat(0.333333313f));
  p = fma(p, f, splat(-0.5f));
  const vf y = fma(e, splat(0.693145752f), fma(p, f * f, e * splat(1.42860677e-6f)) + f);
  const vf infinity = from_bits(splat_int(0x7f800000));
  const vf below = select(x < splat(0.0f), infinity - infinity, -infinity);
  return select(x < splat(1.17549435e-38f), below, select(x < infinity, y, x));
}

INLINE void v_normal(vf z, vf *below, vf *bell) {
  const vf a = min_of(absolute(z), splat(12.0f));
  const vf exponent = a * a * splat(-0.5f);
  const vf shifted = fma(exponent, splat(1.44269504f), splat(MAGIC + 127));
  const vf r = less_halvings(exponent, shifted - splat(MAGIC + 127));
  *bell = exp_near_zero(r) * power_of_two(shifted);
  vf p = fma(splat(0.00398709066f), a, splat(0.0397591665f));
  p = fma(p, a, splat(0.180633679f));
  p = fma(p, a, splat(0.434768558f));
  p = fma(p, a, splat(0.5f));
  vf q = fma(splat(0.00999400299f), a, splat(0.0996691734f));
  q = fma(q, a, splat(0.462604374f));
  q = fma(q, a, splat(1.19167399f));
  q = fma(q, a, splat(1.66742194f));
  q = fma(q, a, splat(1.0f));
  const vf tail = *bell * (p / q);
  *below = select(z > splat(0.0f), splat(1.0f) - tail, tail);
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
