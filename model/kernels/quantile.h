/*
 * Quantiles of mixtures of normals, F(x) = Σ wₖ Φ((x − mₖ)/sₖ): what a forecast of many posterior samples says of one value.
 * The lanes are components, so a row's bits do not depend on its neighbours.
 *
 * An upper quantile is the lower one of the mixture seen in a mirror (m → −m), so that a tail is always a small sum, known to
 * its own relative error, and never what is left of 1. The x with F(x) = p, p ≤ ½, lies between the smallest and the largest
 * of the components' own quantiles, mₖ + sₖ·Φ⁻¹(p), and so between what the least and the greatest means and scales give.
 * Inside that bracket, which every step narrows, Halley's step
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

struct span {
  float least, most;
};

/* One row, padded to whole vectors by its first component with no weight. */
struct mixture {
  int32_t vectors;
  float *means, *scales, *inverses, *weights; /* inverses: of the scales */
  float mean, deviation;
  struct span mean_span, scale_span;
};

/* At one point: F, f, f'. */
struct distribution {
  float reached, density, slope;
};

/* For the x with F(x) = tail, of the mixture (side 1) or of its mirror image (side -1). It lies from low to high. */
struct search {
  float side, tail, low, high, x, last_step;
  int32_t found;
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

static struct span span_of(const float *x, int32_t size) {
  vf least = load(x), most = least;
  for (int32_t at = VL; at < size; at += VL) {
    least = min_of(least, load(x + at));
    most = max_of(most, load(x + at));
  }
  struct span span = {least[0], most[0]};
  for (int32_t i = 1; i < VL; i++) {
    span.least = least[i] < span.least ? least[i] : span.least;
    span.most = most[i] > span.most ? most[i] : span.most;
  }
  return span;
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
    const vf square = select(scale > splat(0), fma(away, away, rounded_product(scale, scale)), splat(__builtin_nanf("")));
    store(m->inverses + at, splat(1) / scale);
    variance = fma(load(m->weights + at), square, variance);
  }
  m->deviation = __builtin_sqrtf(lane_sum(variance));
  m->mean_span = span_of(m->means, padded);
  m->scale_span = span_of(m->scales, padded);
}

/* The sums over the lanes of all three at once, by a tree. */
INLINE struct distribution distribution_of(vf reached, vf density, vf slope) {
  vf sums = add_neighbours(add_neighbours(reached, density), add_neighbours(slope, slope));
  UNROLL for (int32_t left = VL / 4; left > 1; left /= 2) sums = add_neighbours(sums, sums);
  return (struct distribution){sums[0], sums[1] * ONE_OVER_SQRT_2_PI, sums[2] * ONE_OVER_SQRT_2_PI};
}

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
  return distribution_of(reached, density, slope);
}

/* Between the components' own quantiles, and a little beyond. probit = Φ⁻¹(tail) ≤ 0 */
static struct search start_search(const struct mixture *m, float side, float tail, float probit) {
  const float from = side > 0 ? m->mean_span.least : -m->mean_span.most, to = side > 0 ? m->mean_span.most : -m->mean_span.least;
  const float margin = NO_STEP * m->deviation;
  const float low = from + probit * m->scale_span.most - margin, high = to + probit * m->scale_span.least + margin;
  const float guess = side * m->mean + m->deviation * probit;
  return (struct search){side, tail, low, high, guess > low && guess < high ? guess : 0.5f * (low + high), high - low, 0};
}

/* Halley's step: what is to be taken from x. Far from the quantile the second order is no guide, so its share is held. */
INLINE float halley(const struct distribution *d, float tail) {
  const float newton = (d->reached - tail) / d->density, share = 0.5f * newton * d->slope / d->density;
  return newton / (1 - (share > 0.5f ? 0.5f : share < -1 ? -1 : share));
}

INLINE float size_of(float x) { return x < 0 ? -x : x; }

static void step_search(const struct mixture *m, struct search *s) {
  const struct distribution d = distribution_at(m, s->side, s->x);
  if (d.reached > s->tail) s->high = s->x;
  else s->low = s->x;
  const float nothing = NO_STEP * m->deviation, step = halley(&d, s->tail), there = s->x - step, size = size_of(step);
  const int32_t sound = there >= s->low && there <= s->high && size <= 0.5f * s->last_step;
  const float next = sound ? there : 0.5f * (s->low + s->high);
  s->found = (sound && (size <= nothing || size <= SHORT_STEP * m->scale_span.least)) || !(s->high - s->low > nothing);
  s->last_step = size_of(s->x - next);
  s->x = next;
}

/* All levels a step at a time: they do not wait for each other's results, so the processor computes several at once. */
static void search_levels(const struct mixture *m, struct search *searches, int32_t levels) {
  for (int32_t i = 0, open = levels; i < MOST_STEPS && open > 0; i++) {
    open = 0;
    for (int32_t q = 0; q < levels; q++) {
      if (searches[q].found) continue;
      step_search(m, &searches[q]);
      open += !searches[q].found;
    }
  }
}

static void write_quantiles(float *base, const struct quantile_job *j, const struct mixture *m, struct search *s, float *out) {
  const int32_t sound = m->deviation > 0 && m->deviation < __builtin_inff();
  for (int32_t q = 0; q < j->levels && sound; q++) {
    const float probit = base[j->probits_at + q];
    s[q] = start_search(m, probit < 0 ? 1 : -1, base[j->tails_at + q], -size_of(probit));
  }
  if (sound) search_levels(m, s, j->levels);
  for (int32_t q = 0; q < j->levels; q++) out[q] = sound ? s[q].side * s[q].x : __builtin_nanf("");
}

static int32_t run_quantiles(float *base, struct quantile_job *j) {
  struct arena arena = {base + j->scratch.at, 0, j->scratch.cells};
  struct mixture m;
  take_mixture(&arena, &m, j->components);
  struct search *searches = (void *)take(&arena, (int64_t)j->levels * (sizeof *searches / sizeof(float)));
  j->scratch.needed = (int32_t)arena.next;
  if (arena.next > j->scratch.cells) return NO_ROOM;
  for (int32_t row = 0; row < j->rows; row++) {
    const int64_t first = (int64_t)row * j->components, weights = (int64_t)row * j->weights_step;
    read_mixture(&m, base + j->means_at + first, base + j->scales_at + first, base + j->weights_at + weights, j->components);
    write_quantiles(base, j, &m, searches, base + j->out_at + (int64_t)row * j->levels);
  }
  return DONE;
}

#endif
