/*
 * A solve with one step from knot to knot, and its gradient three ways:
 *
 *   kept          the records of all evaluations stay where they are (fastest while they fit the cache)
 *   checkpointed  only the states at the knots stay; a block of steps is evaluated again on the way back. The same bits.
 *   adjoint       the continuous adjoint of Chen et al. 2018, a* = -(df/dz)^T a, solved backwards by the same method beside the
 *                 state, which starts anew from the stored one at every knot
 *
 * States and slopes f(t_j, z_j) at the knots are what observations are read from (read.h): their cotangents come back here.
 */
#ifndef ODECAST_FIXED_H
#define ODECAST_FIXED_H

#include "stages.h"

struct fixed_path {
  const struct field *field;
  const struct tableau *tableau;
  float spacing;    /* of the knots, which start at model time 0; negative backwards in time */
  int32_t steps;    /* knots: steps + 1 */
  int32_t block;    /* steps whose weight gradients are contracted together */
  int32_t keep;     /* whether all records stay */
  float *states;    /* [steps + 1][cells(latent)], the first given */
  float *slopes;    /* the same shape; may be 0 where no cotangent and no reading needs them */
  float *slots;     /* records: of all steps and the last knot, or of one block */
  float *stage_slopes; /* [stages][cells(latent)] */
  float *deltas;    /* [block * stages] */
  float *inputs;    /* [stages][cells(latent)] */
};

/* Cells that the records and cotangents of one block may take: most of a core's second-level cache of today. */
#define BLOCK_CELLS (192 * 1024)
/* Cells of all records up to which they are kept. */
#define KEEP_CELLS (768 * 1024)

/* How many units of work, each of `slots` records and `cells` in all, are contracted together, of `all`. */
INLINE int32_t block_of(int32_t slots, int64_t cells, int32_t all) {
  int64_t enough = CONTRACT_SLOTS / slots, most = BLOCK_CELLS / cells;
  int64_t block = enough < most ? enough : most;
  if (block > all) block = all;
  return block < 1 ? 1 : (int32_t)block;
}

static void take_fixed(struct arena *arena, struct fixed_path *p, int backward) {
  const struct field *f = p->field;
  int32_t state = cells(f, f->latent), stages = p->tableau->stages;
  int64_t step = (int64_t)stages * slot_cells(f), all = step * p->steps;
  p->keep = backward && all <= KEEP_CELLS;
  p->block = block_of(stages, stages * (int64_t)(slot_cells(f) + delta_cells(f)), p->steps);
  p->states = take(arena, (int64_t)(p->steps + 1) * state);
  p->slopes = take(arena, (int64_t)(p->steps + 1) * state);
  p->slots = take(arena, !backward ? step : p->keep ? all + slot_cells(f) : step * p->block + slot_cells(f));
  p->stage_slopes = take(arena, (int64_t)stages * state);
  p->deltas = take(arena, backward ? (int64_t)p->block * stages * delta_cells(f) : 0);
  p->inputs = take(arena, backward ? (int64_t)stages * state : 0);
}

static void solve_fixed(const struct fixed_path *p) {
  const struct field *f = p->field;
  int32_t state = cells(f, f->latent), stages = p->tableau->stages;
  float h[LANES], t[LANES];
  fill(h, p->spacing);
  for (int32_t j = 0; j < p->steps; j++) {
    float *z = p->states + j * state;
    struct stages at = {p->slots + (p->keep ? j : 0) * (int64_t)stages * slot_cells(f), p->stage_slopes};
    fill(t, j * p->spacing);
    evaluate_stages(f, p->tableau, t, h, z, 0, &at);
    combine(f, z, h, stages, p->tableau->b, at.slopes, z + state);
    copy(p->slopes + j * state, at.slopes, state);
  }
}

/* The slope at the last knot, which no step has evaluated. */
static void solve_last_slope(const struct fixed_path *p) {
  const struct field *f = p->field;
  int32_t state = cells(f, f->latent);
  float t[LANES], *slot = p->slots + (p->keep ? (int64_t)p->steps * p->tableau->stages * slot_cells(f) : 0);
  fill(t, p->steps * p->spacing);
  copy(slot, p->states + p->steps * state, state);
  evaluate(f, t, slot, p->slopes + p->steps * state);
}

/* The records of `count` steps from `first` on, once more. */
static float *block_slots(const struct fixed_path *p, int32_t first, int32_t count) {
  const struct field *f = p->field;
  int64_t step = (int64_t)p->tableau->stages * slot_cells(f);
  if (p->keep) return p->slots + first * step;
  float h[LANES], t[LANES];
  fill(h, p->spacing);
  for (int32_t i = 0; i < count; i++) {
    struct stages at = {p->slots + i * step, p->stage_slopes};
    fill(t, (first + i) * p->spacing);
    evaluate_stages(f, p->tableau, t, h, p->states + (first + i) * cells(f, f->latent), 0, &at);
  }
  return p->slots;
}

/* The last knot's slope: one evaluation on its own. */
static void pull_last_slope(const struct fixed_path *p, const float *cotangent, float *z, float *gradient) {
  const struct field *f = p->field;
  int32_t state = cells(f, f->latent);
  float t[LANES], *slot = p->slots + (p->keep ? (int64_t)p->steps * p->tableau->stages * slot_cells(f) : 0);
  if (!p->keep) {
    fill(t, p->steps * p->spacing);
    copy(slot, p->states + p->steps * state, state);
    evaluate_hidden(f, t, slot);
  }
  copy(delta_of(f, p->deltas, f->depth), cotangent, state);
  pull(f, slot, p->deltas, p->inputs);
  add_to(z, p->inputs, state);
  contract_field(f, 1, slot, p->deltas, gradient);
}

/*
 * The exact gradient. states*, slopes*: [steps + 1][cells(latent)] cotangents at the knots; slopes* may be 0 for none.
 * z: out, the cotangent of z_0. gradient: added to, the field's parameters.
 */
static void pull_fixed(const struct fixed_path *p, const float *states, const float *slopes, float *z, float *gradient) {
  const struct field *f = p->field;
  int32_t state = cells(f, f->latent), stages = p->tableau->stages;
  float h[LANES];
  fill(h, p->spacing);
  copy(z, states + p->steps * state, state);
  if (slopes) pull_last_slope(p, slopes + p->steps * state, z, gradient);
  for (int32_t end = p->steps; end > 0; end -= p->block) {
    int32_t first = end > p->block ? end - p->block : 0;
    float *slots = block_slots(p, first, end - first);
    for (int32_t j = end - 1; j >= first; j--) {
      int64_t s = (int64_t)(j - first) * stages;
      pull_stages(f, p->tableau, h, slopes ? slopes + j * state : 0, slots + s * slot_cells(f),
                  p->deltas + s * delta_cells(f), p->inputs, z);
      add_to(z, states + j * state, state);
    }
    contract_field(f, (end - first) * stages, slots, p->deltas, gradient);
  }
}

#endif
