/*
 * Queries, each from its window to its observation distributions in one job: the posterior of its context (or a known one), K
 * starting states drawn from it, their paths, and what the decoder says at the query's times, which are given once for all K.
 *
 * The paths of all queries are lanes of the same tiles, in an order that the caller chose (full tiles of one query first). Where
 * a tile has one query, its lanes read the same knots and their answers lie side by side. A path left over is a narrow tile;
 * then LANES of its times are decoded at once. A lane's bits are the same whatever else is in its tile.
 */
#ifndef ODECAST_QUERY_H
#define ODECAST_QUERY_H

#include "forecast.h"

struct asking {
  float *base;
  struct query_job *job;
  struct model model;
  struct decoder decoder; /* of a wide tile, whatever the paths' */
  struct both_ways ways;
  int32_t lanes, first, count; /* of the job's paths, in their order */
  int shared;                  /* all lanes are of one query, with draws that follow one another */
  const struct query_cells *queries[LANES];
  int32_t draws[LANES], status[LANES];
  float *turns, *draw, *record, *out;
};

static void choose_lanes(struct asking *a, int32_t first) {
  const int32_t *ints = (const int32_t *)a->base;
  const struct query_cells *all = (const struct query_cells *)(a->base + a->job->queries_at);
  a->lanes = tile_lanes(first, a->job->paths);
  a->first = first;
  a->count = at_most(a->lanes, a->job->paths - first);
  a->shared = 1;
  for (int32_t i = 0; i < LANES; i++) {
    int32_t at = first + (i < a->count ? i : 0);
    a->queries[i] = all + ints[a->job->query_of_at + at];
    a->draws[i] = ints[a->job->draw_of_at + at];
    a->shared &= i >= a->count || (a->queries[i] == a->queries[0] && a->draws[i] == a->draws[0] + i);
  }
}

static void reach_queries(struct asking *a) {
  for (int32_t i = 0; i < LANES; i++) {
    const struct query_cells *q = a->queries[i];
    if (i > 0 && q == a->queries[i - 1]) reach_alike(&a->ways, i);
    else reach(&a->ways, i, (const int32_t *)a->base + q->left_at, q->rows);
  }
}

static void take_query_tile(struct arena *arena, struct asking *a, int32_t first) {
  const struct model_cells *c = &a->job->model;
  choose_lanes(a, first);
  a->model = read_model(a->base, c, a->lanes);
  a->decoder = a->model.decoder;
  a->decoder.lanes = LANES;
  start_ways(&a->ways, &a->model);
  reach_queries(a);
  a->turns = take(arena, c->periods * LANES);
  a->model.field.turns = a->turns;
  take_ways(arena, &a->ways);
  a->draw = take(arena, 3 * cells(&a->model.field, c->latent));
  a->record = take(arena, row_cells(&a->decoder));
  a->out = take(arena, 2 * c->channels * LANES);
}

/* z_0 of each lane: its query's posterior and its own noise. */
static void draw_states(const struct asking *a, float *z) {
  int32_t latent = a->job->model.latent, lanes = a->lanes, size = cells(&a->model.field, latent);
  float *mean = a->draw, *log_variance = mean + size, *noise = log_variance + size;
  zero(a->draw, 3 * size);
  for (int32_t i = 0; i < lanes; i++) {
    const struct query_cells *q = a->queries[i];
    const float *from = a->base + (int64_t)q->posterior * latent, *own = a->base + q->noise_at + (int64_t)a->draws[i] * latent;
    for (int32_t l = 0; l < latent; l++) {
      mean[l * lanes + i] = from[a->job->mean_at + l];
      log_variance[l * lanes + i] = from[a->job->log_variance_at + l];
      noise[l * lanes + i] = own[l];
    }
  }
  draw(mean, log_variance, noise, size, z);
}

static void solve_queries(struct asking *a) {
  int32_t periods = a->job->model.periods;
  for (int32_t p = 0; p < periods; p++) {
    for (int32_t i = 0; i < LANES; i++) a->turns[p * LANES + i] = a->base[a->queries[i]->turns_at + p];
  }
  draw_states(a, a->ways.ahead.states);
  solve_ways(&a->ways);
  for (int32_t i = 0; i < a->count; i++) {
    a->status[i] = status_of(&a->ways, i);
    ((int32_t *)a->base)[a->job->evaluations_at + a->first + i] = evaluations_of(&a->ways, i);
  }
}

/* Place i of the record reads row `row` of lane `lane`. */
INLINE void read_at(const struct asking *a, struct reading *r, int32_t i, int32_t lane, int32_t row) {
  const struct query_cells *q = a->queries[lane];
  read_row(r, i, (const int32_t *)a->base + q->left_at, a->base + q->u_at, q->rows, row, unasked(a->ways.ahead.steps));
}

/* A row of each lane. */
static void read_lanes(const struct asking *a, const struct knots *knots, int32_t s) {
  struct reading r;
  if (a->shared) {
    read_at(a, &r, 0, 0, s);
    for (int32_t i = 1; i < LANES; i++) r.left[i] = r.left[0];
    spread(r.u);
  } else {
    for (int32_t i = 0; i < LANES; i++) read_at(a, &r, i, i, s);
  }
  finish_reading(&r, LANES);
  read_path(knots, &r, a->record);
}

/* LANES rows of one lane, from row s on. */
static void read_rows(const struct asking *a, const struct knots *knots, int32_t s) {
  struct reading r;
  for (int32_t i = 0; i < LANES; i++) read_at(a, &r, i, 0, s + i);
  read_gathered(knots, &r, a->record);
}

/* Whether the lanes of a vector have numbers in all of `count` rows. */
INLINE vi numbers(const float *rows, int32_t count) {
  vi all = splat_int(-1);
  for (int32_t i = 0; i < count; i++) {
    vf x = load(rows + i * LANES);
    all &= x - x == splat(0);
  }
  return all;
}

/* The record's distributions, scales from the decoder's raw ones. fine: [LANES] ones where path and distributions have numbers. */
static void decode_record(const struct asking *a, int32_t *fine) {
  int32_t latent = a->job->model.latent, channels = a->job->model.channels;
  decode_row(&a->decoder, a->record, a->out);
  scales_of(a->out + channels * LANES, channels * LANES);
  for (int32_t v = 0; v < LANES; v += VL) {
    store_int(fine + v, numbers(a->record + v, latent) & numbers(a->out + v, 2 * channels));
  }
}

INLINE void keep_status(struct asking *a, int32_t lane, int32_t fine) {
  if (!fine && a->status[lane] == SUCCESS) a->status[lane] = NON_FINITE;
}

/* [channels] of place i of the record, as row `row` of a lane's answer. */
INLINE void write_place(const struct asking *a, int32_t i, int32_t lane, int32_t row) {
  const struct query_cells *q = a->queries[lane];
  int32_t channels = a->job->model.channels;
  for (int32_t c = 0; c < channels; c++) {
    int64_t at = ((int64_t)row * channels + c) * q->draws + a->draws[lane];
    a->base[q->mean_at + at] = a->out[c * LANES + i];
    a->base[q->scale_at + at] = a->out[(channels + c) * LANES + i];
  }
}

/* A whole tile of one query: its draws lie side by side in the answer as they do here. */
static void write_side_by_side(const struct asking *a, int32_t row) {
  const struct query_cells *q = a->queries[0];
  int32_t channels = a->job->model.channels;
  for (int32_t c = 0; c < channels; c++) {
    int64_t at = ((int64_t)row * channels + c) * q->draws + a->draws[0];
    copy(a->base + q->mean_at + at, a->out + c * LANES, LANES);
    copy(a->base + q->scale_at + at, a->out + (channels + c) * LANES, LANES);
  }
}

static void answer_lanes(struct asking *a, const struct knots *knots) {
  int32_t fine[LANES];
  for (int32_t s = 0; s < a->ways.rows; s++) {
    read_lanes(a, knots, s);
    decode_record(a, fine);
    if (a->shared && a->count == LANES) write_side_by_side(a, s);
    for (int32_t i = 0; i < a->count; i++) {
      if (s >= a->queries[i]->rows) continue;
      keep_status(a, i, fine[i]);
      if (!a->shared || a->count < LANES) write_place(a, i, i, s);
    }
  }
}

static void answer_rows(struct asking *a, const struct knots *knots) {
  int32_t fine[LANES];
  for (int32_t s = 0; s < a->ways.rows; s += LANES) {
    read_rows(a, knots, s);
    decode_record(a, fine);
    for (int32_t i = 0; i < LANES && s + i < a->ways.rows; i++) {
      keep_status(a, 0, fine[i]);
      write_place(a, i, 0, s + i);
    }
  }
}

static void answer_tile(struct asking *a) {
  solve_queries(a);
  struct knots knots = knots_both_ways(&a->ways);
  if (a->lanes == 1) answer_rows(a, &knots);
  else answer_lanes(a, &knots);
  for (int32_t i = 0; i < a->count; i++) ((int32_t *)a->base)[a->job->status_at + a->first + i] = a->status[i];
}

static int64_t query_cells_needed(struct asking *a) {
  int64_t needed = 0;
  for (int32_t first = 0; first < a->job->paths; first += a->lanes) {
    struct arena arena = {a->base + a->job->scratch.at, 0, a->job->scratch.cells};
    take_query_tile(&arena, a, first);
    if (arena.next > needed) needed = arena.next;
  }
  return needed;
}

static int32_t run_queries(float *base, struct query_job *j) {
  struct encode_job encoding = {j->model, j->context, j->mean_at, j->log_variance_at, {j->scratch.at, 0, 0}};
  struct asking a = {.base = base, .job = j};
  if (j->context.samples > 0) run_encoding(base, &encoding);
  int64_t needed = query_cells_needed(&a);
  if (encoding.scratch.needed > needed) needed = encoding.scratch.needed;
  j->scratch.needed = (int32_t)needed;
  if (needed > j->scratch.cells) return NO_ROOM;
  encoding.scratch.cells = j->scratch.cells;
  if (j->context.samples > 0) run_encoding(base, &encoding);
  for (int32_t first = 0; first < j->paths; first += a.lanes) {
    struct arena arena = {base + j->scratch.at, 0, j->scratch.cells};
    take_query_tile(&arena, &a, first);
    answer_tile(&a);
  }
  return DONE;
}

#endif
