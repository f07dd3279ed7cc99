/*
 * Loss and gradient of a tile, at most LANES samples: encoder, K draws, each solved, read at the targets' times, decoded, and
 * back. All that a tile needs stays in the cache. A batch is as many jobs as it has tiles, and its gradient their sum.
 *
 *   evidence lower bound:  weight sum_b [ 1/K sum_k -log p(x_b | z_bk) + beta KL_b ]
 *   importance-weighted    -weight sum_b log 1/K sum_k w_bk,  log w = log p(x|z) + beta (log p(z) - log q(z))
 *   (Burda et al. 2016, eq. 8): its gradient weighs draw k with w_bk / sum_k w_bk. The draws are solved once for the weights
 *   and once more for the gradient.
 */
#ifndef ODECAST_TRAIN_H
#define ODECAST_TRAIN_H

#include "model.h"
#include "posterior.h"
#include "read.h"

struct targets {
  const int32_t *offsets, *left;
  const float *u, *values;
  const uint8_t *mask;
};

struct training {
  float *base;
  const struct train_job *job;
  struct model model;
  struct model_gradient gradient;
  struct targets targets;
  int32_t samples[LANES]; /* of each lane; those without one repeat the first and count for nothing */
  int32_t count;
  struct encoding encoding;
  struct path path;
  float *head, *head_cotangent; /* [2 latent] */
  float *noise;                 /* [latent] of the draw at work */
  float *turns;                 /* [periods] */
  float *log_weights;           /* [draws][LANES] importance weights */
  float *z_cotangent;           /* [latent] */
  struct knot_cotangents knots;
  int32_t rows, block; /* rows of targets, and how many records are held */
  float *records, *deltas, *out, *values, *mask;
  float last[LANES], share[LANES], loss[LANES];
};

static struct targets read_targets(float *base, const struct train_job *j) {
  const int32_t *ints = (const int32_t *)base;
  return (struct targets){ints + j->target_offsets_at, ints + j->target_left_at, base + j->target_u_at,
                          base + j->target_values_at, (const uint8_t *)(base + j->target_mask_at)};
}

/* Whether all that sample b reads lies on knots. */
static int32_t reads_knots_alone(const struct targets *targets, int32_t b) {
  int32_t between = 0;
  for (int32_t row = targets->offsets[b]; row < targets->offsets[b + 1]; row++) between |= targets->u[row] != 0;
  return !between;
}

/* Which samples the lanes carry, how far they look, and how many rows of targets there are. */
static void place_samples(struct training *t) {
  t->count = t->job->context.samples;
  t->rows = 0;
  t->path.steps = 0;
  t->path.knots_alone = 1;
  for (int32_t i = 0; i < LANES; i++) {
    int32_t b = i < t->count ? i : 0, end = t->targets.offsets[b + 1], rows = end - t->targets.offsets[b];
    int32_t knots = rows > 0 ? t->targets.left[end - 1] + 1 : 0;
    t->samples[i] = b;
    t->last[i] = knots;
    t->path.knots_alone &= reads_knots_alone(&t->targets, b);
    if (rows > t->rows) t->rows = rows;
    if (knots > t->path.steps) t->path.steps = knots;
  }
}

static void take_rows(struct arena *arena, struct training *t) {
  const struct decoder *d = &t->model.decoder;
  t->block = block_of(1, row_cells(d) + row_delta_cells(d), t->rows);
  t->records = take(arena, (int64_t)t->block * row_cells(d));
  t->deltas = take(arena, (int64_t)t->block * row_delta_cells(d));
  t->out = take(arena, 2 * d->channels * LANES);
  t->values = take(arena, d->channels * LANES);
  t->mask = take(arena, d->channels * LANES);
}

static void take_tile(struct arena *arena, struct training *t) {
  int32_t state = t->model.cells->latent * LANES, knots = t->path.steps + 1;
  take_encoding(arena, &t->encoding, 1);
  t->head = take(arena, 2 * state);
  t->head_cotangent = take(arena, 2 * state);
  t->noise = take(arena, state);
  t->turns = take(arena, t->model.cells->periods * LANES);
  t->log_weights = take(arena, (int64_t)t->job->draws * LANES);
  t->z_cotangent = take(arena, state);
  take_path(arena, &t->path, 1);
  t->knots.states = take(arena, (int64_t)knots * state);
  t->knots.slopes = take(arena, (int64_t)knots * state);
  take_rows(arena, t);
}

static void encode_tile(struct training *t) {
  int32_t state = t->model.cells->latent * LANES;
  encode(&t->encoding, t->head);
  bound_variance(t->head + state, state);
  zero(t->head_cotangent, 2 * state);
  gather_samples(t->samples, LANES, t->base + t->job->turns_at, t->model.cells->periods, t->turns);
}

/* z_0 of draw k, and the path from it. */
static void solve_draw(struct training *t, int32_t k) {
  const struct train_job *j = t->job;
  int32_t latent = j->model.latent, state = latent * LANES;
  int32_t *outs = (int32_t *)t->base;
  int64_t at = (int64_t)k * t->count;
  gather_samples(t->samples, LANES, t->base + j->noise_at + at * latent, latent, t->noise);
  draw(t->head, t->head + state, t->noise, state, t->path.states);
  solve_path(&t->path);
  for (int32_t i = 0; i < t->count; i++) {
    outs[j->status_at + at + i] = t->path.status[i];
    outs[j->forward_at + at + i] = t->path.forward[i];
  }
}

static struct knots knots_of(const struct training *t) {
  int32_t latent = t->model.cells->latent;
  return (struct knots){t->path.spacing, latent, LANES, latent * LANES, t->path.states, t->path.slopes, 0, 0};
}

/* Where the lanes read in row s. */
static struct reading row_reading(const struct training *t, int32_t s) {
  struct reading r;
  for (int32_t i = 0; i < LANES; i++) {
    int32_t from = t->targets.offsets[t->samples[i]], end = t->targets.offsets[t->samples[i] + 1];
    read_row(&r, i, t->targets.left + from, t->targets.u + from, end - from, s, unasked(t->path.steps));
  }
  finish_reading(&r, LANES);
  return r;
}

static void gather_targets(const struct training *t, int32_t s) {
  int32_t channels = t->model.cells->channels;
  for (int32_t i = 0; i < LANES; i++) {
    int32_t b = t->samples[i];
    int64_t row = t->targets.offsets[b] + s;
    int here = row < t->targets.offsets[b + 1];
    for (int32_t c = 0; c < channels; c++) {
      t->values[c * LANES + i] = here ? t->targets.values[row * channels + c] : 0;
      t->mask[c * LANES + i] = here && t->targets.mask[row * channels + c] ? 1 : 0;
    }
  }
}

/* Row s decoded and its loss added to t->loss; cotangents of the output are left in t->out. */
static void weigh_row(struct training *t, int32_t s, const struct reading *r, float *record) {
  struct knots knots = knots_of(t);
  struct observed observed = {t->values, t->mask, t->share};
  read_path(&knots, r, record);
  decode_row(&t->model.decoder, record, t->out);
  gather_targets(t, s);
  likelihood_row(&t->model.decoder, &observed, t->out, t->loss);
}

/* Row s forwards and back: records and cotangents at place i of the block, cotangents of the path at the knots. */
static void train_row(struct training *t, int32_t s, int32_t i) {
  const struct decoder *d = &t->model.decoder;
  struct knots knots = knots_of(t);
  struct reading r = row_reading(t, s);
  float *record = t->records + (int64_t)i * row_cells(d), *delta = t->deltas + (int64_t)i * row_delta_cells(d);
  weigh_row(t, s, &r, record);
  copy(delta + d->units * LANES, t->out, 2 * d->channels * LANES);
  pull_row(d, record, delta, t->z_cotangent);
  scatter_reading(&knots, &r, t->z_cotangent, &t->knots);
}

/* -log p of the targets [LANES] into t->loss, and all the way back to the cotangent of z_0. */
static void train_rows(struct training *t) {
  int32_t size = (t->path.steps + 1) * t->model.cells->latent * LANES;
  zero(t->knots.states, size);
  zero(t->knots.slopes, size);
  for (int32_t first = 0; first < t->rows; first += t->block) {
    int32_t count = t->rows - first < t->block ? t->rows - first : t->block;
    for (int32_t i = 0; i < count; i++) train_row(t, first + i, i);
    contract_rows(&t->model.decoder, count, t->records, t->deltas, t->gradient.decoder);
  }
  pull_path(&t->path, t->knots.states, t->knots.slopes, t->z_cotangent, t->gradient.field);
}

static void count_backward(struct training *t, int32_t k) {
  const struct train_job *j = t->job;
  int32_t *out = (int32_t *)t->base + j->backward_at + (int64_t)k * t->count;
  for (int32_t i = 0; i < t->count; i++) out[i] = t->path.backward[i];
}

/* One draw's loss and gradient, each lane weighing t->share. */
static void train_draw(struct training *t, int32_t k) {
  int32_t state = t->model.cells->latent * LANES;
  solve_draw(t, k);
  fill(t->loss, 0);
  if (t->rows == 0) zero(t->z_cotangent, state);
  else train_rows(t);
  count_backward(t, k);
}

/* share [LANES]: a number for the lanes that carry a sample. */
static void share_alike(struct training *t, float share) {
  for (int32_t i = 0; i < LANES; i++) t->share[i] = i < t->count ? share : 0;
}

/* Losses: a double a kind, added lane by lane in their order. */
struct sums {
  double loss, negative_log, divergence;
};

static double sum_of(const struct training *t, const float *lanes) {
  double sum = 0;
  for (int32_t i = 0; i < t->count; i++) sum += lanes[i];
  return sum;
}

static void train_elbo(struct training *t, struct sums *sums) {
  const struct train_job *j = t->job;
  int32_t state = t->model.cells->latent * LANES;
  float kl[LANES];
  double negative_log = 0;
  for (int32_t k = 0; k < j->draws; k++) {
    share_alike(t, j->weight / j->draws);
    train_draw(t, k);
    negative_log += sum_of(t, t->loss) / j->draws;
    pull_draw(t->z_cotangent, t->noise, t->head + state, state, t->head_cotangent);
  }
  divergence(t->head, t->head + state, state, kl);
  share_alike(t, j->weight * j->beta);
  pull_divergence(t->head, t->head + state, state, t->share, t->head_cotangent);
  sums->negative_log += negative_log;
  sums->divergence += sum_of(t, kl);
  sums->loss += negative_log + j->beta * sum_of(t, kl);
}

/* log w of draw k, and its -log p in t->loss. */
static void weigh_draw(struct training *t, int32_t k, float *log_weight) {
  int32_t state = t->model.cells->latent * LANES;
  solve_draw(t, k);
  fill(t->loss, 0);
  for (int32_t s = 0; s < t->rows; s++) {
    struct reading r = row_reading(t, s);
    weigh_row(t, s, &r, t->records);
  }
  for (int32_t v = 0; v < LANES; v += VL) store(log_weight + v, -load(t->loss + v));
  add_log_ratio(t->path.states, t->noise, t->head + state, state, t->job->beta, log_weight);
}

/* log w [draws][LANES] become w / sum w; out: [LANES] log of their mean. */
static void normalise_weights(float *log_weights, int32_t draws, float *out) {
  for (int32_t v = 0; v < LANES; v += VL) {
    vf most = load(log_weights + v), sum = splat(0);
    for (int32_t k = 1; k < draws; k++) most = max_of(most, load(log_weights + k * LANES + v));
    for (int32_t k = 0; k < draws; k++) {
      vf w = v_exp(load(log_weights + k * LANES + v) - most);
      store(log_weights + k * LANES + v, w);
      sum += w;
    }
    for (int32_t k = 0; k < draws; k++) store(log_weights + k * LANES + v, load(log_weights + k * LANES + v) / sum);
    store(out + v, most + v_log(sum * splat(1.0f / draws)));
  }
}

/* Adds what log q and log p say of z_0 to its cotangent and to that of log sigma^2. */
static void pull_log_ratio(struct training *t) {
  int32_t state = t->model.cells->latent * LANES;
  for (int32_t at = 0; at < state; at += VL) {
    vf share = splat(t->job->beta) * load(t->share + at % LANES);
    store(t->z_cotangent + at, fma(share, load(t->path.states + at), load(t->z_cotangent + at)));
    store(t->head_cotangent + state + at, fma(splat(-0.5f), share, load(t->head_cotangent + state + at)));
  }
}

static void train_importance(struct training *t, struct sums *sums) {
  const struct train_job *j = t->job;
  int32_t state = t->model.cells->latent * LANES;
  float bound[LANES], kl[LANES];
  for (int32_t k = 0; k < j->draws; k++) {
    share_alike(t, 0);
    weigh_draw(t, k, t->log_weights + k * LANES);
    sums->negative_log += sum_of(t, t->loss) / j->draws;
  }
  normalise_weights(t->log_weights, j->draws, bound);
  for (int32_t k = 0; k < j->draws; k++) {
    for (int32_t i = 0; i < LANES; i++) t->share[i] = i < t->count ? j->weight * t->log_weights[k * LANES + i] : 0;
    train_draw(t, k);
    pull_log_ratio(t);
    pull_draw(t->z_cotangent, t->noise, t->head + state, state, t->head_cotangent);
  }
  divergence(t->head, t->head + state, state, kl);
  sums->divergence += sum_of(t, kl);
  sums->loss -= sum_of(t, bound);
}

static void train_tile(struct training *t, struct sums *sums) {
  int32_t state = t->model.cells->latent * LANES;
  encode_tile(t);
  if (t->job->bound == ELBO) train_elbo(t, sums);
  else train_importance(t, sums);
  pull_bound(t->head + state, state, t->head_cotangent + state);
  pull_encoder(&t->encoding, t->head_cotangent, &t->gradient.encoder);
}

static void start_training(struct training *t, float *base, struct train_job *j) {
  const struct model_cells *c = &j->model;
  t->base = base;
  t->job = j;
  t->model = read_model(base, c, LANES);
  t->targets = read_targets(base, j);
}

static int32_t run_training(float *base, struct train_job *j) {
  struct training t;
  struct sums sums = {0, 0, 0};
  struct context context = read_context(base, &j->context);
  struct arena arena = {base + j->scratch.at, 0, j->scratch.cells};
  start_training(&t, base, j);
  t.encoding.encoder = &t.model.encoder;
  t.encoding.context = &context;
  t.encoding.samples = t.samples;
  t.path = model_path(&t.model, t.last);
  place_samples(&t);
  take_gru(&arena, &t.model.encoder.gru);
  take_tile(&arena, &t);
  j->scratch.needed = (int32_t)arena.next;
  if (arena.next > j->scratch.cells) return NO_ROOM;
  t.model.field.turns = t.turns;
  prepare_gru(&t.model.encoder.gru);
  float *end = read_gradient(&t.model, base + j->gradient_at, &t.gradient);
  for (float *at = base + j->gradient_at; at < end; at++) *at = 0;
  train_tile(&t, &sums);
  base[j->sums_at] = (float)(sums.loss * j->weight);
  base[j->sums_at + 1] = (float)(sums.negative_log * j->weight);
  base[j->sums_at + 2] = (float)(sums.divergence * j->weight);
  return DONE;
}

#endif
