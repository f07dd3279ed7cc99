/*
 * A gated recurrent unit over the lanes of a tile, and its vector-Jacobian product. Gates side by side as the parameters lie
 * (reset, update, candidate), as PyTorch's GRU has them:
 *
 *   r = sigmoid(x Wr + br + h Ur + cr),  u = sigmoid(x Wu + bu + h Uu + cu)
 *   g = h Un + cn,  n = tanh(x Wn + bn + r g),  h' = (1 - u) n + u h
 *
 * A lane that reads nothing has u = 1 in its record and keeps its h to the bit; its cotangents follow from that alone.
 *
 * Record:     [x][h][n][g][r u], each [units][lanes]; u begins where r ends, also in a single lane
 * Cotangents: [r][u][n][g] before the gates' functions; the input's weights see the first three, the recurrent ones r, u, g.
 */
#ifndef ODECAST_GRU_H
#define ODECAST_GRU_H

#include "arena.h"
#include "dense.h"
#include "lane.h"
#include "special.h"

struct gru {
  int32_t inputs, units, lanes;
  const float *input_weight, *recurrent_weight; /* [inputs][3 units], [units][3 units] */
  const float *input_bias, *recurrent_bias;     /* [3 units] */
  const float *gate_bias;                       /* [2 units] sum of both, of reset and update */
};

INLINE int32_t gru_cells(const struct gru *g, int32_t units) { return tile_cells(g->lanes, units); }

struct gru_record {
  float *x, *h, *r, *u, *n, *g;
};

INLINE int32_t gru_record_cells(const struct gru *g) {
  return record_cells(g->lanes, gru_cells(g, g->inputs) + gru_cells(g, 2 * g->units) + 3 * gru_cells(g, g->units) + VL);
}

INLINE struct gru_record gru_record_at(const struct gru *g, float *record) {
  int32_t state = gru_cells(g, g->units);
  float *h = record + gru_cells(g, g->inputs), *n = h + state, *r = n + 2 * state;
  return (struct gru_record){record, h, r, r + g->units * g->lanes, n, n + state};
}

/* The part of the weights that gates `first` on see. */
INLINE struct layer gru_input(const struct gru *g, int32_t first, int32_t gates, const float *bias) {
  return (struct layer){g->inputs, gates * g->units, 3 * g->units, g->input_weight + first * g->units, bias};
}

INLINE struct layer gru_recurrent(const struct gru *g, int32_t first, int32_t gates) {
  int32_t skip = first * g->units;
  return (struct layer){g->units, gates * g->units, 3 * g->units, g->recurrent_weight + skip, g->recurrent_bias + skip};
}

/* n and u of the record as they are to stay, and h'. */
static void gru_mix(const struct gru *g, const struct gru_record *at, const int32_t *reads, float *next) {
  int32_t size = gru_cells(g, g->units);
  for (int32_t i = 0; i < size; i += VL) {
    vi mask = *(const vi *)(reads + i % LANES);
    vf h = load(at->h + i), u = load(at->u + i);
    vf n = v_tanh(fma(load(at->r + i), load(at->g + i), load(at->n + i)));
    store(at->n + i, n);
    store(next + i, select(mask, fma(u, h - n, n), h));
    store(at->u + i, select(mask, u, splat(1)));
  }
}

/* reads: [LANES] all ones where the lane takes this observation, else 0. The record's x and h are given. next: h'. */
static void gru_step(const struct gru *g, const struct gru_record *at, const int32_t *reads, float *next) {
  struct layer gates = gru_input(g, 0, 2, g->gate_bias), candidate = gru_input(g, 2, 1, g->input_bias + 2 * g->units);
  struct layer gates_back = gru_recurrent(g, 0, 2), candidate_back = gru_recurrent(g, 2, 1);
  affine(&gates, g->lanes, at->x, at->r);
  affine_onto_sigmoid(&gates_back, g->lanes, at->h, at->r);
  affine(&candidate, g->lanes, at->x, at->n);
  affine(&candidate_back, g->lanes, at->h, at->g);
  gru_mix(g, at, reads, next);
}

/* Cells of the cotangents of one record. */
INLINE int32_t gru_delta_cells(const struct gru *g) { return apart(4 * g->units * LANES); }

/* h: in h'*, out h*; delta: filled. Wide tiles only. */
static void gru_pull(const struct gru *g, const struct gru_record *at, float *delta, float *h) {
  int32_t size = g->units * LANES;
  float *dr = delta, *du = delta + size, *dn = delta + 2 * size, *dg = delta + 3 * size;
  for (int32_t i = 0; i < size; i += VL) {
    vf back = unless_faded(load(h + i)), u = load(at->u + i), n = load(at->n + i), r = load(at->r + i), one = splat(1);
    vf candidate = back * (one - u) * (one - n * n);
    store(dn + i, candidate);
    store(dg + i, candidate * r);
    store(dr + i, candidate * load(at->g + i) * r * (one - r));
    store(du + i, back * (load(at->h + i) - n) * u * (one - u));
    store(h + i, back * u);
  }
  struct layer gates = gru_recurrent(g, 0, 2), candidate = gru_recurrent(g, 2, 1);
  affine_transposed_onto(&gates, dr, h);
  affine_transposed_onto(&candidate, dg, h);
}

struct gru_gradient {
  float *input_weight, *recurrent_weight, *input_bias, *recurrent_bias;
};

/* gradient += that of `count` records that lie one after the other, and so do their cotangents. */
static void contract_gru(const struct gru *g, int32_t count, float *records, float *deltas, const struct gru_gradient *to) {
  int32_t units = g->units, size = units * LANES, gates = 3 * units;
  int32_t stride = gru_record_cells(g), delta_stride = gru_delta_cells(g);
  struct factors input = {count, records, stride, deltas, delta_stride};
  contract(&input, g->inputs, gates, to->input_weight, gates);
  contract_bias(&input, gates, to->input_bias);
  struct factors recurrent = {count, gru_record_at(g, records).h, stride, deltas, delta_stride};
  contract(&recurrent, units, 2 * units, to->recurrent_weight, gates);
  contract_bias(&recurrent, 2 * units, to->recurrent_bias);
  struct factors candidate = {count, recurrent.x, stride, deltas + 3 * size, delta_stride};
  contract(&candidate, units, units, to->recurrent_weight + 2 * units, gates);
  contract_bias(&candidate, units, to->recurrent_bias + 2 * units);
}

#endif
