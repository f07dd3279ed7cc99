/*
 * The continuous adjoint (Chen et al. 2018): with a = dL/dz, backwards in time and beside the state,
 *
 *   dz/dt = f(t, z),   da/dt = -(df/dz)^T a,   dL/dtheta = -integral of (df/dtheta)^T a
 *
 * At every knot a takes what is read there, and z starts anew from the stored state. A step of length h < 0 is one of the same
 * explicit table on the pair [z, a]; its stages are records X_s with cotangents A_s of the field's output, which is all
 * that the integral needs: the stages' records weighted with -h b_s are contracted like any others (dense.h).
 *
 *   X_s = z + h sum_j a_sj k_j,  k_s = f(X_s);   A_s = a - h sum_j a_sj p_j,  p_s = (df/dz)^T A_s
 *
 * Stages lie in a chain: the head, stage 0, then those of weight b_s != 0; one of no weight is put aside. The last stage of a
 * table whose last is the first of the next step ends up where the next head is.
 *
 * By an adaptive method each lane goes its own way back, from the last knot that has a cotangent to the next such one, where its
 * last step is cut. The error is that of z and a alone, not of the integral (Kidger et al. 2021, "Hey, that's not an ODE"); atol
 * counts for a in units of the lane's largest cotangent, for a is as large as the loss is scaled. The first step is as long
 * as the last one of the solve. A rejected lane's head moves on along the chain, and its stages weigh nothing.
 */
#ifndef ODECAST_ADJOINT_H
#define ODECAST_ADJOINT_H

#include "control.h"

struct adjoint {
  const struct course *course;
  const struct tableau *tableau;
  float rtol, atol;            /* these of an adaptive method alone, as the next two */
  int32_t max_steps;
  const float *pace;           /* [LANES] length of the first step backwards, > 0; 0 if steps go from knot to knot */
  int32_t links;               /* stages of weight b_s != 0: from one head to the next */
  int32_t place[MAX_STAGES];   /* of each stage behind the head; -1: put aside */
  int32_t block;               /* steps whose stages are contracted together */
  float *slots, *deltas;       /* [block * links + 1] the chain */
  float *spare_slot, *spare_delta;
  float *slopes, *pulls;       /* [stages][cells(latent)] k_s and p_s */
  float *busy;                 /* [steps + 1][LANES] the largest cotangent of each lane at each knot */
  float *room;                 /* [cells(latent)] */
};

/* Whether stage s ends a step where the next begins. */
INLINE int32_t is_last_first(const struct tableau *tableau, int32_t s) {
  return tableau->fsal && s == tableau->stages - 1;
}

static void place_stages(struct adjoint *a) {
  const struct tableau *tableau = a->tableau;
  a->links = 1;
  a->place[0] = 0;
  for (int32_t s = 1; s < tableau->stages; s++) a->place[s] = tableau->b[s] != 0 ? a->links++ : -1;
  for (int32_t s = 1; s < tableau->stages; s++) {
    if (is_last_first(tableau, s)) a->place[s] = a->links;
  }
}

static void take_adjoint(struct arena *arena, struct adjoint *a) {
  const struct field *f = a->course->field;
  int64_t stages = (int64_t)a->tableau->stages * cells(f, f->latent);
  place_stages(a);
  a->block = block_of(a->links, a->links * (int64_t)(slot_cells(f) + delta_cells(f)), a->pace ? a->max_steps : a->course->steps);
  int64_t chain = (int64_t)a->block * a->links + 1;
  a->slots = take(arena, chain * slot_cells(f));
  a->deltas = take(arena, chain * delta_cells(f));
  a->spare_slot = take(arena, slot_cells(f));
  a->spare_delta = take(arena, delta_cells(f));
  a->slopes = take(arena, stages);
  a->pulls = take(arena, stages);
  a->busy = take(arena, a->pace ? (int64_t)(a->course->steps + 1) * LANES : 0);
  a->room = take(arena, cells(f, f->latent));
}

/* Where stage s of a step lies. */
struct link {
  float *slot, *delta;
};

INLINE struct link link_of(const struct adjoint *a, int32_t step, int32_t s) {
  const struct field *f = a->course->field;
  if (a->place[s] < 0) return (struct link){a->spare_slot, a->spare_delta};
  int64_t at = (int64_t)step * a->links + a->place[s];
  return (struct link){a->slots + at * slot_cells(f), a->deltas + at * delta_cells(f)};
}

INLINE float *cotangent_of(const struct adjoint *a, struct link link) {
  return delta_of(a->course->field, link.delta, a->course->field->depth);
}

/* k_s and p_s of a stage whose X_s and A_s are written. */
static void evaluate_costage(const struct adjoint *a, int32_t s, const float *t, struct link link) {
  const struct field *f = a->course->field;
  int32_t state = cells(f, f->latent);
  evaluate(f, t, link.slot, a->slopes + s * state);
  pull(f, link.slot, link.delta, a->pulls + s * state);
}

/* The stages behind the head, of which k_0 and p_0 are there already. */
static void evaluate_costages(const struct adjoint *a, int32_t step, const float *t, const float *h) {
  const struct field *f = a->course->field;
  struct link head = link_of(a, step, 0);
  float time[LANES], back[LANES];
  for (int32_t v = 0; v < LANES; v += VL) store(back + v, -load(h + v));
  for (int32_t s = 1; s < a->tableau->stages; s++) {
    struct link link = link_of(a, step, s);
    combine(f, head.slot, h, s, a->tableau->a[s], a->slopes, link.slot);
    combine(f, cotangent_of(a, head), back, s, a->tableau->a[s], a->pulls, cotangent_of(a, link));
    stage_time(t, h, a->tableau->c[s], time);
    evaluate_costage(a, s, time, link);
  }
}

/* The cotangents of a step weighted with -h b_s, lane by lane; 0 wherever h is, whatever was there. */
static void weigh_costages(const struct adjoint *a, int32_t step, const float *h) {
  int32_t size = delta_size(a->course->field);
  for (int32_t s = 0; s < a->tableau->stages; s++) {
    if (a->place[s] < 0 || a->tableau->b[s] == 0) continue;
    float *delta = link_of(a, step, s).delta;
    for (int32_t at = 0; at < size; at += VL) {
      vf length = load(h + at % LANES);
      store(delta + at, select(length == splat(0), splat(0), load(delta + at) * (length * splat(-a->tableau->b[s]))));
    }
  }
}

/* What `steps` steps give to the gradient. */
static void contract_chain(const struct adjoint *a, int32_t steps, float *gradient) {
  if (steps > 0) contract_field(a->course->field, steps * a->links, a->slots, a->deltas, gradient);
}

/* From knot j to the one before, one step; a: in and out. */
static void pull_adjoint_step(const struct adjoint *a, int32_t step, int32_t j, float *cotangent) {
  const struct course *c = a->course;
  const struct field *f = c->field;
  int32_t state = cells(f, f->latent);
  struct link head = link_of(a, step, 0);
  float t[LANES], h[LANES], back[LANES];
  fill(t, j * c->spacing);
  fill(h, -c->spacing);
  fill(back, c->spacing);
  copy(head.slot, c->states + (int64_t)j * state, state);
  copy(cotangent_of(a, head), cotangent, state);
  evaluate_costage(a, 0, t, head);
  evaluate_costages(a, step, t, h);
  combine(f, cotangent, back, a->tableau->stages, a->tableau->b, a->pulls, cotangent);
  weigh_costages(a, step, h);
}

/* The gradient with one step from knot to knot, from the cotangents at the knots. z: out, a at the start. */
static void pull_adjoint_fixed(const struct adjoint *a, float *z, float *gradient) {
  const struct course *c = a->course;
  int32_t state = cells(c->field, c->field->latent), step = 0;
  copy(z, c->cotangents + (int64_t)c->steps * state, state);
  for (int32_t j = c->steps; j > 0; j--) {
    pull_adjoint_step(a, step++, j, z);
    carry_to(z, c->cotangents + (int64_t)(j - 1) * state, state);
    if (step == a->block || j == 1) {
      contract_chain(a, step, gradient);
      step = 0;
    }
  }
  count_lanes(c, c->backward, 0, a->tableau->stages);
}

/* --- adaptive --- */

/* Where the lanes are on their way back. */
struct return_walk {
  float t[LANES];
  float h[LANES];     /* signed; 0: the lane rests */
  float way[LANES];   /* to the knot ahead */
  float tried[LANES]; /* h, or less to come to the knot ahead */
  float taken[LANES]; /* that where it is accepted, else 0 */
  float knot[LANES];  /* the knot ahead */
  float error[LANES], most[LANES], left[LANES];
  float scale[LANES]; /* the largest cotangent */
  int32_t fresh;      /* whether any lane is at a knot, so that the head is to be evaluated anew */
};

/* How large the cotangents of each lane are, at each knot and at all. */
static void survey_cotangents(const struct adjoint *a, struct return_walk *w) {
  const struct course *c = a->course;
  int32_t latent = c->field->latent;
  fill(w->scale, 0);
  for (int32_t j = 0; j <= c->steps; j++) {
    const float *cotangent = c->cotangents + (int64_t)j * latent * LANES;
    for (int32_t v = 0; v < LANES; v += VL) {
      vf most = splat(0);
      for (int32_t u = 0; u < latent; u++) {
        vf size = absolute(unless_faded(load(cotangent + u * LANES + v)));
        most = max_of(most, size);
      }
      store(a->busy + j * LANES + v, most);
      store(w->scale + v, max_of(load(w->scale + v), most));
    }
  }
}

/* The next knot before j that lane b has a cotangent at, or 0. */
INLINE int32_t busy_before(const struct adjoint *a, int32_t j, int32_t b) {
  while (--j > 0 && a->busy[j * LANES + b] == 0) continue;
  return j;
}

/* Lane b at knot j: z starts anew, a takes what is read there, and the next knot is chosen. */
static void arrive(const struct adjoint *a, struct return_walk *w, struct link head, int32_t b, int32_t j) {
  const struct course *c = a->course;
  const float *z = c->states + (int64_t)j * c->field->latent * LANES, *read = c->cotangents + (int64_t)j * c->field->latent * LANES;
  float *to = cotangent_of(a, head);
  for (int32_t at = b; at < c->field->latent * LANES; at += LANES) {
    head.slot[at] = z[at];
    to[at] += read[at];
  }
  w->t[b] = j * c->spacing;
  w->knot[b] = j > 0 ? busy_before(a, j, b) : 0;
  w->fresh = 1;
  if (j > 0) c->backward[b]++;
  else w->h[b] = 0;
}

static void start_return(const struct adjoint *a, struct return_walk *w, struct link head) {
  const struct course *c = a->course;
  survey_cotangents(a, w);
  fill(w->error, 0);
  fill(w->most, MOST_FACTOR);
  fill(w->left, a->max_steps);
  zero(cotangent_of(a, head), c->field->latent * LANES);
  for (int32_t b = 0; b < LANES; b++) {
    int32_t j = w->scale[b] == 0 ? 0 : busy_before(a, c->steps + 1, b);
    w->h[b] = c->spacing < 0 ? a->pace[b] : -a->pace[b];
    arrive(a, w, head, b, j);
  }
}

/* Lengths of the steps to the knots ahead: within 1 % of it, all the way. */
static void cut_lengths(const struct adjoint *a, struct return_walk *w) {
  for (int32_t v = 0; v < LANES; v += VL) {
    vf h = load(w->h + v), left = fma(load(w->knot + v), splat(a->course->spacing), -load(w->t + v));
    store(w->way + v, left);
    vi all = (absolute(h) * splat(1.01f) >= absolute(left)) & (h != splat(0));
    store(w->tried + v, select(all, left, h));
  }
}

/* [LANES] E of the pair. */
static void error_of_pair(const struct adjoint *a, int32_t step, const struct return_walk *w, float *error) {
  const struct field *f = a->course->field;
  struct link head = link_of(a, step, 0), end = link_of(a, step + 1, 0);
  const float *from = cotangent_of(a, head), *to = cotangent_of(a, end);
  float of_state[LANES];
  error_of(f, a->tableau, (struct tolerance){a->rtol, a->atol}, w->tried, a->slopes, head.slot, end.slot, a->room, of_state);
  zero(a->room, f->latent * LANES);
  combine(f, a->room, w->tried, a->tableau->stages, a->tableau->error, a->pulls, a->room);
  for (int32_t at = 0; at < f->latent * LANES; at += VL) {
    vf most = max_of(absolute(load(from + at)), absolute(load(to + at)));
    vf ratio = load(a->room + at) / fma(splat(a->rtol), most, splat(a->atol) * load(w->scale + at % LANES));
    store(a->room + at, ratio * ratio);
  }
  mean_of(f, a->room, error);
  for (int32_t v = 0; v < LANES; v += VL) store(error + v, splat(0.5f) * (load(error + v) + load(of_state + v)));
}

/* What is accepted, and what is tried next. Whether any lane was rejected: 1, or 2 if one by what is no number. */
static int32_t judge_return(const struct adjoint *a, const float *error, struct return_walk *w) {
  const struct course *c = a->course;
  int32_t rejected = 0;
  for (int32_t v = 0; v < LANES; v += VL) {
    vf h = load(w->h + v), tried = load(w->tried + v), e = load(error + v);
    struct verdict verdict = judge(e, load(w->error + v), load(w->most + v), a->tableau->order);
    vi goes = h != splat(0), accepted = goes & verdict.accepted, failed = goes & ~accepted;
    vf next = tried * verdict.factor, left = load(w->left + v) - splat(1);
    next = select(accepted & (tried != h) & (absolute(next) < absolute(h)), h, next);
    vi lost = failed & (absolute(next) <= least_length(load(w->t + v)));
    vi why = lost & (vi)select(e < infinity(), from_bits(splat_int(MIN_STEP)), from_bits(splat_int(NON_FINITE)));
    store(w->taken + v, select(accepted, tried, splat(0)));
    store(w->h + v, select(goes & ~lost, next, splat(0)));
    store(w->error + v, select(goes, verdict.error, load(w->error + v)));
    store(w->most + v, select(goes, verdict.most, load(w->most + v)));
    store(w->left + v, select(goes, left, load(w->left + v)));
    store_int(c->status + v, load_int(c->status + v) | why);
    store_int(c->backward + v, load_int(c->backward + v) + (goes & (a->tableau->stages - 1)));
    rejected |= (any_of(failed) & 1) | (any_of(failed & ~(e < infinity())) & 2);
  }
  return rejected;
}

/* Where lanes were rejected the next head is the head as it was. */
static void hold_head(const struct adjoint *a, int32_t step, const struct return_walk *w) {
  const struct field *f = a->course->field;
  struct link head = link_of(a, step, 0), next = link_of(a, step + 1, 0);
  for (int32_t at = 0; at < slot_cells(f); at += VL) {
    vi moved = load(w->taken + at % LANES) != splat(0);
    store(next.slot + at, select(moved, load(next.slot + at), load(head.slot + at)));
  }
  for (int32_t at = 0; at < delta_size(f); at += VL) {
    vi moved = load(w->taken + at % LANES) != splat(0);
    store(next.delta + at, select(moved, load(next.delta + at), load(head.delta + at)));
  }
}

/* Records of a rejected step that holds what is no number: 0 times it would not be 0. */
static void blank_records(const struct adjoint *a, int32_t step, const struct return_walk *w) {
  for (int32_t s = 1; s < a->tableau->stages; s++) {
    if (is_last_first(a->tableau, s)) continue;
    float *slot = link_of(a, step, s).slot;
    for (int32_t at = 0; at < slot_cells(a->course->field); at += VL) {
      store(slot + at, select(load(w->taken + at % LANES) != splat(0), load(slot + at), splat(0)));
    }
  }
}

/* k_0 and p_0 of the next step where this one was accepted. */
static void move_slopes(const struct adjoint *a, const struct return_walk *w) {
  int32_t state = cells(a->course->field, a->course->field->latent), last = (a->tableau->stages - 1) * state;
  for (int32_t at = 0; at < state; at += VL) {
    vi moved = load(w->taken + at % LANES) != splat(0);
    store(a->slopes + at, select(moved, load(a->slopes + last + at), load(a->slopes + at)));
    store(a->pulls + at, select(moved, load(a->pulls + last + at), load(a->pulls + at)));
  }
}

/* Times after a step; lanes that came to the knot ahead are there. A lane whose attempts are spent on the way fails. */
static void move_lanes(const struct adjoint *a, struct return_walk *w, struct link head) {
  const struct course *c = a->course;
  for (int32_t b = 0; b < LANES; b++) {
    if (w->taken[b] != 0 && w->taken[b] == w->way[b]) arrive(a, w, head, b, (int32_t)w->knot[b]);
    else w->t[b] += w->taken[b];
    if (w->h[b] != 0 && w->left[b] <= 0) {
      c->status[b] = MAX_STEPS;
      w->h[b] = 0;
    }
  }
}

/* One attempt of all lanes; the chain is one step longer. */
static void attempt_return(const struct adjoint *a, int32_t step, struct return_walk *w) {
  struct link head = link_of(a, step, 0);
  float error[LANES];
  if (w->fresh) evaluate_costage(a, 0, w->t, head);
  w->fresh = 0;
  cut_lengths(a, w);
  evaluate_costages(a, step, w->t, w->tried);
  error_of_pair(a, step, w, error);
  int32_t rejected = judge_return(a, error, w);
  if (rejected & 1) hold_head(a, step, w);
  if (rejected & 2) blank_records(a, step, w);
  move_slopes(a, w);
  weigh_costages(a, step, w->taken);
  move_lanes(a, w, link_of(a, step + 1, 0));
}

static int32_t any_returns(const struct return_walk *w) {
  vi goes = splat_int(0);
  UNROLL for (int32_t v = 0; v < NV; v++) goes |= load(w->h + v * VL) != splat(0);
  return any_of(goes);
}

/* The gradient by an adaptive method, from the cotangents at the knots. z: out, a at the start. */
static void pull_adjoint_adaptive(const struct adjoint *a, float *z, float *gradient) {
  const struct field *f = a->course->field;
  struct return_walk w;
  int32_t step = 0;
  start_return(a, &w, link_of(a, 0, 0));
  while (any_returns(&w)) {
    attempt_return(a, step++, &w);
    if (step < a->block) continue;
    contract_chain(a, step, gradient);
    copy(a->slots, link_of(a, step, 0).slot, slot_cells(f));
    copy(a->deltas, link_of(a, step, 0).delta, delta_cells(f));
    step = 0;
  }
  contract_chain(a, step, gradient);
  const float *end = cotangent_of(a, link_of(a, step, 0));
  for (int32_t at = 0; at < f->latent * LANES; at += VL) {
    store(z + at, select(load_int(a->course->status + at % LANES) == SUCCESS, load(end + at), splat(0)));
  }
}

#endif
