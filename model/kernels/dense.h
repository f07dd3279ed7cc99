/*
 * The three products that a dense layer y = x W + b needs, W row-major [inputs][outputs] as the parameters lie:
 *
 *   affine            y_o = b_o + sum_i W_io x_i          forward
 *   affine_transposed x_i = sum_o W_io y_o                vector-Jacobian product
 *   contract          dW_io += sum_slots sum_lanes x_i d_o, db_o += sum d_o
 *
 * On a wide tile an array of n units is [n][LANES]: weights are read one by one and splatted, UNITS x NV accumulators stay in
 * registers. On a narrow tile (one lane: a single query) it is [n], and weights are read as vectors. Both add in the same
 * order (bias, then inputs ascending), so that a lane has the same bits alone and in any batch.
 *
 * Limits: affine and affine_transposed run at the multiply-add units' rate from some 16 inputs on, contract at two thirds of it
 * (docs/engine.md).
 */
#ifndef ODECAST_DENSE_H
#define ODECAST_DENSE_H

#include "lanes.h"
#include "special.h"

/* What is done to a block of units when it is summed: the function, or tanh's way back,
 * y = x (1 - h^2). */
enum activation { IDENTITY, TANH, SIGMOID, TANH_PULL };

/* As many as the registers hold sums of: AVX-512 has 32 of them, the others 16. */
#define BLOCK_UNITS (VL == 16 ? 8 : 4)
/* Vectors that go through a function together. */
#define ACTIVE (VL == 16 ? 4 : 2)

struct layer {
  int32_t inputs, outputs;
  int32_t stride;      /* from one row of the weights to the next: outputs, or more for a part of a layer's outputs */
  const float *weight; /* [inputs][stride] */
  const float *bias;   /* [outputs] */
};

/* h: where the values of tanh lie, for its way back. */
INLINE void activate_each(int32_t count, enum activation activation, const float *h, vf *x) {
  if (activation == TANH) tanh_each(count, x);
  if (activation == SIGMOID) sigmoid_each(count, x);
  if (activation == TANH_PULL) {
    EACH(v) x[v] = fma(-x[v] * load(h + v * VL), load(h + v * VL), x[v]);
  }
}

/* `units` outputs, which go through their function while they are in registers. All but the pointers and `inputs` are constants
 * where it is inlined. start: 0 or [outputs]; accumulate: go on from what y holds. */
INLINE void product_block(int32_t units, const float *x, int32_t inputs, const float *weight, int32_t inner, int32_t outer,
                          const float *start, int accumulate, enum activation activation, const float *h, float *y) {
  vf sum[BLOCK_UNITS][NV];
  UNROLL for (int32_t u = 0; u < units; u++) {
    UNROLL for (int32_t v = 0; v < NV; v++) {
      sum[u][v] = accumulate ? load(y + u * LANES + v * VL) : start ? splat(start[u]) : splat(0);
    }
  }
  TWICE for (int32_t i = 0; i < inputs; i++) {
    vf in[NV];
    UNROLL for (int32_t v = 0; v < NV; v++) in[v] = load(x + i * LANES + v * VL);
    UNROLL for (int32_t u = 0; u < units; u++) {
      vf w = splat(weight[i * inner + u * outer]);
      UNROLL for (int32_t v = 0; v < NV; v++) sum[u][v] = fma(w, in[v], sum[u][v]);
    }
  }
  const int32_t count = units * NV < ACTIVE ? units * NV : ACTIVE;
  UNROLL for (int32_t at = 0; at < units * NV; at += count) {
    activate_each(count, activation, h + at * VL, &sum[0][0] + at);
    EACH(v) store(y + (at + v) * VL, (&sum[0][0])[at + v]);
  }
}

/* All outputs, in blocks of BLOCK_UNITS and what is left over in halves. */
INLINE void product(const float *x, int32_t inputs, const float *weight, int32_t inner, int32_t outer, int32_t outputs,
                    const float *start, int accumulate, enum activation activation, const float *h, float *y) {
  int32_t o = 0;
#define BLOCKS_OF(units)                                                                                               \
  for (; o + units <= outputs; o += units)                                                                             \
    product_block(units, x, inputs, weight + o * outer, inner, outer, start ? start + o : 0, accumulate, activation,   \
                  h + o * LANES, y + o * LANES);
#if VL == 16
  BLOCKS_OF(8)
#endif
  BLOCKS_OF(4)
  BLOCKS_OF(2)
  BLOCKS_OF(1)
#undef BLOCKS_OF
}

/* One lane: `blocks` vectors of outputs from o on, each output the same sum in the same order as in product_block. */
INLINE void narrow_block(int32_t blocks, const struct layer *l, int32_t o, const float *x, enum activation activation,
                         float *y) {
  const float *weight = l->weight + o;
  vf sum[4];
  UNROLL for (int32_t v = 0; v < blocks; v++) sum[v] = load(l->bias + o + v * VL);
  for (int32_t i = 0; i < l->inputs; i++) {
    vf in = splat(x[i]);
    UNROLL for (int32_t v = 0; v < blocks; v++) sum[v] = fma(load(weight + i * l->stride + v * VL), in, sum[v]);
  }
  activate_each(blocks, activation, 0, sum);
  UNROLL for (int32_t v = 0; v < blocks; v++) store(y + o + v * VL, sum[v]);
}

/* Reads up to VL - 1 floats behind the last weight and bias, and writes as many behind y: both are padded for it. */
NOINLINE void narrow_product(const struct layer *l, const float *x, enum activation activation, float *y) {
  int32_t o = 0, outputs = l->outputs;
  for (; o + 4 * VL <= outputs; o += 4 * VL) narrow_block(4, l, o, x, activation, y);
  for (; o + VL < outputs; o += 2 * VL) narrow_block(2, l, o, x, activation, y);
  for (; o < outputs; o += VL) narrow_block(1, l, o, x, activation, y);
}

NOINLINE void affine_wide(const struct layer *l, const float *x, float *y) {
  product(x, l->inputs, l->weight, l->stride, 1, l->outputs, l->bias, 0, IDENTITY, y, y);
}

NOINLINE void affine_wide_tanh(const struct layer *l, const float *x, float *y) {
  product(x, l->inputs, l->weight, l->stride, 1, l->outputs, l->bias, 0, TANH, y, y);
}

/* y = sigmoid(y + x W) */
NOINLINE void affine_wide_onto_sigmoid(const struct layer *l, const float *x, float *y) {
  product(x, l->inputs, l->weight, l->stride, 1, l->outputs, 0, 1, SIGMOID, y, y);
}

/* y = x W + b; lanes: LANES or 1. */
static void affine(const struct layer *l, int32_t lanes, const float *x, float *y) {
  if (lanes == 1) narrow_product(l, x, IDENTITY, y);
  else affine_wide(l, x, y);
}

/* y = tanh(x W + b) */
static void affine_tanh(const struct layer *l, int32_t lanes, const float *x, float *y) {
  if (lanes == 1) narrow_product(l, x, TANH, y);
  else affine_wide_tanh(l, x, y);
}

/* x = W y: the cotangent of a layer's input from that of its output. Wide tiles only, as all of the way back. */
NOINLINE void affine_transposed(const struct layer *l, const float *y, float *x) {
  product(y, l->outputs, l->weight, 1, l->stride, l->inputs, 0, 0, IDENTITY, x, x);
}

/* The same, added to what x holds. */
NOINLINE void affine_transposed_onto(const struct layer *l, const float *y, float *x) {
  product(y, l->outputs, l->weight, 1, l->stride, l->inputs, 0, 1, IDENTITY, x, x);
}

/* x = (W y) (1 - h^2): on through the tanh, of value h, that the layer's input came from. */
NOINLINE void affine_transposed_tanh(const struct layer *l, const float *y, const float *h, float *x) {
  product(y, l->outputs, l->weight, 1, l->stride, l->inputs, 0, 0, TANH_PULL, h, x);
}

/* --- weight gradients --- */

/* Sum over the lanes of one vector, in the order of a binary tree. */
INLINE float lane_sum(vf x) {
  float part[VL];
  *(vf *)part = x;
  UNROLL for (int32_t width = VL / 2; width > 0; width /= 2) {
    UNROLL for (int32_t i = 0; i < width; i++) part[i] += part[i + width];
  }
  return part[0];
}

/* Neighbouring lanes added: those of a in the first half, those of b in the second. */
INLINE vf add_neighbours(vf a, vf b) {
#if VL == 16
  return SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30) +
         SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#elif VL == 8
  return SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14) + SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
#else
  return SHUFFLE(a, b, 0, 2, 4, 6) + SHUFFLE(a, b, 1, 3, 5, 7);
#endif
}

/* The sum over the lanes of each of VL vectors, in their order: a tree in which two vectors become one. */
INLINE vf lane_sums(vf *x) {
  UNROLL for (int32_t left = VL / 2; left > 0; left /= 2) {
    UNROLL for (int32_t i = 0; i < left; i++) x[i] = add_neighbours(x[2 * i], x[2 * i + 1]);
  }
  return x[0];
}

/* The factors of a weight gradient: `slots` records, one a field evaluation (or observation, or row). */
struct factors {
  int32_t slots;
  const float *x; /* of the first slot; units at [unit][LANES] */
  int32_t x_stride;
  const float *d;
  int32_t d_stride;
};

/* Accumulators: CONTRACT_X inputs by CONTRACT_D outputs, a whole number of times VL. */
#define CONTRACT_D 4
#define CONTRACT_X (VL == 4 ? 2 : VL / 4)
/* Slots beyond which a block costs the caches what it saves in sums across lanes. */
#define CONTRACT_SLOTS (40 / NV)

/* Indices beyond the last are clamped to it and their sums dropped: one body for all sizes. */
INLINE int32_t at_most(int32_t i, int32_t last) { return i < last ? i : last; }

INLINE void contract_sums(const struct factors *f, const float *const *xs, const float *const *ds, vf *sum) {
  UNROLL for (int32_t i = 0; i < CONTRACT_X * CONTRACT_D; i++) sum[i] = splat(0);
  for (int32_t s = 0; s < f->slots; s++) {
    int64_t xo = (int64_t)s * f->x_stride, to = (int64_t)s * f->d_stride;
    UNROLL for (int32_t v = 0; v < NV; v++) {
      vf d[CONTRACT_D];
      UNROLL for (int32_t b = 0; b < CONTRACT_D; b++) d[b] = load(ds[b] + to + v * VL);
      UNROLL for (int32_t a = 0; a < CONTRACT_X; a++) {
        vf x = load(xs[a] + xo + v * VL);
        UNROLL for (int32_t b = 0; b < CONTRACT_D; b++) sum[a * CONTRACT_D + b] = fma(x, d[b], sum[a * CONTRACT_D + b]);
      }
    }
  }
}

NOINLINE void contract_block(const struct factors *f, int32_t i, int32_t inputs, int32_t o, int32_t outputs, float *dw,
                             int32_t stride) {
  vf sum[CONTRACT_X * CONTRACT_D];
  float sums[CONTRACT_X * CONTRACT_D];
  const float *xs[CONTRACT_X], *ds[CONTRACT_D];
  UNROLL for (int32_t a = 0; a < CONTRACT_X; a++) xs[a] = f->x + at_most(i + a, inputs - 1) * LANES;
  UNROLL for (int32_t b = 0; b < CONTRACT_D; b++) ds[b] = f->d + at_most(o + b, outputs - 1) * LANES;
  contract_sums(f, xs, ds, sum);
  UNROLL for (int32_t v = 0; v < CONTRACT_X * CONTRACT_D; v += VL) store(sums + v, lane_sums(sum + v));
  int32_t rows = at_most(inputs - i, CONTRACT_X), columns = at_most(outputs - o, CONTRACT_D);
  for (int32_t a = 0; a < rows; a++) {
    for (int32_t b = 0; b < columns; b++) dw[(i + a) * stride + o + b] += sums[a * CONTRACT_D + b];
  }
}

/* dw [inputs][stride] += x d^T over slots and lanes */
NOINLINE void contract(const struct factors *f, int32_t inputs, int32_t outputs, float *dw, int32_t stride) {
  for (int32_t o = 0; o < outputs; o += CONTRACT_D) {
    for (int32_t i = 0; i < inputs; i += CONTRACT_X) contract_block(f, i, inputs, o, outputs, dw, stride);
  }
}

/* db [outputs] += d over slots and lanes. Some outputs side by side: one alone would wait for itself at every addition. */
NOINLINE void contract_bias(const struct factors *f, int32_t outputs, float *db) {
  for (int32_t o = 0; o < outputs; o += CONTRACT_D) {
    vf sum[CONTRACT_D];
    const float *ds[CONTRACT_D];
    UNROLL for (int32_t b = 0; b < CONTRACT_D; b++) {
      sum[b] = splat(0);
      ds[b] = f->d + at_most(o + b, outputs - 1) * LANES;
    }
    for (int32_t s = 0; s < f->slots; s++) {
      int64_t to = (int64_t)s * f->d_stride;
      UNROLL for (int32_t v = 0; v < NV; v++) {
        UNROLL for (int32_t b = 0; b < CONTRACT_D; b++) sum[b] += load(ds[b] + to + v * VL);
      }
    }
    for (int32_t b = 0; b < at_most(outputs - o, CONTRACT_D); b++) db[o + b] += lane_sum(sum[b]);
  }
}

#endif
