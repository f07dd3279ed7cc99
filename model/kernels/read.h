/*
 * The path between its knots: the cubic Hermite polynomial of states and slopes at the two knots around a time
 * (Hairer, Norsett, Wanner I, II.6, eq. 6.7), and its transpose, which gives a reading's cotangent to the knots.
 *
 *   z(t) = w0 z_j + w1 z_j+1 + w2 f_j + w3 f_j+1,  u = t / h - j
 *   w0 = (1 + 2u)(1 - u)^2, w1 = u^2 (3 - 2u), w2 = h u (1 - u)^2, w3 = h u^2 (u - 1)
 *
 * Each lane reads a time of its own. Where all read between the same knots nothing is gathered; the arithmetic is the same.
 */
#ifndef ODECAST_READ_H
#define ODECAST_READ_H

#include "lane.h"

/* States and slopes at knots: `ahead` from 0 on, `behind` from 0 backwards in time (0 where nothing is read there). */
struct knots {
  float spacing;
  int32_t latent, lanes, state; /* state: cells of one knot */
  const float *states_ahead, *slopes_ahead, *states_behind, *slopes_behind;
};

/* What the lanes read: the knot at or before the time, and where between it and the next, 0 <= u < 1. */
struct reading {
  int32_t left[LANES];
  float u[LANES];
  int uniform; /* whether all lanes read between the same knots */
};

INLINE void finish_reading(struct reading *r, int32_t lanes) {
  r->uniform = 1;
  for (int32_t i = 1; i < lanes; i++) r->uniform &= r->left[i] == r->left[0];
  if (lanes == 1) spread(r->u);
}

/* Where a lane reads that has no rows, so that nobody asks what it read: some knot that is there. */
INLINE int32_t unasked(int32_t steps_ahead) { return steps_ahead > 0 ? 0 : -1; }

/* Lane i reads row `row` of a sample that has `rows` at left, u [rows]; beyond its last it reads that again: nothing of it
 * counts. nowhere: what unasked() says. */
INLINE void read_row(struct reading *r, int32_t i, const int32_t *left, const float *u, int32_t rows, int32_t row,
                     int32_t nowhere) {
  if (row >= rows) row = rows - 1;
  r->left[i] = row >= 0 ? left[row] : nowhere;
  r->u[i] = row >= 0 ? u[row] : 0;
}

INLINE void hermite(float spacing, vf u, vf *w) {
  vf one = splat(1), rest = one - u, h = splat(spacing);
  w[0] = fma(splat(2), u, one) * rest * rest;
  w[1] = u * u * fma(splat(-2), u, splat(3));
  w[2] = h * u * rest * rest;
  w[3] = -h * u * u * rest;
}

INLINE const float *knot_of(const struct knots *k, int32_t j, int slopes) {
  if (j >= 0) return (slopes ? k->slopes_ahead : k->states_ahead) + (int64_t)j * k->state;
  return (slopes ? k->slopes_behind : k->states_behind) - (int64_t)j * k->state;
}

/* The four corners of unit c of every reading, side by side: [4][LANES]. On a narrow tile all are of the one lane. */
INLINE void gather_corners(const struct knots *k, const struct reading *r, int32_t c, float *corners) {
  for (int32_t i = 0; i < LANES; i++) {
    int32_t at = k->lanes == 1 ? c : c * LANES + i;
    corners[i] = knot_of(k, r->left[i], 0)[at];
    corners[LANES + i] = knot_of(k, r->left[i] + 1, 0)[at];
    corners[2 * LANES + i] = knot_of(k, r->left[i], 1)[at];
    corners[3 * LANES + i] = knot_of(k, r->left[i] + 1, 1)[at];
  }
}

INLINE vf read_vector(const vf *w, const float *a, const float *b, const float *fa, const float *fb) {
  return fma(w[3], load(fb), fma(w[2], load(fa), fma(w[1], load(b), rounded_product(w[0], load(a)))));
}

/* z: [latent][LANES] */
static void read_gathered(const struct knots *k, const struct reading *r, float *z) {
  float corners[4 * LANES];
  for (int32_t c = 0; c < k->latent; c++) {
    gather_corners(k, r, c, corners);
    for (int32_t v = 0; v < LANES; v += VL) {
      vf w[4];
      hermite(k->spacing, load(r->u + v), w);
      const float *at = corners + v;
      store(z + c * LANES + v, read_vector(w, at, at + LANES, at + 2 * LANES, at + 3 * LANES));
    }
  }
}

/* z: [latent] the path at each lane's time. */
static void read_path(const struct knots *k, const struct reading *r, float *z) {
  if (!r->uniform) {
    read_gathered(k, r, z);
    return;
  }
  int32_t j = r->left[0], size = tile_cells(k->lanes, k->latent);
  const float *a = knot_of(k, j, 0), *b = knot_of(k, j + 1, 0), *fa = knot_of(k, j, 1), *fb = knot_of(k, j + 1, 1);
  vf w[NV][4];
  UNROLL for (int32_t v = 0; v < NV; v++) hermite(k->spacing, load(r->u + v * VL), w[v]);
  for (int32_t at = 0; at < size; at += VL) store(z + at, read_vector(w[at / VL % NV], a + at, b + at, fa + at, fb + at));
}

/* Cotangents at the knots from 0 on: [knots][latent][LANES]. */
struct knot_cotangents {
  float *states, *slopes;
};

INLINE void add_vector(float *out, vf w, vf g) { store(out, fma(w, g, load(out))); }

static void scatter_gathered(const struct knots *k, const struct reading *r, const float *g,
                             const struct knot_cotangents *to) {
  float w[4][LANES];
  for (int32_t v = 0; v < LANES; v += VL) {
    vf each[4];
    hermite(k->spacing, load(r->u + v), each);
    UNROLL for (int32_t i = 0; i < 4; i++) store(w[i] + v, each[i]);
  }
  for (int32_t c = 0; c < k->latent; c++) {
    for (int32_t i = 0; i < LANES; i++) {
      int64_t at = (int64_t)r->left[i] * k->state + c * LANES + i;
      float cotangent = g[c * LANES + i];
      to->states[at] += w[0][i] * cotangent;
      to->states[at + k->state] += w[1][i] * cotangent;
      to->slopes[at] += w[2][i] * cotangent;
      to->slopes[at + k->state] += w[3][i] * cotangent;
    }
  }
}

/* The transpose of read_path, wide tiles only. g: [latent] cotangent of the reading. */
static void scatter_reading(const struct knots *k, const struct reading *r, const float *g,
                            const struct knot_cotangents *to) {
  if (!r->uniform) {
    scatter_gathered(k, r, g, to);
    return;
  }
  int64_t a = (int64_t)r->left[0] * k->state, b = a + k->state;
  for (int32_t at = 0; at < k->state; at += VL) {
    vf w[4], cotangent = load(g + at);
    hermite(k->spacing, load(r->u + at % LANES), w);
    add_vector(to->states + a + at, w[0], cotangent);
    add_vector(to->states + b + at, w[1], cotangent);
    add_vector(to->slopes + a + at, w[2], cotangent);
    add_vector(to->slopes + b + at, w[3], cotangent);
  }
}

#endif
