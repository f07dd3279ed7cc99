/*
 * Reversible Heun (Kidger et al. 2021, "Efficient and accurate gradients for neural SDEs", algorithms 1 and 2, without noise),
 * one step from knot to knot, beside the state z an auxiliary one y, y_0 = z_0:
 *
 *   y' = 2 z - y + h f(t, y),   z' = z + h/2 (f(t, y) + f(t', y'))
 *
 * and backwards exactly, y = 2 z' - y' - h f(t', y'). One evaluation a step. Its gradient is exact both ways:
 *
 *   checkpointed  every y stays (or, while they fit the cache, every record of the field)
 *   reversible    only the last y stays; the others are computed again from the end
 *
 * With k = f(t, y) and * for a cotangent, the way back of a step is
 *
 *   k'* += h/2 z'*,  y'* += (df/dy)^T k'*,  z* = z'* + 2 y'*,  y* = -y'*,  k* = h y'* + h/2 z'*
 */
#ifndef ODECAST_REVERSIBLE_H
#define ODECAST_REVERSIBLE_H

#include "course.h"

struct reversible_heun {
  const struct course *course;
  int32_t retrace; /* whether the y are computed again backwards */
  int32_t keep, block;
  float *beside;  /* [steps + 1][cells(latent)] the y, or the last alone */
  float *slots, *deltas;
  float *slope, *next_slope; /* [cells(latent)] k and k' */
  float *along, *carried, *pulled; /* [cells(latent)] y*, k*, (df/dy)^T k* */
};

static void take_reversible(struct arena *arena, struct reversible_heun *r, int backward) {
  const struct field *f = r->course->field;
  int32_t state = cells(f, f->latent), evaluations = r->course->steps + 1;
  int64_t all = (int64_t)evaluations * slot_cells(f);
  r->retrace = r->retrace || !backward;
  r->keep = backward && !r->retrace && all <= KEEP_CELLS;
  r->block = block_of(1, slot_cells(f) + delta_cells(f), evaluations);
  r->beside = take(arena, (r->retrace ? 1 : evaluations) * (int64_t)state);
  r->slots = take(arena, r->keep ? all : (backward ? r->block : 1) * (int64_t)slot_cells(f));
  r->deltas = take(arena, backward ? r->block * (int64_t)delta_cells(f) : 0);
  r->slope = take(arena, state);
  r->next_slope = take(arena, state);
  r->along = take(arena, backward ? state : 0);
  r->carried = take(arena, backward ? state : 0);
  r->pulled = take(arena, backward ? state : 0);
}

INLINE float *beside_of(const struct reversible_heun *r, int32_t j) {
  return r->beside + (r->retrace ? 0 : (int64_t)j * cells(r->course->field, r->course->field->latent));
}

/* k = f(t_j, y_j) with its record. */
static void evaluate_beside(const struct reversible_heun *r, int32_t j, float *slot, float *slope) {
  const struct field *f = r->course->field;
  float t[LANES];
  fill(t, j * r->course->spacing);
  copy(slot, beside_of(r, j), cells(f, f->latent));
  evaluate(f, t, slot, slope);
}

/* out = 2 z - y + h k: a step of y, and with -h at the other end one back. */
INLINE void reflect(const float *z, const float *y, float h, const float *k, float *out, int32_t size) {
  for (int32_t at = 0; at < size; at += VL) {
    store(out + at, fma(splat(h), load(k + at), fma(splat(2), load(z + at), -load(y + at))));
  }
}

/* out = x + h (a + b) */
INLINE void add_sum(const float *x, float h, const float *a, const float *b, float *out, int32_t size) {
  for (int32_t at = 0; at < size; at += VL) {
    store(out + at, fma(splat(h), load(a + at) + load(b + at), load(x + at)));
  }
}

static void solve_reversible(struct reversible_heun *r) {
  const struct course *c = r->course;
  const struct field *f = c->field;
  int32_t state = cells(f, f->latent);
  float *z = c->states;
  copy(r->beside, z, state);
  evaluate_beside(r, 0, r->slots, r->slope);
  copy(c->slopes, r->slope, state);
  for (int32_t j = 0; j < c->steps; j++, z += state) {
    float *slope = r->slope;
    reflect(z, beside_of(r, j), c->spacing, slope, beside_of(r, j + 1), state);
    evaluate_beside(r, j + 1, r->slots + (r->keep ? (j + 1) * (int64_t)slot_cells(f) : 0), r->next_slope);
    add_sum(z, c->spacing / 2, slope, r->next_slope, z + state, state);
    r->slope = r->next_slope;
    r->next_slope = slope;
  }
  count_lanes(c, c->forward, 1, 1);
}

/* The record of y_j, and, where they are retraced, y_(j-1) in place of y_j. */
static void revisit(const struct reversible_heun *r, int32_t j, float *slot) {
  const struct course *c = r->course;
  int32_t state = cells(c->field, c->field->latent);
  if (r->keep) return;
  evaluate_beside(r, j, slot, r->slope);
  if (r->retrace && j > 0) {
    reflect(c->states + (int64_t)j * state, r->beside, -c->spacing, r->slope, r->beside, state);
  }
}

/* From knot j to the one before; z: in z_j*, out z_(j-1)* without what is read at that knot. */
static void pull_reversible_step(const struct reversible_heun *r, float *slot, float *delta, float *z) {
  const struct field *f = r->course->field;
  vf h = splat(r->course->spacing), half = splat(r->course->spacing / 2);
  int32_t state = cells(f, f->latent);
  float *out = delta_of(f, delta, f->depth);
  for (int32_t at = 0; at < state; at += VL) store(out + at, fma(half, load(z + at), load(r->carried + at)));
  pull(f, slot, delta, r->pulled);
  for (int32_t at = 0; at < state; at += VL) {
    vf along = load(r->along + at) + load(r->pulled + at), before = load(z + at);
    store(r->carried + at, unless_faded(fma(h, along, rounded_product(half, before))));
    store(z + at, unless_faded(fma(splat(2), along, before)));
    store(r->along + at, unless_faded(-along));
  }
}

/* y_0 is z_0. */
static void pull_reversible_start(const struct reversible_heun *r, float *slot, float *delta, float *z) {
  const struct field *f = r->course->field;
  int32_t state = cells(f, f->latent);
  copy(delta_of(f, delta, f->depth), r->carried, state);
  pull(f, slot, delta, r->pulled);
  add_to(z, r->pulled, state);
  add_to(z, r->along, state);
}

/* The exact gradient, from the cotangents at the knots. z: out, that of z_0. gradient: added to. */
static void pull_reversible(const struct reversible_heun *r, float *z, float *gradient) {
  const struct course *c = r->course;
  const struct field *f = c->field;
  int32_t state = cells(f, f->latent);
  for (int32_t at = 0; at < state; at += VL) {
    store(r->along + at, splat(0));
    store(r->carried + at, splat(0));
  }
  copy(z, c->cotangents + (int64_t)c->steps * state, state);
  for (int32_t end = c->steps + 1; end > 0; end -= r->block) {
    int32_t first = end > r->block ? end - r->block : 0;
    float *slots = r->slots + (r->keep ? first * (int64_t)slot_cells(f) : 0);
    for (int32_t j = end - 1; j >= first; j--) {
      float *slot = slots + (j - first) * (int64_t)slot_cells(f);
      float *delta = r->deltas + (j - first) * (int64_t)delta_cells(f);
      revisit(r, j, slot);
      if (j == 0) {
        pull_reversible_start(r, slot, delta, z);
      } else {
        pull_reversible_step(r, slot, delta, z);
        add_to(z, c->cotangents + (int64_t)(j - 1) * state, state);
      }
    }
    contract_field(f, at_most(r->block, end), slots, r->deltas, gradient);
  }
  count_lanes(c, c->backward, 1, 1);
}

#endif
