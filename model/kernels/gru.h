/*
 * A gated recurrent unit over the lanes of a tile, and its vector-Jacobian product. Gates side by side as the parameters lie
 * (reset, update, candidate), as PyTorch's GRU has them:
 *
 *   r = sigmoid(x Wr + br + h Ur + cr),  u = sigmoid(x Wu + bu + h Uu + cu)
 *   g = h Un + cn,  n = tanh(x Wn + bn + r g),  h' = (1 - u) n + u h
 *
 * A lane that reads nothing has u = 1 in its record and keeps its h to the bit; its cotangents follow from that alone.
 *
 * A single lane is never gone back through: all gates of some units are summed side by side, and nothing is recorded but h'.
 *
 * Record:     [x][h][n][g][r u], each [units][lanes]; of a single lane [x][h]
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
  const float *rows; /* a single lane's: both weights once more, [inputs + units][3][units padded to whole vectors] */
};

INLINE int32_t gru_cells(const struct gru *g, int32_t units) { return tile_cells(g->lanes, units); }

/* What of a GRU is put together once a tile. Read by whole vectors, beyond the last too. */
static void take_gru(struct arena *arena, struct gru *g) {
  g->gate_bias = take(arena, 2 * g->units + VL);
  g->rows = take(arena, g->lanes == 1 ? (int64_t)(g->inputs + g->units) * 3 * tile_cells(1, g->units) : 0);
}

/* `count` rows of three gates, the last of a gate's vectors with rubbish behind its units. */
static float *pad_rows(const float *weight, int32_t count, int32_t units, float *out) {
  int32_t size = tile_cells(1, units);
  for (int32_t i = 0; i < 3 * count; i++) copy(out + i * size, weight + i * units, size);
  return out + 3 * count * size;
}

static void prepare_gru(const struct gru *g) {
  float *bias = (float *)g->gate_bias, *rows = (float *)g->rows;
  for (int32_t i = 0; i < 2 * g->units; i++) bias[i] = g->input_bias[i] + g->recurrent_bias[i];
  zero(bias + 2 * g->units, VL); /* integers of another job would be denormals, which are slow */
  if (g->lanes > 1) return;
  rows = pad_rows(g->input_weight, g->inputs, g->units, rows);
  pad_rows(g->recurrent_weight, g->units, g->units, rows);
}

struct gru_record {
  float *x, *h, *r, *u, *n, *g;
};

INLINE int32_t gru_record_cells(const struct gru *g) {
  return record_cells(g->lanes, gru_cells(g, g->inputs) + (g->lanes == 1 ? 1 : 5) * gru_cells(g, g->units));
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

static void gru_step_wide(const struct gru *g, const struct gru_record *at, const int32_t *reads, float *next) {
  struct layer gates = gru_input(g, 0, 2, g->gate_bias), candidate = gru_input(g, 2, 1, g->input_bias + 2 * g->units);
  struct layer gates_back = gru_recurrent(g, 0, 2), candidate_back = gru_recurrent(g, 2, 1);
  affine_wide(&gates, at->x, at->r);
  affine_wide_onto_sigmoid(&gates_back, at->h, at->r);
  affine_wide(&candidate, at->x, at->n);
  affine_wide(&candidate_back, at->h, at->g);
  gru_mix(g, at, reads, next);
}

/* `count` vectors of units from o on, each sum in the order that a wide tile has. */
INLINE void gru_narrow_block(const struct gru *g, int32_t count, int32_t o, const float *x, const float *h, float *next) {
  int32_t units = g->units, gate = tile_cells(1, units);
  const float *row = g->rows + o;
  vf gates[MOST_EACH], n[MOST_EACH], back[MOST_EACH]; /* r and u side by side */
  EACH(v) {
    gates[v] = load(g->gate_bias + o + v * VL);
    gates[count + v] = load(g->gate_bias + units + o + v * VL);
    n[v] = load(g->input_bias + 2 * units + o + v * VL);
    back[v] = load(g->recurrent_bias + 2 * units + o + v * VL);
  }
#define ADD_ROW(from, candidate)                                                                                       \
  EACH(v) {                                                                                                            \
    gates[v] = fma(load(row + v * VL), splat(from), gates[v]);                                                         \
    gates[count + v] = fma(load(row + gate + v * VL), splat(from), gates[count + v]);                                  \
    candidate[v] = fma(load(row + 2 * gate + v * VL), splat(from), candidate[v]);                                      \
  }
  for (int32_t i = 0; i < g->inputs; i++, row += 3 * gate) ADD_ROW(x[i], n)
  for (int32_t i = 0; i < units; i++, row += 3 * gate) ADD_ROW(h[i], back)
#undef ADD_ROW
  sigmoid_each(2 * count, gates);
  EACH(v) n[v] = fma(gates[v], back[v], n[v]);
  tanh_each(count, n);
  EACH(v) store(next + o + v * VL, fma(gates[count + v], load(h + o + v * VL) - n[v], n[v]));
}

static void gru_step_narrow(const struct gru *g, const float *x, const float *h, float *next) {
  int32_t o = 0, size = tile_cells(1, g->units);
  for (; o + 2 * VL <= size; o += 2 * VL) gru_narrow_block(g, 2, o, x, h, next);
  if (o < size) gru_narrow_block(g, 1, o, x, h, next);
}

/* reads: [LANES] all ones where the lane takes this observation, else 0: a single lane takes all. The record's x and h are
 * given. next: h'. */
static void gru_step(const struct gru *g, const struct gru_record *at, const int32_t *reads, float *next) {
  if (g->lanes == 1) gru_step_narrow(g, at->x, at->h, next);
  else gru_step_wide(g, at, reads, next);
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
