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
 * or, where that leaves the bracket or is not half of the last step, to its middle. A step is the last one when it is so short
 * that what it leaves is below 1e-6 of the mixture's deviation. Where F is flat over more than that, any of its points is
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
/* As shares of the deviation: a step that is none; one that may be the last, and how much of it may be of second order. */
#define NO_STEP 1e-6f
#define SHORT_STEP 1e-3f
#define SLIGHT_BEND 2e-5f

/* One row, padded to whole vectors by its first component with no weight. */
struct mixture {
  int32_t vectors;
  float *means, *scales, *inverses, *weights; /* inverses: of the scales */
  float mean, deviation;
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

static void read_mixture(struct mixture *m, const float *means, const float *scales, const float *weights, int32_t count) {
  const int32_t padded = m->vectors * VL;
  copy_padded(m->means, means, count, padded, means[0]);
  copy_padded(m->scales, scales, count, padded, scales[0]);
  copy_padded(m->weights, weights, count, padded, 0);
  vf mean = splat(0), variance = splat(0);
  for (int32_t at = 0; at < padded; at += VL) mean = fma(load(m->weights + at), load(m->means + at), mean);
  m->mean = lane_sum(mean);
  for (int32_t at = 0; at < padded; at += VL) {
    const vf scale = load(m->scales + at), away = load(m->means + at) - splat(m->mean);
    store(m->inverses + at, splat(1) / scale);
    const vf square = select(scale > splat(0), fma(away, away, scale * scale), splat(__builtin_nanf("")));
    variance = fma(load(m->weights + at), square, variance);
  }
  m->deviation = __builtin_sqrtf(lane_sum(variance));
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
    const vf own = fma(load(m->scales + at), splat(probit), load(m->means + at) * splat(side));
    low = min_of(low, own);
    high = max_of(high, own);
  }
  struct bracket b = {low[0], high[0]};
  for (int32_t i = 1; i < VL; i++) {
    if (low[i] < b.low) b.low = low[i];
    if (high[i] > b.high) b.high = high[i];
  }
  const float margin = NO_STEP * m->deviation;
  return (struct bracket){b.low - margin, b.high + margin};
}

/* Halley's step: what is to be taken from x, and how much of it is of second order. */
struct step {
  float length, bend;
};

INLINE struct step halley(const struct distribution *d, float tail) {
  const float newton = (d->reached - tail) / d->density;
  float share = 0.5f * newton * d->slope / d->density;
  if (share > 0.5f) share = 0.5f; /* far from the quantile the second order is no guide */
  if (share < -1) share = -1;
  const float length = newton / (1 - share);
  return (struct step){length, length - newton};
}

INLINE float size_of(float x) { return x < 0 ? -x : x; }

INLINE int32_t is_last(struct step s, float deviation) {
  const float length = size_of(s.length);
  return length <= NO_STEP * deviation ||
         (length <= SHORT_STEP * deviation && size_of(s.bend) <= SLIGHT_BEND * deviation);
}

/* The x with F(x) = tail, of the mirror image where side is -1. probit = Φ⁻¹(tail) ≤ 0 */
static float lower_quantile(const struct mixture *m, float side, float tail, float probit) {
  struct bracket in = bracket_of(m, side, probit);
  float x = side * m->mean + m->deviation * probit, last = in.high - in.low;
  if (!(x > in.low && x < in.high)) x = 0.5f * (in.low + in.high);
  for (int32_t i = 0; i < MOST_STEPS && in.high - in.low > NO_STEP * m->deviation; i++) {
    const struct distribution d = distribution_at(m, side, x);
    if (d.reached > tail) in.high = x;
    else in.low = x;
    struct step step = halley(&d, tail);
    const float there = x - step.length, halfway = 0.5f * last;
    const int32_t sound = there >= in.low && there <= in.high && size_of(step.length) <= halfway;
    if (sound && is_last(step, m->deviation)) return there;
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
