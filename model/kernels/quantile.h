/*
 * Quantiles of mixtures of normals, F(x) = Σ wₖ Φ((x − mₖ)/sₖ): what a forecast of many posterior samples says of one value.
 * The lanes are components, so a row's bits do not depend on its neighbours.
 *
 * An upper quantile is the lower one of the mixture seen in a mirror (m → −m), so that a tail is always a small sum, known to
 * its own relative error, and never what is left of 1. The x with F(x) = p, p ≤ ½, lies between the smallest and the largest
 * of the components' own quantiles, mₖ + sₖ·Φ⁻¹(p). Inside that bracket, which every step narrows, Halley's step
 *
 *   x − u / (1 − u f'(x) / 2f(x)),   u = (F(x) − p) / f(x),   f = F' = Σ wₖ φ(zₖ)/sₖ,   f' = −Σ wₖ zₖ φ(zₖ)/sₖ²
 *
 * or, where that leaves the bracket or is more than half of the last step, to its middle. What a step leaves is of third order
 * in its length as a share of the least scale: it is the last one when that is 1 %. Where F is flat, any of its points is
 * answered. At most MOST_STEPS steps, whatever the input; a row that is not all numbers, or has a scale that is not above 0,
 * is NaN.
 */
#ifndef ODECAST_QUANTILE_H
#define ODECAST_QUANTILE_H

#include "arena.h"
#include "dense.h"
#include "job.h"
#include "special.h"

#define MOST_STEPS 64
#define ONE_OVER_SQRT_2_PI 0.398942280f
#define NO_STEP 1e-6f    /* of the deviation */
#define SHORT_STEP 1e-2f /* of the least scale */

/* One row, padded to whole vectors by its first component with no weight. */
struct mixture {
  int32_t vectors;
  float *means, *scales, *inverses, *weights; /* inverses: of the scales */
  float mean, deviation, least_scale;
};

/* At one point: F, f, f'. */
struct distribution {
  float reached, density, slope;
};

struct bracket {
  float low, high;
};

static void take_mixture(struct arena *arena, struct mixture *m, int32_t components) {
  m->vectors = vectors(components);
  m->means = take(arena, m->vectors * VL);
  m->scales = take(arena, m->vectors * VL);
  m->inverses = take(arena, m->vectors * VL);
  m->weights = take(arena, m->vectors * VL);
}

INLINE void copy_padded(float *out, const float *from, int32_t count, int32_t padded, float padding) {
  for (int32_t k = 0; k < count; k++) out[k] = from[k];
  for (int32_t k = count; k < padded; k++) out[k] = padding;
}

INLINE float least_lane(vf x) {
  float least = x[0];
  for (int32_t i = 1; i < VL; i++) least = x[i] < least ? x[i] : least;
  return least;
}

static void read_mixture(struct mixture *m, const float *means, const float *scales, const float *weights, int32_t count) {
  const int32_t padded = m->vectors * VL;
  copy_padded(m->means, means, count, padded, means[0]);
  copy_padded(m->scales, scales, count, padded, scales[0]);
  copy_padded(m->weights, weights, count, padded, 0);
  vf mean = splat(0), variance = splat(0), least = load(m->scales);
  for (int32_t at = 0; at < padded; at += VL) mean = fma(load(m->weights + at), load(m->means + at), mean);
  m->mean = lane_sum(mean);
  for (int32_t at = 0; at < padded; at += VL) {
    const vf scale = load(m->scales + at), away = load(m->means + at) - splat(m->mean);
    const vf square = select(scale > splat(0), fma(away, away, rounded_product(scale, scale)), splat(__builtin_nanf("")));
    store(m->inverses + at, splat(1) / scale);
    variance = fma(load(m->weights + at), square, variance);
    least = min_of(least, scale);
  }
  m->deviation = __builtin_sqrtf(lane_sum(variance));
  m->least_scale = least_lane(least);
}

/* Of the mixture (side 1) or of its mirror image (side -1). */
static struct distribution distribution_at(const struct mixture *m, float side, float x) {
  vf reached = splat(0), density = splat(0), slope = splat(0);
  for (int32_t at = 0; at < m->vectors * VL; at += VL) {
    const vf inverse = load(m->inverses + at), weight = load(m->weights + at);
    const vf z = fma(load(m->means + at), splat(-side), splat(x)) * inverse;
    vf below, bell;
    v_normal(z, &below, &bell);
    const vf part = weight * inverse * bell;
    reached = fma(weight, below, reached);
    density = density + part;
    slope = fma(part * inverse, -z, slope);
  }
  return (struct distribution){lane_sum(reached), lane_sum(density) * ONE_OVER_SQRT_2_PI,
                               lane_sum(slope) * ONE_OVER_SQRT_2_PI};
}

/* From the smallest to the largest of the components' own quantiles, and a little beyond. */
static struct bracket bracket_of(const struct mixture *m, float side, float probit) {
  vf low = splat(__builtin_inff()), high = -low;
  for (int32_t at = 0; at < m->vectors * VL; at += VL) {
    const vf own = fma(load(m->scales + at), splat(probit), rounded_product(load(m->means + at), splat(side)));
    low = min_of(low, own);
    high = max_of(high, own);
  }
  const float margin = NO_STEP * m->deviation;
  return (struct bracket){least_lane(low) - margin, margin - least_lane(-high)};
}

/* Halley's step: what is to be taken from x. Far from the quantile the second order is no guide, so its share is held. */
INLINE float halley(const struct distribution *d, float tail) {
  const float newton = (d->reached - tail) / d->density, share = 0.5f * newton * d->slope / d->density;
  return newton / (1 - (share > 0.5f ? 0.5f : share < -1 ? -1 : share));
}

INLINE float size_of(float x) { return x < 0 ? -x : x; }

/* The x with F(x) = tail, of the mirror image where side is -1. probit = Φ⁻¹(tail) ≤ 0 */
static float lower_quantile(const struct mixture *m, float side, float tail, float probit) {
  struct bracket in = bracket_of(m, side, probit);
  const float nothing = NO_STEP * m->deviation;
  float x = side * m->mean + m->deviation * probit, last = in.high - in.low;
  if (!(x > in.low && x < in.high)) x = 0.5f * (in.low + in.high);
  for (int32_t i = 0; i < MOST_STEPS && in.high - in.low > nothing; i++) {
    const struct distribution d = distribution_at(m, side, x);
    if (d.reached > tail) in.high = x;
    else in.low = x;
    const float step = halley(&d, tail), there = x - step;
    const int32_t sound = there >= in.low && there <= in.high && size_of(step) <= 0.5f * last;
    if (sound && (size_of(step) <= nothing || size_of(step) <= SHORT_STEP * m->least_scale)) return there;
    const float next = sound ? there : 0.5f * (in.low + in.high);
    last = size_of(x - next);
    x = next;
  }
  return x;
}

static void write_quantiles(float *base, const struct quantile_job *j, const struct mixture *m, float *out) {
  const int32_t sound = m->deviation > 0 && m->deviation < __builtin_inff();
  for (int32_t q = 0; q < j->levels; q++) {
    const float tail = base[j->tails_at + q], probit = base[j->probits_at + q], side = probit < 0 ? 1 : -1;
    out[q] = sound ? side * lower_quantile(m, side, tail, -size_of(probit)) : __builtin_nanf("");
  }
}

static int32_t run_quantiles(float *base, struct quantile_job *j) {
  struct arena arena = {base + j->scratch.at, 0, j->scratch.cells};
  struct mixture m;
  take_mixture(&arena, &m, j->components);
  j->scratch.needed = (int32_t)arena.next;
  if (arena.next > j->scratch.cells) return NO_ROOM;
  for (int32_t row = 0; row < j->rows; row++) {
    const int64_t first = (int64_t)row * j->components, weights = (int64_t)row * j->weights_step;
    read_mixture(&m, base + j->means_at + first, base + j->scales_at + first, base + j->weights_at + weights, j->components);
    write_quantiles(base, j, &m, base + j->out_at + (int64_t)row * j->levels);
  }
  return DONE;
}

#endif
