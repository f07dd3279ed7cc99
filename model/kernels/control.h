/*
 * How long a lane's next step is: each lane its own, none looks at another.
 *
 *   error   E = mean over units of (e_u / (atol + rtol max(|z_u|, |z'_u|)))^2, a step is accepted if E <= 1
 *   next    h' = h min(most, max(0.2, 0.9 E^(-0.9/2p) E_before^(0.2/2p))) after an accepted step (proportional-integral control,
 *           Soderlind 2003: k_I = 0.7, k_P = 0.2; fewer attempts here than Hairer and Wanner's 0.3 and 0.4),
 *           h' = h max(0.2, 0.9 E^(-1/2p)) after a rejected one, 0.2 h if E is no number; most is 10, or 1 after a rejection
 *   first   Hairer, Norsett, Wanner I, II.4: 1 % of the error by explicit Euler
 *
 * with p the method's order, one more than its estimate's. Squares are used throughout: no root is taken.
 * Sums over units are of one lane, in the order of units, in a wide tile as in a narrow one.
 */
#ifndef ODECAST_CONTROL_H
#define ODECAST_CONTROL_H

#include "course.h"

struct tolerance {
  float rtol, atol;
};

#define SAFETY 0.9f
#define LEAST_FACTOR 0.2f
#define MOST_FACTOR 10.0f
#define LEAST_ERROR 1e-20f /* squared */

INLINE vf power(vf x, vf exponent) { return v_exp(exponent * v_log(x)); }

INLINE vf infinity(void) { return from_bits(splat_int(0x7f800000)); }

/* [LANES] mean over the units of x; what is behind the last unit of a narrow tile does not count. No product is added up here: a
 * compiler chooses which of two products it rounds, and not the same one for a wide tile as for a narrow one. */
static void mean_of(const struct field *f, const float *x, float *out) {
  vf share = splat(1.0f / (float)f->latent), sum[NV];
  UNROLL for (int32_t v = 0; v < NV; v++) sum[v] = splat(0);
  for (int32_t u = 0; u < f->latent; u++) {
    UNROLL for (int32_t v = 0; v < NV; v++) sum[v] += f->lanes == 1 ? splat(x[u]) : load(x + u * LANES + v * VL);
  }
  UNROLL for (int32_t v = 0; v < NV; v++) store(out + v * VL, sum[v] * share);
}

/* (x / (atol + rtol max(|z|, |end|)))^2 */
INLINE vf scaled(vf x, vf z, vf end, struct tolerance tolerance) {
  vf ratio = x / fma(splat(tolerance.rtol), max_of(absolute(z), absolute(end)), splat(tolerance.atol));
  return ratio * ratio;
}

/* [LANES] E of h sum_i error_i k_i. room: [cells(latent)] */
static void error_of(const struct field *f, const struct tableau *tableau, struct tolerance tolerance, const float *h,
                     const float *k, const float *z, const float *end, float *room, float *out) {
  int32_t size = cells(f, f->latent);
  zero(room, size);
  combine(f, room, h, tableau->stages, tableau->error, k, room);
  for (int32_t at = 0; at < size; at += VL) {
    store(room + at, scaled(load(room + at), load(z + at), load(end + at), tolerance));
  }
  mean_of(f, room, out);
}

/* Of one vector of lanes: what the step's error says. */
struct verdict {
  vi accepted;
  vf factor;    /* of the length */
  vf error;     /* log E, for the next accepted step */
  vf most;      /* the most that the next factor may be */
};

/* error: E; before: log of the E accepted last, 0 at the start; most: MOST_FACTOR at the start. */
INLINE struct verdict judge(vf error, vf before, vf most, float order) {
  vi accepted = error <= splat(1), finite = error < infinity();
  vf now = v_log(max_of(error, splat(LEAST_ERROR)));
  vf after_accepted = fma(now, splat(-0.45f / order), rounded_product(before, splat(0.1f / order)));
  vf exponent = select(accepted, after_accepted, now * splat(-0.5f / order));
  vf factor = max_of(splat(SAFETY) * v_exp(exponent), splat(LEAST_FACTOR));
  factor = min_of(factor, select(accepted, most, splat(1)));
  return (struct verdict){accepted, select(finite, factor, splat(LEAST_FACTOR)), select(accepted, now, before),
                          select(accepted, splat(MOST_FACTOR), splat(1))};
}

/* The length of a trial step, from the squared norms of the state and of the slope. */
INLINE vf trial_length(vf size, vf speed) {
  vf guess = splat(0.01f) * power(size / speed, splat(0.5f));
  return select((size < splat(1e-10f)) | (speed < splat(1e-10f)), splat(1e-6f), guess);
}

/* The length of the first step, from the squared norms of the slope and of its change over the trial step. */
INLINE vf first_length(vf trial, vf speed, vf change, float order) {
  vf steepest = max_of(speed, change / (trial * trial));
  vf guess = power(splat(1e-4f) / steepest, splat(0.5f / order));
  vf flat = max_of(trial * splat(1e-3f), splat(1e-6f));
  return min_of(select(steepest <= splat(1e-30f), flat, guess), splat(100) * trial);
}

#endif
