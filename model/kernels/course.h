/*
 * What every solve of a tile leaves behind: states z_j and slopes f(t_j, z_j) at the knots t_j = j * spacing, from which
 * observations are read by cubic Hermite interpolation; and the slopes' way back, for solvers that do not evaluate the field
 * at the knots anyway:
 *
 *   z*_j = (states*)_j + (df/dz)^T (slopes*)_j
 *
 * A lane that fails has a status, and finite rubbish behind the last knot that it reached: nothing of it is an answer. Nothing
 * of it goes into a gradient either, nor does a cotangent behind the last knot that a lane needs.
 */
#ifndef ODECAST_COURSE_H
#define ODECAST_COURSE_H

#include "fixed.h"

enum status { SUCCESS, MAX_STEPS, MIN_STEP, NON_FINITE };

struct course {
  const struct field *field;
  float spacing;        /* negative backwards in time */
  int32_t steps;        /* knots 0 ... steps */
  int32_t reads_slopes; /* whether anything is read between knots; else slopes are not evaluated */
  const float *last;    /* [LANES] the last knot that each lane needs */
  int32_t ends_apart;   /* nothing goes back: a lane is judged at its own last knot, not where the longest ends */
  float *states;        /* [steps + 1][cells(latent)], the first given */
  float *slopes;        /* the same shape */
  float *reached;       /* [LANES] the last knot whose state is an answer */
  int32_t *status;      /* [LANES] */
  int32_t *forward, *backward; /* [LANES] evaluations and vector-Jacobian products */
  /* The way back of the slopes. */
  int32_t keep, block;
  float *slots, *deltas;
  float *pulled;     /* [cells(latent)] */
  float *cotangents; /* [steps + 1][cells(latent)] z*_j */
};

INLINE vi load_int(const int32_t *at) { return *(const vi *)at; }
INLINE void store_int(int32_t *at, vi x) { *(vi *)at = x; }

INLINE int32_t any_of(vi mask) {
  int32_t any = 0;
  UNROLL for (int32_t i = 0; i < VL; i++) any |= mask[i];
  return any;
}

static void take_states(struct arena *arena, struct course *c) {
  int64_t all = (int64_t)(c->steps + 1) * cells(c->field, c->field->latent);
  c->states = take(arena, all);
  c->slopes = take(arena, all);
}

static void take_lanes(struct arena *arena, struct course *c) {
  c->reached = take(arena, LANES);
  c->status = (int32_t *)take(arena, LANES);
  c->forward = (int32_t *)take(arena, LANES);
  c->backward = (int32_t *)take(arena, LANES);
}

/* kept: whether solve_slopes will have been there before pull_slopes. */
static void take_slopes(struct arena *arena, struct course *c, int backward, int kept) {
  const struct field *f = c->field;
  int64_t all = (int64_t)(c->steps + 1) * slot_cells(f);
  c->keep = kept && backward && c->reads_slopes && all <= KEEP_CELLS / 2;
  c->block = block_of(1, slot_cells(f) + delta_cells(f), c->steps + 1);
  c->slots = take(arena, c->keep ? all : (backward ? c->block : 1) * (int64_t)slot_cells(f));
  c->deltas = take(arena, backward ? c->block * (int64_t)delta_cells(f) : 0);
  c->pulled = take(arena, cells(f, f->latent));
  c->cotangents = take(arena, backward ? (int64_t)(c->steps + 1) * cells(f, f->latent) : 0);
}

/* States of a larger size are as good as infinite: what the field makes of smaller ones is finite. */
#define LARGEST_STATE 1e18f

/* [LANES] ones where all of z is a number that can be worked with. */
static void find_finite(const struct field *f, const float *z, vi fine[NV]) {
  UNROLL for (int32_t v = 0; v < NV; v++) fine[v] = splat_int(-1);
  for (int32_t u = 0; u < f->latent; u++) {
    UNROLL for (int32_t v = 0; v < NV; v++) {
      vf x = f->lanes == 1 ? splat(z[u]) : load(z + u * LANES + v * VL);
      fine[v] &= absolute(x) < splat(LARGEST_STATE);
    }
  }
}

/* The same where each lane ends. */
static void find_finite_ends(const struct course *c, vi fine[NV]) {
  int32_t state = cells(c->field, c->field->latent), narrow = c->field->lanes == 1;
  float end[LANES];
  UNROLL for (int32_t v = 0; v < NV; v++) fine[v] = splat_int(-1);
  for (int32_t u = 0; u < c->field->latent; u++) {
    for (int32_t i = 0; i < LANES; i++) end[i] = c->states[(int64_t)c->last[i] * state + (narrow ? u : u * LANES + i)];
    UNROLL for (int32_t v = 0; v < NV; v++) fine[v] &= absolute(load(end + v * VL)) < splat(LARGEST_STATE);
  }
}

/* Statuses and counts of a new solve. A lane whose start is no number fails at once, and is put at zero. */
static void start_lanes(const struct course *c) {
  vi fine[NV];
  find_finite(c->field, c->states, fine);
  for (int32_t v = 0; v < NV; v++) {
    store_int(c->status + v * VL, ~fine[v] & NON_FINITE);
    store_int(c->forward + v * VL, splat_int(0));
    store_int(c->backward + v * VL, splat_int(0));
  }
  fill(c->reached, 0);
  for (int32_t at = 0; at < cells(c->field, c->field->latent); at += VL) {
    store(c->states + at, select(fine[at / VL % NV], load(c->states + at), splat(0)));
  }
}

/* Counts of a solver whose lanes all do the same work a knot: `once`, and `each` for every knot that the lane needs. */
static void count_lanes(const struct course *c, int32_t *counts, int32_t once, int32_t each) {
  for (int32_t b = 0; b < LANES; b++) {
    if (c->status[b] == SUCCESS) counts[b] += once + each * (int32_t)c->last[b];
  }
}

/* For solvers whose steps do not depend on the state: whether a lane came to its end. */
static void judge_lanes(const struct course *c) {
  vi fine[NV];
  if (c->ends_apart) find_finite_ends(c, fine);
  else find_finite(c->field, c->states + (int64_t)c->steps * cells(c->field, c->field->latent), fine);
  for (int32_t v = 0; v < NV; v++) {
    int32_t *status = c->status + v * VL;
    store_int(status, load_int(status) | (~fine[v] & NON_FINITE));
    store(c->reached + v * VL, select(load_int(status) == SUCCESS, load(c->last + v * VL), splat(0)));
  }
}

static float *knot_slot(const struct course *c, int32_t j) {
  return c->slots + (c->keep ? j * (int64_t)slot_cells(c->field) : 0);
}

/* Slopes from knot `first` on, all lanes of a knot at once; zeros where nothing reads them. */
static void solve_slopes(const struct course *c, int32_t first) {
  const struct field *f = c->field;
  int32_t state = cells(f, f->latent);
  float t[LANES];
  if (!c->reads_slopes) {
    for (int32_t j = 0; j <= c->steps; j++) zero(c->slopes + (int64_t)j * state, state);
    return;
  }
  for (int32_t j = c->keep ? 0 : first; j <= c->steps; j++) {
    fill(t, j * c->spacing);
    copy(knot_slot(c, j), c->states + (int64_t)j * state, state);
    evaluate(f, t, knot_slot(c, j), c->slopes + (int64_t)j * state);
  }
  count_lanes(c, c->forward, 1 - first, 1);
}

/* x where lane and knot count, 0 elsewhere. */
static void copy_counted(const struct course *c, int32_t j, const float *x, float *out) {
  for (int32_t at = 0; at < cells(c->field, c->field->latent); at += VL) {
    int32_t lane = at % LANES;
    vi counts = (load_int(c->status + lane) == SUCCESS) & (splat(j) <= load(c->last + lane));
    store(out + at, select(counts, load(x + at), splat(0)));
  }
}

static void pull_slope(const struct course *c, int32_t j, const float *slopes, float *slot, float *delta) {
  const struct field *f = c->field;
  int32_t state = cells(f, f->latent);
  if (!c->keep) {
    float t[LANES];
    fill(t, j * c->spacing);
    copy(slot, c->states + (int64_t)j * state, state);
    evaluate_hidden(f, t, slot);
  }
  copy_counted(c, j, slopes + (int64_t)j * state, delta_of(f, delta, f->depth));
  pull(f, slot, delta, c->pulled);
  add_to(c->cotangents + (int64_t)j * state, c->pulled, state);
}

/* All z*_j, and what the slopes give to the gradient. states*, slopes*: [steps + 1][cells(latent)]; slopes* may be 0. */
static void pull_slopes(const struct course *c, const float *states, const float *slopes, float *gradient) {
  const struct field *f = c->field;
  int32_t state = cells(f, f->latent);
  for (int32_t j = 0; j <= c->steps; j++) {
    copy_counted(c, j, states + (int64_t)j * state, c->cotangents + (int64_t)j * state);
  }
  if (!slopes) return;
  for (int32_t first = 0; first <= c->steps; first += c->block) {
    int32_t count = at_most(c->block, c->steps + 1 - first);
    float *slots = c->keep ? knot_slot(c, first) : c->slots;
    for (int32_t i = 0; i < count; i++) {
      pull_slope(c, first + i, slopes, slots + i * (int64_t)slot_cells(f), c->deltas + i * (int64_t)delta_cells(f));
    }
    contract_field(f, count, slots, c->deltas, gradient);
  }
  count_lanes(c, c->backward, 1, 1);
}

#endif
