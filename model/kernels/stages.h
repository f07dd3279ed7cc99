/*
 * One explicit Runge-Kutta step over the lanes of a tile, each lane with its own step h, and its exact way back:
 *
 *   x_s = z + h sum_j a_sj k_j,  k_s = f(t + c_s h, x_s),  z' = z + h sum_s b_s k_s
 *   k*_s = h (b_s z'* + sum_(m>s) a_ms x*_m),  x*_s = (df/dz)^T k*_s,  z* = z'* + sum_s x*_s
 *
 * with * for a cotangent. A lane whose h is 0 stays where it is, to the bit, and passes its cotangent on.
 */
#ifndef ODECAST_STAGES_H
#define ODECAST_STAGES_H

#include "field.h"
#include "lane.h"
#include "tableau.h"

/* Some vectors side by side: one alone would wait for itself. */
INLINE void combine_vectors(int32_t count, const float *z, const float *h, int32_t n, const float *weights, const float *k,
                            int32_t size, float *out) {
  vf sum[MOST_EACH];
  EACH(v) sum[v] = splat(0);
  for (int32_t i = 0; i < n; i++) {
    if (weights[i] == 0) continue;
    EACH(v) sum[v] = fma(splat(weights[i]), load(k + i * size + v * VL), sum[v]);
  }
  EACH(v) store(out + v * VL, fma(load(h + v * VL % LANES), sum[v], load(z + v * VL)));
}

/* out = z + h sum_i weights_i k_i over the first n of k [n][cells(latent)]; weights of zero cost nothing. */
INLINE void combine(const struct field *f, const float *z, const float *h, int32_t n, const float *weights, const float *k,
                    float *out) {
  int32_t at = 0, size = cells(f, f->latent);
  for (; at + 4 * LANES <= size; at += 4 * LANES) combine_vectors(4 * NV, z + at, h, n, weights, k + at, size, out + at);
  for (; at + LANES <= size; at += LANES) combine_vectors(NV, z + at, h, n, weights, k + at, size, out + at);
  for (; at < size; at += VL) combine_vectors(1, z + at, h, n, weights, k + at, size, out + at);
}

/* Where the stages of one step lie. */
struct stages {
  float *slots;  /* [stages] records of the field */
  float *slopes; /* [stages][cells(latent)] the k_s */
};

/* [LANES] t + c h */
INLINE void stage_time(const float *t, const float *h, float c, float *out) {
  UNROLL for (int32_t v = 0; v < NV; v++) store(out + v * VL, fma(splat(c), load(h + v * VL), load(t + v * VL)));
}

/* All k_s from stage `first` on; those before it are there already. */
static void evaluate_stages(const struct field *f, const struct tableau *tableau, const float *t, const float *h,
                            const float *z, int32_t first, const struct stages *at) {
  float time[LANES];
  int32_t size = cells(f, f->latent), stride = slot_cells(f);
  float *slot = at->slots + first * stride, *k = at->slopes + first * size;
  for (int32_t s = first; s < tableau->stages; s++, slot += stride, k += size) {
    combine(f, z, h, s, tableau->a[s], at->slopes, slot);
    stage_time(t, h, tableau->c[s], time);
    evaluate(f, time, slot, k);
  }
}

/* k*_s of a step, from z'* and the x*_m of the later stages. */
static void slope_cotangent(const struct field *f, const struct tableau *tableau, int32_t s, const float *h,
                            const float *z, const float *inputs, float *out) {
  int32_t size = cells(f, f->latent);
  for (int32_t at = 0; at < size; at += VL) {
    vf sum = splat(tableau->b[s]) * load(z + at);
    for (int32_t m = s + 1; m < tableau->stages; m++) {
      if (tableau->a[m][s] != 0) sum = fma(splat(tableau->a[m][s]), load(inputs + m * size + at), sum);
    }
    store(out + at, load(h + at % LANES) * sum);
  }
}

/*
 * z: in z'*, out z*. deltas: [stages] cotangents of the records, filled. first_slope: the cotangent of k_0 from elsewhere, or 0.
 * inputs: [stages][cells(latent)] room for the x*_s.
 */
static void pull_stages(const struct field *f, const struct tableau *tableau, const float *h, const float *first_slope,
                        float *slots, float *deltas, float *inputs, float *z) {
  int32_t size = cells(f, f->latent);
  for (int32_t s = tableau->stages - 1; s >= 0; s--) {
    float *delta = deltas + s * delta_cells(f), *out = delta_of(f, delta, f->depth);
    slope_cotangent(f, tableau, s, h, z, inputs, out);
    if (s == 0 && first_slope) add_to(out, first_slope, size);
    pull(f, slots + s * slot_cells(f), delta, inputs + s * size);
  }
  for (int32_t s = 0; s < tableau->stages; s++) carry_to(z, inputs + s * size, size);
}

#endif
