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

struct terms {
  int32_t count;
  float weight[MAX_STAGES];
  const float *slope[MAX_STAGES];
};

/* Some vectors side by side, from cell `at` on: one alone would wait for itself. */
INLINE void combine_vectors(int32_t count, const struct terms *terms, int32_t at, const float *z, const float *h, float *out) {
  vf sum[4];
  UNROLL for (int32_t v = 0; v < count; v++) sum[v] = splat(0);
  for (int32_t i = 0; i < terms->count; i++) {
    vf weight = splat(terms->weight[i]);
    const float *slope = terms->slope[i] + at;
    UNROLL for (int32_t v = 0; v < count; v++) sum[v] = fma(weight, load(slope + v * VL), sum[v]);
  }
  UNROLL for (int32_t v = 0; v < count; v++) {
    int32_t cell = at + v * VL;
    store(out + cell, fma(load(h + cell % LANES), sum[v], load(z + cell)));
  }
}

/* out = z + h sum_i weights_i k_i over the first n of k [n][stride]; weights of zero cost nothing. */
static void combine(const struct field *f, const float *z, const float *h, int32_t n, const float *weights, const float *k,
                    float *out) {
  struct terms terms = {.count = 0};
  int32_t at = 0, size = cells(f, f->latent);
  for (int32_t i = 0; i < n; i++) {
    if (weights[i] == 0) continue;
    terms.weight[terms.count] = weights[i];
    terms.slope[terms.count++] = k + i * size;
  }
  for (; at + 4 * VL <= size; at += 4 * VL) combine_vectors(4, &terms, at, z, h, out);
  for (; at < size; at += VL) combine_vectors(1, &terms, at, z, h, out);
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
  for (int32_t s = first; s < tableau->stages; s++) {
    float *slot = at->slots + s * slot_cells(f);
    combine(f, z, h, s, tableau->a[s], at->slopes, slot);
    stage_time(t, h, tableau->c[s], time);
    evaluate(f, time, slot, at->slopes + s * cells(f, f->latent));
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
