/*
 * The two jobs of a query: the posteriors of contexts, and paths with their observation distributions at any times.
 * Samples fill wide tiles; what is left over goes through narrow ones, a lane each, when that is cheaper. A lane's bits are
 * the same either way.
 */
#ifndef ODECAST_FORECAST_H
#define ODECAST_FORECAST_H

#include "both-ways.h"
#include "model.h"
#include "posterior.h"

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
  take_gru(arena, &e->model.encoder.gru);
  e->encoding = (struct encoding){.encoder = &e->model.encoder, .context = &e->context, .samples = e->tile.samples};
  take_encoding(arena, &e->encoding, 0);
  e->head = take(arena, 2 * c->latent * LANES + VL);
}

static void encode_posteriors(struct encoding_job *e) {
  int32_t latent = e->job->model.latent, lanes = e->tile.lanes;
  prepare_gru(&e->model.encoder.gru);
  encode(&e->encoding, e->head);
  float *raw = e->head + latent * lanes;
  bound_variance(raw, tile_cells(lanes, latent));
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
  struct both_ways ways;
  float *turns, *record, *out;
};

INLINE int32_t rows_of(const struct decoding *d, int32_t b) {
  const int32_t *offsets = (const int32_t *)d->base + d->job->offsets_at;
  return offsets[b + 1] - offsets[b];
}

INLINE int32_t first_row(const struct decoding *d, int32_t b) { return ((const int32_t *)d->base + d->job->offsets_at)[b]; }

INLINE const int32_t *left_of(const struct decoding *d, int32_t b) {
  return (const int32_t *)d->base + d->job->left_at + first_row(d, b);
}

static void take_decode_tile(struct arena *arena, struct decoding *d, int32_t first) {
  const struct model_cells *c = &d->job->model;
  d->tile = tile_at(first, d->job->samples);
  d->model = read_model(d->base, c, d->tile.lanes);
  start_ways(&d->ways, &d->model);
  for (int32_t i = 0; i < LANES; i++) reach(&d->ways, i, left_of(d, d->tile.samples[i]), rows_of(d, d->tile.samples[i]));
  d->turns = take(arena, c->periods * LANES);
  d->model.field.turns = d->turns;
  take_ways(arena, &d->ways);
  d->record = take(arena, row_cells(&d->model.decoder));
  d->out = take(arena, 2 * c->channels * LANES + VL);
}

/* A single lane's phases are splatted, its state is not. */
static void solve_samples(struct decoding *d) {
  const struct decode_job *j = d->job;
  float *z = d->ways.ahead.states;
  gather_samples(d->tile.samples, LANES, d->base + j->turns_at, j->model.periods, d->turns);
  zero(z, cells(&d->model.field, j->model.latent));
  gather_samples(d->tile.samples, d->tile.lanes, d->base + j->z0_at, j->model.latent, z);
  solve_ways(&d->ways);
}

/* Row s of every lane. */
static struct reading decode_reading(const struct decoding *d, int32_t s) {
  struct reading r;
  for (int32_t i = 0; i < d->tile.lanes; i++) {
    int32_t b = d->tile.samples[i];
    const float *u = d->base + d->job->u_at + first_row(d, b);
    read_row(&r, i, left_of(d, b), u, rows_of(d, b), s, unasked(d->ways.ahead.steps));
  }
  finish_reading(&r, d->tile.lanes);
  return r;
}

INLINE int finite(float x) { return x - x == 0; }

/* Copies a lane's row out; 0 where its path or its distributions have no numbers. */
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
    float mean = d->out[c * lanes + lane], scale = d->out[(channels + c) * lanes + lane];
    d->base[j->mean_at + row * channels + c] = mean;
    d->base[j->scale_at + row * channels + c] = scale;
    fine &= finite(mean) & finite(scale);
  }
  return fine;
}

static void write_rows(struct decoding *d, const struct knots *knots, int32_t s, int32_t *status) {
  int32_t channels = d->job->model.channels, lanes = d->tile.lanes;
  struct reading r = decode_reading(d, s);
  read_path(knots, &r, d->record);
  decode_row(&d->model.decoder, d->record, d->out);
  scales_of(d->out + channels * lanes, tile_cells(lanes, channels));
  for (int32_t i = 0; i < d->tile.count; i++) {
    int32_t b = d->tile.samples[i];
    int64_t row = (int64_t)first_row(d, b) + s;
    if (s < rows_of(d, b) && !write_row(d, i, row) && status[i] == SUCCESS) status[i] = NON_FINITE;
  }
}

static void decode_tile(struct decoding *d) {
  int32_t *ints = (int32_t *)d->base, status[LANES];
  solve_samples(d);
  struct knots knots = knots_both_ways(&d->ways);
  for (int32_t i = 0; i < d->tile.count; i++) {
    status[i] = status_of(&d->ways, i);
    ints[d->job->evaluations_at + d->tile.first + i] = evaluations_of(&d->ways, i);
  }
  for (int32_t s = 0; s < d->ways.rows; s++) write_rows(d, &knots, s, status);
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
