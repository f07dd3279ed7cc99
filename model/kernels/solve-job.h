/*
 * A bare solve of a batch by the vector field alone, and the gradient of the sum of z_end^2: what the solvers cost and give
 * without a model around them. Samples are solved a tile after the other; lanes without a sample repeat the first
 * and count for nothing.
 */
#ifndef ODECAST_SOLVE_JOB_H
#define ODECAST_SOLVE_JOB_H

#include "job.h"
#include "model.h"

struct bare_solve {
  float *base;
  const struct solve_job *job;
  struct field field;
  struct path path;
  int32_t first, count; /* samples of the tile at hand */
  float last[LANES], turns[LANES];
  float *cotangents;    /* [steps + 1][latent][LANES] */
  float *z_cotangent;   /* [latent][LANES] */
};

static struct field bare_field(float *base, const struct solve_job *j) {
  struct field f = {.latent = j->latent, .units = j->units, .depth = j->depth, .lanes = LANES};
  float *at = base + j->parameters_at;
  for (int32_t l = 0; l <= j->depth; l++) {
    f.layers[l] = next_layer(&at, l == 0 ? j->latent : j->units, l == j->depth ? j->latent : j->units);
  }
  return f;
}

static void take_bare_solve(struct arena *arena, struct bare_solve *s) {
  const struct solve_job *j = s->job;
  take_path(arena, &s->path, j->backward);
  s->cotangents = take(arena, j->backward ? (int64_t)(j->steps + 1) * j->latent * LANES : 0);
  s->z_cotangent = take(arena, j->latent * LANES);
}

/* [units][LANES] from [B][units] */
static void read_starts(const struct bare_solve *s) {
  const struct solve_job *j = s->job;
  int32_t samples[LANES];
  for (int32_t b = 0; b < LANES; b++) samples[b] = s->first + (b < s->count ? b : 0);
  gather_samples(samples, LANES, s->base + j->z0_at, j->latent, s->path.states);
}

static void write_lanes(const struct bare_solve *s, const float *x, int32_t to) {
  for (int32_t b = 0; b < s->count; b++) {
    float *out = s->base + to + (int64_t)(s->first + b) * s->job->latent;
    for (int32_t u = 0; u < s->job->latent; u++) out[u] = x[u * LANES + b];
  }
}

static void write_counts(const struct bare_solve *s, const int32_t *counts, int32_t to) {
  for (int32_t b = 0; b < s->count; b++) ((int32_t *)s->base)[to + s->first + b] = counts[b];
}

/* d/dz_end of the sum of z_end^2 over the samples that came to the end. */
static void write_cotangents(const struct bare_solve *s) {
  int32_t size = s->job->latent * LANES;
  const float *end = s->path.states + (int64_t)s->job->steps * size;
  zero(s->cotangents, (s->job->steps + 1) * size);
  for (int32_t u = 0; u < size; u += LANES) {
    for (int32_t b = 0; b < s->count; b++) {
      if (s->path.status[b] == SUCCESS) s->cotangents[s->job->steps * size + u + b] = 2 * end[u + b];
    }
  }
}

static void solve_tile(struct bare_solve *s) {
  const struct solve_job *j = s->job;
  read_starts(s);
  solve_path(&s->path);
  write_lanes(s, s->path.states + (int64_t)j->steps * j->latent * LANES, j->end_at);
  write_counts(s, s->path.forward, j->forward_at);
  if (j->backward) {
    write_cotangents(s);
    pull_path(&s->path, s->cotangents, 0, s->z_cotangent, s->base + j->gradient_at);
    write_lanes(s, s->z_cotangent, j->z_gradient_at);
    write_counts(s, s->path.backward, j->backward_at);
  }
  write_counts(s, s->path.status, j->status_at);
}

static int32_t run_solve(float *base, struct solve_job *j) {
  struct bare_solve s = {.base = base, .job = j};
  struct arena start = {base + j->scratch.at, 0, j->scratch.cells}, arena = start;
  s.field = bare_field(base, j);
  s.field.turns = s.turns;
  fill(s.last, j->steps);
  s.path = (struct path){.field = &s.field, .tableau = (const struct tableau *)(base + j->tableau_at), .method = j->method,
                         .gradient = j->gradient, .spacing = j->spacing, .steps = j->steps, .knots_alone = 1, .rtol = j->rtol,
                         .atol = j->atol, .max_steps = j->max_steps, .last = s.last};
  take_bare_solve(&arena, &s);
  j->scratch.needed = (int32_t)arena.next;
  if (arena.next > arena.limit) return NO_ROOM;
  if (j->backward) {
    float *gradient = base + j->gradient_at;
    for (int32_t i = 0; i < field_parameters(&s.field); i++) gradient[i] = 0;
  }
  for (s.first = 0; s.first < j->samples; s.first += LANES) {
    s.count = at_most(LANES, j->samples - s.first);
    solve_tile(&s);
  }
  return DONE;
}

#endif
