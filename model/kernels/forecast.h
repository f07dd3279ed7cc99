/*
 * The two jobs of a query: the posteriors of contexts, and paths with their observation distributions at any times.
 * Samples fill wide tiles; what is left over goes through narrow ones, a lane each, when that is cheaper. A lane's bits are
 * the same either way.
 */
#ifndef ODECAST_FORECAST_H
#define ODECAST_FORECAST_H

#include "model.h"
#include "posterior.h"
#include "read.h"

/* Up to so many lanes cost less one by one than as a wide tile of mostly nothing. */
#define NARROW_LANES (LANES / 8)

/* Lanes of the tile that begins at sample `first`: LANES, or 1. */
INLINE int32_t tile_lanes(int32_t first, int32_t samples) { return samples - first > NARROW_LANES ? LANES : 1; }

struct tile {
  int32_t lanes, first, count;
  int32_t samples[LANES];
};

static struct tile tile_at(int32_t first, int32_t samples) {
  struct tile t = {.lanes = tile_lanes(first, samples), .first = first};
  t.count = samples - first < t.lanes ? samples - first : t.lanes;
  for (int32_t i = 0; i < LANES; i++) t.samples[i] = first + (i < t.count ? i : 0);
  return t;
}

/* --- posteriors --- */

struct encoding_job {
  float *base;
  struct encode_job *job;
  struct model model;
  struct context context;
  struct encoding encoding;
  struct tile tile;
  float *head;
};

static void take_encode_tile(struct arena *arena, struct encoding_job *e, int32_t first) {
  const struct model_cells *c = &e->job->model;
  e->tile = tile_at(first, e->job->context.samples);
  e->model = read_model(e->base, c, e->tile.lanes);
  take_gate_bias(arena, &e->model.encoder.gru);
  e->encoding = (struct encoding){.encoder = &e->model.encoder, .context = &e->context, .samples = e->tile.samples};
  take_encoding(arena, &e->encoding, 0);
  e->head = take(arena, 2 * c->latent * LANES + VL);
}

static void encode_posteriors(struct encoding_job *e) {
  int32_t latent = e->job->model.latent, lanes = e->tile.lanes;
  join_gate_bias(&e->model.encoder.gru);
  encode(&e->encoding, e->head);
  float *raw = e->head + latent * lanes;
  bound_variance(raw, lanes == 1 ? vectors(latent) * VL : latent * LANES);
  for (int32_t i = 0; i < e->tile.count; i++) {
    int64_t out = (int64_t)(e->tile.first + i) * latent;
    for (int32_t l = 0; l < latent; l++) {
      e->base[e->job->mean_at + out + l] = e->head[l * lanes + i];
      e->base[e->job->log_variance_at + out + l] = raw[l * lanes + i];
    }
  }
}

static int32_t run_encoding(float *base, struct encode_job *j) {
  struct encoding_job e = {.base = base, .job = j, .context = read_context(base, &j->context)};
  int64_t needed = 0;
  for (int32_t first = 0; first < j->context.samples; first += e.tile.lanes) {
    struct arena arena = {base + j->scratch.at, 0, j->scratch.cells};
    take_encode_tile(&arena, &e, first);
    if (arena.next > needed) needed = arena.next;
  }
  j->scratch.needed = (int32_t)needed;
  if (needed > j->scratch.cells) return NO_ROOM;
  for (int32_t first = 0; first < j->context.samples; first += e.tile.lanes) {
    struct arena arena = {base + j->scratch.at, 0, j->scratch.cells};
    take_encode_tile(&arena, &e, first);
    encode_posteriors(&e);
  }
  return DONE;
}

/* --- paths --- */

struct decoding {
  float *base;
  struct decode_job *job;
  struct model model;
  struct tile tile;
  struct path ahead, behind;
  int32_t rows;
  float *turns, *record, *out;
  float last_ahead[LANES], last_behind[LANES];
};

/* Knots that each lane reads, forwards and backwards in time of z_0. */
static void place_knots(struct decoding *d) {
  const int32_t *ints = (const int32_t *)d->base, *offsets = ints + d->job->offsets_at, *left = ints + d->job->left_at;
  d->rows = d->ahead.steps = d->behind.steps = 0;
  for (int32_t i = 0; i < LANES; i++) {
    int32_t b = d->tile.samples[i], ahead = 0, behind = 0;
    for (int32_t row = offsets[b]; row < offsets[b + 1]; row++) {
      if (left[row] + 1 > ahead) ahead = left[row] + 1;
      if (-left[row] > behind) behind = -left[row];
    }
    if (offsets[b + 1] - offsets[b] > d->rows) d->rows = offsets[b + 1] - offsets[b];
    if (ahead > d->ahead.steps) d->ahead.steps = ahead;
    if (behind > d->behind.steps) d->behind.steps = behind;
    d->last_ahead[i] = ahead;
    d->last_behind[i] = behind;
  }
}

static void take_decode_tile(struct arena *arena, struct decoding *d, int32_t first) {
  const struct model_cells *c = &d->job->model;
  d->tile = tile_at(first, d->job->samples);
  d->model = read_model(d->base, c, d->tile.lanes);
  d->ahead = model_path(&d->model, d->last_ahead);
  d->behind = model_path(&d->model, d->last_behind);
  d->behind.spacing = -d->behind.spacing;
  place_knots(d);
  d->turns = take(arena, c->periods * LANES);
  d->model.field.turns = d->turns;
  take_path(arena, &d->ahead, 0);
  take_path(arena, &d->behind, 0);
  d->record = take(arena, row_cells(&d->model.decoder));
  d->out = take(arena, 2 * c->channels * LANES + VL);
}

/* [units][lanes] from [B][units]; a single lane's phases are splatted, its state is not. */
static void gather_rows(const struct decoding *d, const float *from, int32_t units, float *out) {
  for (int32_t i = 0; i < d->tile.lanes; i++) {
    for (int32_t u = 0; u < units; u++) out[u * d->tile.lanes + i] = from[(int64_t)d->tile.samples[i] * units + u];
  }
}

static void gather_turns(const struct decoding *d) {
  const float *from = d->base + d->job->turns_at;
  int32_t periods = d->job->model.periods;
  for (int32_t p = 0; p < periods; p++) {
    for (int32_t i = 0; i < LANES; i++) d->turns[p * LANES + i] = from[(int64_t)d->tile.samples[i] * periods + p];
  }
}

static void solve_both_ways(struct decoding *d) {
  int32_t latent = d->job->model.latent, size = cells(&d->model.field, latent);
  gather_turns(d);
  zero(d->ahead.states, size);
  gather_rows(d, d->base + d->job->z0_at, latent, d->ahead.states);
  copy(d->behind.states, d->ahead.states, size);
  solve_path(&d->ahead);
  if (d->behind.steps > 0) solve_path(&d->behind);
}

/* Row s of every lane; a lane of fewer rows repeats its last. */
static struct reading decode_reading(const struct decoding *d, int32_t s) {
  const int32_t *ints = (const int32_t *)d->base, *offsets = ints + d->job->offsets_at;
  struct reading r;
  for (int32_t i = 0; i < d->tile.lanes; i++) {
    int32_t b = d->tile.samples[i], end = offsets[b + 1], row = offsets[b] + s;
    row = row < end ? row : end - 1;
    int any = row >= offsets[b];
    r.left[i] = any ? ints[d->job->left_at + row] : unasked(d->ahead.steps);
    r.u[i] = any ? d->base[d->job->u_at + row] : 0;
  }
  finish_reading(&r, d->tile.lanes);
  return r;
}

INLINE int finite(float x) { return x - x == 0; }

/* Copies a lane's row out; 0 where its path has no numbers. */
static int write_row(const struct decoding *d, int32_t lane, int64_t row) {
  int32_t latent = d->job->model.latent, channels = d->job->model.channels, lanes = d->tile.lanes;
  const struct decode_job *j = d->job;
  int fine = 1;
  for (int32_t l = 0; l < latent; l++) {
    float z = d->record[l * lanes + lane];
    d->base[j->latent_at + row * latent + l] = z;
    fine &= finite(z);
  }
  for (int32_t c = 0; c < channels; c++) {
    d->base[j->mean_at + row * channels + c] = d->out[c * lanes + lane];
    d->base[j->scale_at + row * channels + c] = d->out[(channels + c) * lanes + lane];
  }
  return fine;
}

static void scale_of(const struct decoding *d) {
  int32_t channels = d->job->model.channels, lanes = d->tile.lanes;
  float *raw = d->out + channels * lanes;
  int32_t size = lanes == 1 ? vectors(channels) * VL : channels * LANES;
  for (int32_t at = 0; at < size; at += VL) store(raw + at, v_exp(log_scale(load(raw + at))));
}

static void write_rows(struct decoding *d, const struct knots *knots, int32_t s, int32_t *status) {
  const int32_t *offsets = (const int32_t *)d->base + d->job->offsets_at;
  struct reading r = decode_reading(d, s);
  read_path(knots, &r, d->record);
  decode_row(&d->model.decoder, d->record, d->out);
  scale_of(d);
  for (int32_t i = 0; i < d->tile.count; i++) {
    int32_t b = d->tile.samples[i];
    int64_t row = (int64_t)offsets[b] + s;
    if (row < offsets[b + 1] && !write_row(d, i, row) && status[i] == SUCCESS) status[i] = NON_FINITE;
  }
}

static void decode_tile(struct decoding *d) {
  int32_t *ints = (int32_t *)d->base, status[LANES];
  struct knots knots = {d->ahead.spacing, d->job->model.latent, d->tile.lanes, cells(&d->model.field, d->job->model.latent),
                        d->ahead.states, d->ahead.slopes, d->behind.states, d->behind.slopes};
  solve_both_ways(d);
  for (int32_t i = 0; i < d->tile.count; i++) {
    int back = d->last_behind[i] > 0;
    status[i] = d->ahead.status[i] != SUCCESS ? d->ahead.status[i] : back ? d->behind.status[i] : SUCCESS;
    ints[d->job->evaluations_at + d->tile.first + i] = d->ahead.forward[i] + (back ? d->behind.forward[i] : 0);
  }
  for (int32_t s = 0; s < d->rows; s++) write_rows(d, &knots, s, status);
  for (int32_t i = 0; i < d->tile.count; i++) ints[d->job->status_at + d->tile.first + i] = status[i];
}

static int32_t run_decoding(float *base, struct decode_job *j) {
  struct decoding d = {.base = base, .job = j};
  int64_t needed = 0;
  for (int32_t first = 0; first < j->samples; first += d.tile.lanes) {
    struct arena arena = {base + j->scratch.at, 0, j->scratch.cells};
    take_decode_tile(&arena, &d, first);
    if (arena.next > needed) needed = arena.next;
  }
  j->scratch.needed = (int32_t)needed;
  if (needed > j->scratch.cells) return NO_ROOM;
  for (int32_t first = 0; first < j->samples; first += d.tile.lanes) {
    struct arena arena = {base + j->scratch.at, 0, j->scratch.cells};
    take_decode_tile(&arena, &d, first);
    decode_tile(&d);
  }
  return DONE;
}

#endif
