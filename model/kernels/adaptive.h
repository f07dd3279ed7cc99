/*
 * A solve by an embedded explicit pair whose last stage is the first of the next step (dopri5, tsit5), each lane with its own
 * time, step, accept and reject (control.h). Steps are not cut at a knot: a knot inside a step is read from the pair's
 * interpolant, the quartic that meets the states and slopes of both ends; d_i is the fourth power's weight of k_i:
 *
 *   z(u) = z + u^2 (3 - 2u) (z' - z) + h u (1-u)^2 k_0 - h u^2 (1-u) k_last + h u^2 (1-u)^2 sum_i d_i k_i
 *
 * So what a lane answers depends neither on its neighbours nor on what else is asked. All lanes attempt a step together; one
 * that was rejected tries again in the next attempt while the others go on, one that has all its knots rests, with h = 0.
 *
 * The exact gradient holds step lengths constant. The journal has every attempt's start; the way back goes through
 * the attempts in reverse, a rejected or resting lane with h = 0. With Z* and K* the cotangents of state and slope where an
 * accepted step ends, g those of the interpolant's parts, k*_s and x*_s as in stages.h:
 *
 *   k*_last = K* + g_last,   x*_last = Z* + g_z' + (df/dz)^T k*_last
 *   k*_s = h sum_(m>s) a_ms x*_m + g_s,   x*_s = (df/dz)^T k*_s   for 0 < s < last
 *   K* of the start = h sum_m a_m0 x*_m + g_0,   Z* of the start = g_z + sum_m x*_m
 *
 * so that a slope which ends one step and begins the next is pulled once. The first attempts' records stay while they fit the
 * cache; others are computed again, the same bits. A journal is as long as the root of max_steps; when it is full it begins
 * anew from a mark, and on the way back what it no longer has is solved once more from there: memory O(sqrt(max_steps)).
 */
#ifndef ODECAST_ADAPTIVE_H
#define ODECAST_ADAPTIVE_H

#include "control.h"

/* Where the lanes are before an attempt. */
struct walk {
  float t[LANES], lost[LANES]; /* time, and what rounding has kept from it (Kahan) */
  float h[LANES];              /* the length to be tried; 0: the lane rests */
  float taken[LANES];          /* the length of the attempt that follows where it is accepted, else 0 */
  float error[LANES];          /* log E of the last accepted step */
  float most[LANES];           /* that the next factor may be */
  float knot[LANES];           /* the next to be read */
  float left[LANES];           /* attempts */
};

#define WALK_CELLS ((int32_t)(sizeof(struct walk) / sizeof(float)))
/* Attempts that a journal holds at least; without a way back nothing is looked up in it, and it is only seldom begun anew. */
#define LEAST_JOURNAL 64
#define FORWARD_JOURNAL 8

struct adaptive {
  const struct course *course;
  const struct tableau *tableau;
  float rtol, atol;
  int32_t max_steps;
  int32_t segment, filled;  /* which part of the solve the journal holds, and how many attempts of it */
  float *pace;              /* [LANES] length of each lane's last accepted step */
  int32_t length;           /* attempts that the journal holds */
  int32_t marks;            /* 0 without a way back */
  float *journal;           /* [length + 1] entries: walk, z, k_0 */
  float *marked;            /* [marks] entries */
  int32_t keep;             /* attempts of the journal whose records stay */
  int32_t block;            /* other attempts that are computed again and contracted together */
  float *kept, *again;      /* records [keep or block][stages - 1] of the stages from 1 on */
  int32_t *clean;           /* [length] whether no lane was rejected */
  float *slot;              /* a record for now */
  float *slopes;            /* [stages][cells(latent)] k_s */
  float *room;              /* [cells(latent)] */
  float *bend;              /* [cells(latent)] sum_i d_i k_i */
  float *deltas;            /* [block or keep] cotangents of records */
  float *inputs;            /* [stages][cells(latent)] x*_s */
  float *parts;             /* [PARTS][cells(latent)] g */
  float *state, *slope;     /* [cells(latent)] Z*, K* */
};

/* Cotangents of what the interpolant is made of. */
enum part { PART_START, PART_END, PART_FIRST, PART_LAST, PART_BEND, PARTS };

INLINE int32_t state_cells(const struct adaptive *a) { return cells(a->course->field, a->course->field->latent); }
INLINE int32_t entry_cells(const struct adaptive *a) { return WALK_CELLS + 2 * state_cells(a); }
INLINE float *entry_of(const struct adaptive *a, int32_t i) { return a->journal + (int64_t)i * entry_cells(a); }
INLINE struct walk *walk_of(float *entry) { return (struct walk *)entry; }
INLINE float *state_of(float *entry) { return entry + WALK_CELLS; }
INLINE float *slope_of(const struct adaptive *a, float *entry) { return entry + WALK_CELLS + state_cells(a); }
INLINE int64_t attempt_cells(const struct adaptive *a) {
  return (a->tableau->stages - 1) * (int64_t)slot_cells(a->course->field);
}
INLINE int32_t pulls(const struct adaptive *a) { return a->tableau->stages - 1; }

static int32_t root_of(int32_t n) {
  int32_t root = LEAST_JOURNAL;
  while (root < 46340 && root * root < n) root++;
  return root;
}

static void measure_journal(struct adaptive *a, int backward) {
  const struct field *f = a->course->field;
  a->length = !backward ? FORWARD_JOURNAL : at_most(root_of(a->max_steps), a->max_steps);
  a->marks = backward ? (a->max_steps + a->length - 1) / a->length : 0;
  a->keep = backward ? at_most((int32_t)(KEEP_CELLS / attempt_cells(a)), a->length) : 0;
  a->block = backward ? block_of(pulls(a), pulls(a) * (int64_t)(slot_cells(f) + delta_cells(f)), a->length) : 0;
}

static void take_adaptive(struct arena *arena, struct adaptive *a, int backward) {
  const struct field *f = a->course->field;
  int64_t state = state_cells(a);
  measure_journal(a, backward);
  a->pace = take(arena, LANES);
  a->journal = take(arena, (int64_t)(a->length + 1) * entry_cells(a));
  a->marked = take(arena, (int64_t)a->marks * entry_cells(a));
  a->kept = take(arena, a->keep * attempt_cells(a));
  a->again = take(arena, a->block * attempt_cells(a));
  a->clean = (int32_t *)take(arena, a->length);
  a->slot = take(arena, slot_cells(f));
  a->slopes = take(arena, a->tableau->stages * state);
  a->room = take(arena, state);
  a->bend = take(arena, state);
  a->deltas = take(arena, a->block * (int64_t)pulls(a) * delta_cells(f));
  a->inputs = take(arena, backward ? a->tableau->stages * state : 0);
  a->parts = take(arena, backward ? PARTS * state : 0);
  a->state = take(arena, backward ? state : 0);
  a->slope = take(arena, backward ? state : 0);
}

/* --- the start --- */

/* Below this a step is lost in the rounding of time. */
INLINE vf least_length(vf t) { return fma(absolute(t), splat(5.9604645e-8f), splat(1e-20f)); }

/* The first length of each lane, in the direction of time. One evaluation. */
static void start_lengths(const struct adaptive *a, struct walk *w, const float *z, const float *k) {
  const struct field *f = a->course->field;
  struct tolerance tolerance = {a->rtol, a->atol};
  float order = a->tableau->order, direction = a->course->spacing < 0 ? -1 : 1;
  float size[LANES], speed[LANES], change[LANES], trial[LANES];
  int32_t state = state_cells(a);
  for (int32_t at = 0; at < state; at += VL) store(a->room + at, scaled(load(z + at), load(z + at), load(z + at), tolerance));
  mean_of(f, a->room, size);
  for (int32_t at = 0; at < state; at += VL) store(a->room + at, scaled(load(k + at), load(z + at), load(z + at), tolerance));
  mean_of(f, a->room, speed);
  for (int32_t v = 0; v < LANES; v += VL) store(trial + v, splat(direction) * trial_length(load(size + v), load(speed + v)));
  for (int32_t at = 0; at < state; at += VL) store(a->slot + at, fma(load(trial + at % LANES), load(k + at), load(z + at)));
  evaluate(f, trial, a->slot, a->bend);
  for (int32_t at = 0; at < state; at += VL) {
    store(a->room + at, scaled(load(a->bend + at) - load(k + at), load(z + at), load(z + at), tolerance));
  }
  mean_of(f, a->room, change);
  for (int32_t v = 0; v < LANES; v += VL) {
    vf length = absolute(load(trial + v));
    store(w->h + v, splat(direction) * first_length(length, load(speed + v), load(change + v), order));
  }
}

/* Entry 0, at time 0. A lane whose field is no number there fails; one that needs nothing rests. */
static void start_walk(const struct adaptive *a) {
  const struct course *c = a->course;
  struct walk *w = walk_of(a->journal);
  float *z = state_of(a->journal), *k = slope_of(a, a->journal);
  copy(z, c->states, state_cells(a));
  copy(a->slot, z, state_cells(a));
  fill(w->t, 0);
  fill(w->lost, 0);
  fill(w->error, 0);
  fill(w->most, MOST_FACTOR);
  fill(w->knot, 1);
  fill(w->left, a->max_steps);
  evaluate(c->field, w->t, a->slot, k);
  copy(c->slopes, k, state_cells(a));
  start_lengths(a, w, z, k);
  for (int32_t v = 0; v < LANES; v += VL) {
    vf length = absolute(load(w->h + v));
    vi status = load_int(c->status + v), number = length < infinity(), short_of = length <= least_length(splat(0));
    status |= (status == SUCCESS) & ((~number & NON_FINITE) | (short_of & MIN_STEP));
    store_int(c->status + v, status);
    vi goes = (status == SUCCESS) & (load(c->last + v) >= splat(1));
    store(w->h + v, select(goes, load(w->h + v), splat(0)));
    store(a->pace + v, absolute(load(w->h + v)));
  }
}

/* --- one attempt --- */

/* All stages behind the first, from k_0 in `slopes`; records `stride` apart. whole: whether the last k is wanted. */
static void evaluate_attempt(const struct adaptive *a, const float *t, const float *h, const float *z, float *slot,
                             int64_t stride, int whole) {
  const struct field *f = a->course->field;
  int32_t last = a->tableau->stages - 1;
  float time[LANES];
  for (int32_t s = 1; s <= last; s++, slot += stride) {
    combine(f, z, h, s, a->tableau->a[s], a->slopes, slot);
    stage_time(t, h, a->tableau->c[s], time);
    if (s < last || whole) evaluate(f, time, slot, a->slopes + s * state_cells(a));
    else evaluate_hidden(f, time, slot);
  }
}

/* Whether each lane's attempt counts, the time it comes to, and the length that it tries next. */
static int32_t judge_attempt(const struct adaptive *a, struct walk *from, const float *error, struct walk *to) {
  int32_t rejected = 0;
  for (int32_t v = 0; v < LANES; v += VL) {
    vf h = load(from->h + v), t = load(from->t + v), lost = load(from->lost + v);
    struct verdict verdict = judge(load(error + v), load(from->error + v), load(from->most + v), a->tableau->order);
    vi goes = h != splat(0), accepted = goes & verdict.accepted;
    vf taken = select(accepted, h, splat(0)), step = taken + lost, next = t + step;
    store(from->taken + v, taken);
    store(to->t + v, next);
    store(to->lost + v, step - (next - t));
    store(to->h + v, h * verdict.factor);
    store(to->error + v, select(goes, verdict.error, load(from->error + v)));
    store(to->most + v, select(goes, verdict.most, load(from->most + v)));
    store(to->left + v, load(from->left + v) - select(goes, splat(1), splat(0)));
    store(a->pace + v, select(accepted, absolute(h), load(a->pace + v)));
    rejected |= any_of(goes & ~accepted);
  }
  return rejected;
}

/* Who has all its knots rests; who cannot go on fails, and rests. */
static void judge_lanes_on_the_way(const struct adaptive *a, const struct walk *from, const float *error, struct walk *to) {
  const struct course *c = a->course;
  for (int32_t v = 0; v < LANES; v += VL) {
    vf h = load(to->h + v);
    vi going = (load(from->h + v) != splat(0)) & (load(to->knot + v) <= load(c->last + v));
    vi lost = going & (absolute(h) <= least_length(load(to->t + v)));
    vi spent = going & ~lost & (load(to->left + v) <= splat(0));
    vi why = lost & (vi)select(load(error + v) < infinity(), from_bits(splat_int(MIN_STEP)), from_bits(splat_int(NON_FINITE)));
    store_int(c->status + v, load_int(c->status + v) | why | (spent & MAX_STEPS));
    store(to->h + v, select(going & ~lost & ~spent, h, splat(0)));
  }
}

/* --- reading knots inside a step --- */

/* Weights of one reading of each lane, 0 where it reads nothing. */
struct interpolation {
  vi reads[NV];
  vf end[NV], first[NV], last[NV], bend[NV];
  int32_t knot; /* that all read, or -1 */
};

/* The knot that each lane reads next, if its step from `from` reaches it. Whether any lane reads. */
static int32_t interpolate(const struct course *c, const struct walk *from, const float *knot, struct interpolation *at) {
  vi any = splat_int(0);
  UNROLL for (int32_t v = 0; v < NV; v++) {
    vf h = load(from->taken + v * VL), j = load(knot + v * VL);
    vf ahead = fma(j, splat(c->spacing), -load(from->t + v * VL)) - load(from->lost + v * VL);
    vf u = ahead / h, rest = splat(1) - u;
    vi reads = (h != splat(0)) & (u <= splat(1)) & (j <= load(c->last + v * VL));
    vf square = u * u;
    at->reads[v] = reads;
    at->end[v] = select(reads, square * fma(splat(-2), u, splat(3)), splat(0));
    at->first[v] = select(reads, h * u * rest * rest, splat(0));
    at->last[v] = select(reads, -h * square * rest, splat(0));
    at->bend[v] = select(reads, h * square * rest * rest, splat(0));
    any |= reads;
  }
  return any_of(any);
}

/* The knot that all reading lanes read, or -1 where they differ. */
static int32_t common_knot(const struct interpolation *at, const float *knot) {
  vf least = infinity(), most = splat(-1);
  UNROLL for (int32_t v = 0; v < NV; v++) {
    least = min_of(least, select(at->reads[v], load(knot + v * VL), infinity()));
    most = max_of(most, select(at->reads[v], load(knot + v * VL), splat(-1)));
  }
  float low = least[0], high = most[0];
  for (int32_t i = 1; i < VL; i++) {
    if (least[i] < low) low = least[i];
    if (most[i] > high) high = most[i];
  }
  return low == high ? (int32_t)low : -1;
}

INLINE vf interpolated(const struct interpolation *w, int32_t v, vf z, vf end, vf first, vf last, vf bend) {
  return fma(w->end[v], end - z, fma(w->first[v], first, fma(w->last[v], last, fma(w->bend[v], bend, z))));
}

/* x: [cells(latent)], to each reading lane's own knot of `knots` [steps + 1][cells(latent)]. */
static void write_at_knots(const struct field *f, const struct interpolation *w, const float *knot, const float *x, float *knots) {
  int64_t state = cells(f, f->latent);
  if (f->lanes == 1 || w->knot >= 0) {
    float *out = knots + (w->knot >= 0 ? w->knot : (int32_t)knot[0]) * state;
    for (int32_t at = 0; at < state; at += VL) store(out + at, select(w->reads[at / VL % NV], load(x + at), load(out + at)));
    return;
  }
  for (int32_t b = 0; b < LANES; b++) {
    if (!w->reads[b / VL][b % VL]) continue;
    float *out = knots + (int64_t)knot[b] * state + b;
    for (int32_t u = 0; u < f->latent; u++) out[u * LANES] = x[u * LANES + b];
  }
}

/* Its transpose, wide tiles only: x from each reading lane's own knot, 0 in others. */
static void read_at_knots(const struct field *f, const struct interpolation *w, const float *knot, const float *knots, float *x) {
  int64_t state = cells(f, f->latent);
  if (w->knot >= 0) {
    const float *in = knots + w->knot * state;
    for (int32_t at = 0; at < state; at += VL) store(x + at, select(w->reads[at / VL % NV], load(in + at), splat(0)));
    return;
  }
  zero(x, (int32_t)state);
  for (int32_t b = 0; b < LANES; b++) {
    if (!w->reads[b / VL][b % VL]) continue;
    const float *in = knots + (int64_t)knot[b] * state + b;
    for (int32_t u = 0; u < f->latent; u++) x[u * LANES + b] = in[u * LANES];
  }
}

/* sum_i d_i k_i */
static void add_up_bend(const struct adaptive *a) {
  float weights[MAX_STAGES], one[LANES];
  for (int32_t i = 0; i < a->tableau->stages; i++) weights[i] = a->tableau->dense[i][DENSE_POWERS - 1];
  fill(one, 1);
  zero(a->bend, state_cells(a));
  combine(a->course->field, a->bend, one, a->tableau->stages, weights, a->slopes, a->bend);
}

/* All knots inside the step of every lane that took one. end: z'. */
static void read_knots(const struct adaptive *a, float *entry, const float *end, struct walk *to) {
  const struct course *c = a->course;
  const struct walk *from = walk_of(entry);
  int32_t state = state_cells(a);
  const float *z = state_of(entry), *first = a->slopes, *last = a->slopes + (a->tableau->stages - 1) * state;
  struct interpolation w;
  copy(to->knot, from->knot, LANES);
  for (int32_t bent = 0; interpolate(c, from, to->knot, &w); bent = 1) {
    if (!bent) add_up_bend(a);
    w.knot = common_knot(&w, to->knot);
    for (int32_t at = 0; at < state; at += VL) {
      vf x = interpolated(&w, at / VL % NV, load(z + at), load(end + at), load(first + at), load(last + at),
                          load(a->bend + at));
      store(a->room + at, x);
    }
    write_at_knots(c->field, &w, to->knot, a->room, c->states);
    for (int32_t v = 0; v < NV; v++) {
      store(to->knot + v * VL, load(to->knot + v * VL) + select(w.reads[v], splat(1), splat(0)));
    }
  }
}

/* --- the walk --- */

/* Where lanes were accepted, the end of the step; where not, its start. */
static void write_entry(const struct adaptive *a, float *from, const float *end, float *to) {
  const float *taken = walk_of(from)->taken, *last = a->slopes + (a->tableau->stages - 1) * state_cells(a);
  for (int32_t at = 0; at < state_cells(a); at += VL) {
    vi accepted = load(taken + at % LANES) != splat(0);
    store(state_of(to) + at, select(accepted, load(end + at), load(state_of(from) + at)));
    store(slope_of(a, to) + at, select(accepted, load(last + at), load(slope_of(a, from) + at)));
  }
}

/* From entry i of the journal to the next. */
static void attempt(const struct adaptive *a, int32_t i) {
  const struct field *f = a->course->field;
  float *from = entry_of(a, i), *to = entry_of(a, i + 1), *z = state_of(from);
  int64_t stride = i < a->keep ? slot_cells(f) : 0;
  float *slots = i < a->keep ? a->kept + i * attempt_cells(a) : a->slot;
  const float *end = slots + (a->tableau->stages - 2) * stride;
  float error[LANES];
  copy(a->slopes, slope_of(a, from), state_cells(a));
  evaluate_attempt(a, walk_of(from)->t, walk_of(from)->h, z, slots, stride, 1);
  error_of(f, a->tableau, (struct tolerance){a->rtol, a->atol}, walk_of(from)->h, a->slopes, z, end, a->room, error);
  a->clean[i] = !judge_attempt(a, walk_of(from), error, walk_of(to));
  read_knots(a, from, end, walk_of(to));
  judge_lanes_on_the_way(a, walk_of(from), error, walk_of(to));
  write_entry(a, from, end, to);
}

static int32_t any_goes(struct walk *w) {
  vi goes = splat_int(0);
  UNROLL for (int32_t v = 0; v < NV; v++) goes |= load(w->h + v * VL) != splat(0);
  return any_of(goes);
}

/* Attempts from entry 0 on, until all lanes rest or the journal is full. How many. */
static int32_t fill_journal(const struct adaptive *a) {
  int32_t i = 0;
  while (i < a->length && any_goes(walk_of(entry_of(a, i)))) attempt(a, i++);
  return i;
}

/* Two evaluations choose the first length; each attempt costs one for every stage but the first. */
static void count_attempts(const struct adaptive *a, const struct walk *w) {
  for (int32_t b = 0; b < LANES; b++) a->course->forward[b] = 2 + pulls(a) * (a->max_steps - (int32_t)w->left[b]);
}

/* Behind the last knot that a lane has read its state stays as it is: a number, though no answer. */
static void fill_rest(const struct adaptive *a, const struct walk *w) {
  const struct course *c = a->course;
  int64_t state = state_cells(a);
  for (int32_t at = 0; at < LANES; at += VL) store(c->reached + at, load(w->knot + at) - splat(1));
  for (int32_t j = 1; j <= c->steps; j++) {
    float *out = c->states + j * state;
    for (int32_t at = 0; at < state; at += VL) {
      vi read = splat(j) < load(w->knot + at % LANES);
      store(out + at, select(read, load(out + at), load(out - state + at)));
    }
  }
}

/* States at the knots; the slope at the first. */
static void solve_adaptive(struct adaptive *a) {
  start_walk(a);
  a->filled = 0;
  for (a->segment = 0;; a->segment++) {
    if (a->segment < a->marks) copy(a->marked + a->segment * (int64_t)entry_cells(a), a->journal, entry_cells(a));
    a->filled = fill_journal(a);
    if (!any_goes(walk_of(entry_of(a, a->filled)))) break;
    copy(a->journal, entry_of(a, a->filled), entry_cells(a));
  }
  fill_rest(a, walk_of(entry_of(a, a->filled)));
  count_attempts(a, walk_of(entry_of(a, a->filled)));
}

/* --- the way back --- */

/* The records of attempts first ... end - 1 of the journal, computed again where they were not kept or hold a rejected step. */
static float *records_of(const struct adaptive *a, int32_t first, int32_t end) {
  float *records = first < a->keep ? a->kept + first * attempt_cells(a) : a->again;
  for (int32_t i = first; i < end; i++) {
    if (i < a->keep && a->clean[i]) continue;
    float *entry = entry_of(a, i);
    copy(a->slopes, slope_of(a, entry), state_cells(a));
    evaluate_attempt(a, walk_of(entry)->t, walk_of(entry)->taken, state_of(entry), records + (i - first) * attempt_cells(a),
                     slot_cells(a->course->field), 0);
  }
  return records;
}

/* x += w g on each lane */
INLINE void add_part(float *x, vf w, vf g) { store(x, fma(w, g, load(x))); }

/* What is read inside the steps of attempt i: its parts. */
static void pull_readings(const struct adaptive *a, int32_t i) {
  const struct course *c = a->course;
  int32_t state = state_cells(a);
  struct interpolation w;
  float knot[LANES];
  copy(knot, walk_of(entry_of(a, i))->knot, LANES);
  zero(a->parts, PARTS * state);
  while (interpolate(c, walk_of(entry_of(a, i)), knot, &w)) {
    w.knot = common_knot(&w, knot);
    read_at_knots(c->field, &w, knot, c->cotangents, a->room);
    for (int32_t at = 0; at < state; at += VL) {
      int32_t v = at / VL % NV;
      vf g = load(a->room + at);
      add_part(a->parts + PART_START * state + at, splat(1) - w.end[v], g);
      add_part(a->parts + PART_END * state + at, w.end[v], g);
      add_part(a->parts + PART_FIRST * state + at, w.first[v], g);
      add_part(a->parts + PART_LAST * state + at, w.last[v], g);
      add_part(a->parts + PART_BEND * state + at, w.bend[v], g);
    }
    for (int32_t v = 0; v < NV; v++) store(knot + v * VL, load(knot + v * VL) + select(w.reads[v], splat(1), splat(0)));
  }
}

INLINE float *part_of(const struct adaptive *a, enum part part) { return a->parts + part * state_cells(a); }

/* k*_last and, once it is pulled, x*_last. */
static void pull_end(const struct adaptive *a, const float *taken, float *slot, float *delta) {
  const struct field *f = a->course->field;
  int32_t state = state_cells(a), last = a->tableau->stages - 1;
  vf bend = splat(a->tableau->dense[last][DENSE_POWERS - 1]);
  float *out = delta_of(f, delta, f->depth), *input = a->inputs + last * state;
  for (int32_t at = 0; at < state; at += VL) {
    vf carried = select(load(taken + at % LANES) != splat(0), load(a->slope + at), splat(0));
    store(out + at, fma(bend, load(part_of(a, PART_BEND) + at), carried + load(part_of(a, PART_LAST) + at)));
  }
  pull(f, slot, delta, input);
  for (int32_t at = 0; at < state; at += VL) {
    vf carried = select(load(taken + at % LANES) != splat(0), load(a->state + at), splat(0));
    store(input + at, load(input + at) + carried + load(part_of(a, PART_END) + at));
  }
}

/* out = h sum_(m>s) a_ms x*_m + d_s g_bend */
static void stage_cotangent(const struct adaptive *a, int32_t s, const float *taken, float *out) {
  const struct tableau *tableau = a->tableau;
  int32_t state = state_cells(a);
  vf bend = splat(tableau->dense[s][DENSE_POWERS - 1]);
  for (int32_t at = 0; at < state; at += VL) {
    vf sum = splat(0);
    for (int32_t m = s + 1; m < tableau->stages; m++) {
      if (tableau->a[m][s] != 0) sum = fma(splat(tableau->a[m][s]), load(a->inputs + m * state + at), sum);
    }
    store(out + at, fma(bend, load(part_of(a, PART_BEND) + at), load(taken + at % LANES) * sum));
  }
}

/* Z* and K* from behind an attempt to before it. */
static void carry(const struct adaptive *a, const float *taken) {
  int32_t state = state_cells(a);
  stage_cotangent(a, 0, taken, a->room);
  for (int32_t at = 0; at < state; at += VL) {
    vi accepted = load(taken + at % LANES) != splat(0);
    vf sum = load(part_of(a, PART_START) + at);
    for (int32_t m = 1; m < a->tableau->stages; m++) sum += load(a->inputs + m * state + at);
    vf slope = load(a->room + at) + load(part_of(a, PART_FIRST) + at);
    store(a->state + at, select(accepted, unless_faded(sum), load(a->state + at)));
    store(a->slope + at, select(accepted, unless_faded(slope), load(a->slope + at)));
  }
}

static void pull_attempt(const struct adaptive *a, int32_t i, float *records, float *deltas) {
  const struct field *f = a->course->field;
  const float *taken = walk_of(entry_of(a, i))->taken;
  int32_t last = a->tableau->stages - 1;
  pull_readings(a, i);
  for (int32_t s = last; s > 0; s--) {
    float *slot = records + (s - 1) * (int64_t)slot_cells(f), *delta = deltas + (s - 1) * (int64_t)delta_cells(f);
    if (s == last) {
      pull_end(a, taken, slot, delta);
    } else {
      stage_cotangent(a, s, taken, delta_of(f, delta, f->depth));
      pull(f, slot, delta, a->inputs + s * state_cells(a));
    }
  }
  carry(a, taken);
  for (int32_t v = 0; v < LANES; v += VL) {
    int32_t *count = a->course->backward + v;
    store_int(count, load_int(count) + ((load(taken + v) != splat(0)) & pulls(a)));
  }
}

/* All attempts that the journal holds. */
static void pull_journal(const struct adaptive *a, float *gradient) {
  const struct field *f = a->course->field;
  int64_t deltas = pulls(a) * (int64_t)delta_cells(f);
  for (int32_t end = a->filled, first; end > 0; end = first) {
    first = end > a->block ? end - a->block : 0;
    if (first < a->keep && end > a->keep) first = a->keep;
    float *records = records_of(a, first, end);
    for (int32_t i = end - 1; i >= first; i--) {
      pull_attempt(a, i, records + (i - first) * attempt_cells(a), a->deltas + (i - first) * deltas);
    }
    contract_field(f, (end - first) * pulls(a), records, a->deltas, gradient);
  }
}

/* The slope that the first step began with. */
static void pull_first_slope(const struct adaptive *a, float *gradient) {
  const struct field *f = a->course->field;
  float t[LANES];
  fill(t, 0);
  copy(a->slot, a->course->states, state_cells(a));
  evaluate_hidden(f, t, a->slot);
  copy(delta_of(f, a->deltas, f->depth), a->slope, state_cells(a));
  pull(f, a->slot, a->deltas, a->room);
  add_to(a->state, a->room, state_cells(a));
  contract_field(f, 1, a->slot, a->deltas, gradient);
}

/* The exact gradient, from the cotangents at the knots. z: out, that of z_0. gradient: added to. */
static void pull_adaptive(struct adaptive *a, float *z, float *gradient) {
  zero(a->state, state_cells(a));
  zero(a->slope, state_cells(a));
  pull_journal(a, gradient);
  while (a->segment-- > 0) {
    copy(a->journal, a->marked + a->segment * (int64_t)entry_cells(a), entry_cells(a));
    a->filled = fill_journal(a);
    pull_journal(a, gradient);
  }
  pull_first_slope(a, gradient);
  count_lanes(a->course, a->course->backward, 1, 0);
  add_to(a->state, a->course->cotangents, state_cells(a));
  copy(z, a->state, state_cells(a));
}

#endif
