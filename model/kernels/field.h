/*
 * The vector field dz/dt = f(z, phi(t)) of a latent ODE and its vector-Jacobian product. f is a tanh MLP; phi is the sine and
 * cosine of absolute event time at each period:
 *
 *   x_0 = [z, sin 2 pi q, cos 2 pi q],  q_p = turns_p + rate_p t,   h_l = tanh(x W_l + b_l),   f = h_depth W + b
 *
 * One evaluation leaves a record (a slot), which its way back needs: [x_0][h_1]...[h_depth], each [units][lanes].
 * The way back fills a slot of cotangents of each layer's output: [d_1]...[d_depth][d_f]. Weight gradients are contracted
 * from many slots at once (dense.h).
 */
#ifndef ODECAST_FIELD_H
#define ODECAST_FIELD_H

#include "arena.h"
#include "dense.h"
#include "lane.h"
#include "special.h"

/* Hidden layers of the dynamics; more are refused before a job is built. */
#define MAX_DEPTH 16

struct field {
  int32_t latent, periods, units, depth;
  int32_t lanes; /* LANES, or 1 */
  struct layer layers[MAX_DEPTH + 1];
  const float *turns; /* [periods][lanes] of this tile at model time 0; a single lane's are splatted */
  const float *rates; /* [periods] turns in one unit of model time */
};

INLINE int32_t cells(const struct field *f, int32_t units) { return tile_cells(f->lanes, units); }

INLINE int32_t field_inputs(const struct field *f) { return f->latent + 2 * f->periods; }

/* The input of a record has room for a whole vector behind the state (see write_phases). */
INLINE int32_t input_cells(const struct field *f) { return cells(f, field_inputs(f) + (f->lanes == 1 ? VL : 0)); }

/* Cells of one record of an evaluation. */
static int32_t slot_cells(const struct field *f) {
  return record_cells(f->lanes, input_cells(f) + f->depth * cells(f, f->units));
}

/* Cells of the cotangents of one evaluation, on a wide tile; and from one to the next. */
INLINE int32_t delta_size(const struct field *f) { return f->depth * cells(f, f->units) + cells(f, f->latent); }

static int32_t delta_cells(const struct field *f) { return apart(delta_size(f)); }

static float *slot_hidden(const struct field *f, float *slot, int32_t layer) {
  return layer == 0 ? slot : slot + input_cells(f) + (layer - 1) * cells(f, f->units);
}

static float *delta_of(const struct field *f, float *delta, int32_t layer) {
  return delta + layer * cells(f, f->units);
}

/* Sines and cosines at the time of each lane, behind the state: after it is written, for a single lane's state ends in rubbish. */
static void write_phases(const struct field *f, const float *t, float *x) {
  for (int32_t p = 0; p < f->periods; p++) {
    for (int32_t v = 0; v < (f->lanes == 1 ? 1 : NV); v++) {
      vf sine, cosine;
      v_sincos_turns(fma(splat(f->rates[p]), load(t + v * VL), load(f->turns + p * LANES + v * VL)), &sine, &cosine);
      if (f->lanes == 1) {
        x[f->latent + p] = sine[0];
        x[f->latent + f->periods + p] = cosine[0];
      } else {
        store(x + (f->latent + p) * LANES + v * VL, sine);
        store(x + (f->latent + f->periods + p) * LANES + v * VL, cosine);
      }
    }
  }
}

/* Hidden layers of the record, whose state is written; where the last one lies. t: [LANES] time of each lane, or one time in all
 * of a vector. */
static float *evaluate_hidden(const struct field *f, const float *t, float *slot) {
  float *in = slot, *out = slot + input_cells(f);
  int32_t size = cells(f, f->units);
  write_phases(f, t, slot);
  for (const struct layer *l = f->layers, *end = l + f->depth; l < end; l++, in = out, out += size) {
    affine_tanh(l, f->lanes, in, out);
  }
  return in;
}

/* k = f(z, phi(t)), z in the first units of the record. */
static void evaluate(const struct field *f, const float *t, float *slot, float *k) {
  affine(&f->layers[f->depth], f->lanes, evaluate_hidden(f, t, slot), k);
}

/* The cotangent of z from that of f, which is the last of `delta`; fills the others. */
static void pull(const struct field *f, float *slot, float *delta, float *z) {
  for (int32_t l = f->depth; l > 0; l--) {
    affine_transposed_tanh(&f->layers[l], delta_of(f, delta, l), slot_hidden(f, slot, l), delta_of(f, delta, l - 1));
  }
  struct layer first = f->layers[0];
  first.inputs = f->latent;
  affine_transposed(&first, delta_of(f, delta, 0), z);
}

/* gradient += that of `slots` evaluations that lie one after the other, and so do their cotangents. Parameters lie layer by
 * layer, weights before biases. */
static void contract_field(const struct field *f, int32_t slots, float *slot, float *delta, float *gradient) {
  for (int32_t l = 0; l <= f->depth; l++) {
    const struct layer *layer = &f->layers[l];
    struct factors factors = {slots, slot_hidden(f, slot, l), slot_cells(f), delta_of(f, delta, l), delta_cells(f)};
    contract(&factors, layer->inputs, layer->outputs, gradient, layer->outputs);
    gradient += layer->inputs * layer->outputs;
    contract_bias(&factors, layer->outputs, gradient);
    gradient += layer->outputs;
  }
}

#endif
