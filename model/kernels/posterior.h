/*
 * The Gaussian posterior over z_0 of a tile's samples, draws from it, and the way back to the encoder's head.
 *
 *   log sigma^2 = 10 tanh(raw / 10),  z_0 = mu + sigma eps                     (Kingma and Welling 2014, section 2.4)
 *   KL(q || N(0, 1)) = sum (mu^2 + sigma^2 - log sigma^2 - 1) / 2              (there, appendix B)
 *   log p(z_0) - log q(z_0) = sum (-z_0^2 + eps^2 + log sigma^2) / 2           for the importance-weighted bound
 */
#ifndef ODECAST_POSTERIOR_H
#define ODECAST_POSTERIOR_H

#include "lane.h"
#include "special.h"

#define LOG_VARIANCE_BOUND 10.0f

/* head: [2 latent] of which the raw log-variances become log-variances; size: cells of latent units. */
static void bound_variance(float *raw, int32_t size) {
  for (int32_t at = 0; at < size; at += VL) {
    store(raw + at, splat(LOG_VARIANCE_BOUND) * v_tanh(load(raw + at) * splat(1 / LOG_VARIANCE_BOUND)));
  }
}

/* z = mu + sigma eps */
static void draw(const float *mean, const float *log_variance, const float *noise, int32_t size, float *z) {
  for (int32_t at = 0; at < size; at += VL) {
    vf sigma = v_exp(splat(0.5f) * load(log_variance + at));
    store(z + at, fma(sigma, load(noise + at), load(mean + at)));
  }
}

/* out: [LANES] */
static void divergence(const float *mean, const float *log_variance, int32_t size, float *out) {
  fill(out, 0);
  for (int32_t at = 0; at < size; at += VL) {
    vf mu = load(mean + at), lv = load(log_variance + at);
    vf twice = fma(mu, mu, v_exp(lv)) - lv - splat(1);
    store(out + at % LANES, fma(splat(0.5f), twice, load(out + at % LANES)));
  }
}

/* out: [LANES], added to, times beta: log p(z) - log q(z) */
static void add_log_ratio(const float *z, const float *noise, const float *log_variance, int32_t size, float beta,
                          float *out) {
  for (int32_t at = 0; at < size; at += VL) {
    vf eps = load(noise + at), value = load(z + at);
    vf twice = fma(eps, eps, load(log_variance + at)) - value * value;
    store(out + at % LANES, fma(splat(0.5f * beta), twice, load(out + at % LANES)));
  }
}

/* head: [2 latent] cotangents, added to, of mu and log sigma^2, from that of one draw. */
static void pull_draw(const float *z_cotangent, const float *noise, const float *log_variance, int32_t size, float *head) {
  for (int32_t at = 0; at < size; at += VL) {
    vf g = load(z_cotangent + at), sigma = v_exp(splat(0.5f) * load(log_variance + at));
    store(head + at, load(head + at) + g);
    store(head + size + at, fma(g * load(noise + at), splat(0.5f) * sigma, load(head + size + at)));
  }
}

/* head: added to, the divergence's cotangents times `share` [LANES]. */
static void pull_divergence(const float *mean, const float *log_variance, int32_t size, const float *share, float *head) {
  for (int32_t at = 0; at < size; at += VL) {
    vf s = load(share + at % LANES);
    store(head + at, fma(s, load(mean + at), load(head + at)));
    vf variance = v_exp(load(log_variance + at));
    store(head + size + at, fma(splat(0.5f) * s, variance - splat(1), load(head + size + at)));
  }
}

/* From log sigma^2 to the raw value: times 1 - (log sigma^2 / 10)^2. */
static void pull_bound(const float *log_variance, int32_t size, float *cotangent) {
  for (int32_t at = 0; at < size; at += VL) {
    vf ratio = load(log_variance + at) * splat(1 / LOG_VARIANCE_BOUND);
    store(cotangent + at, load(cotangent + at) * (splat(1) - ratio * ratio));
  }
}

#endif
