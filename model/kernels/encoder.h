/*
 * The recognition network: a GRU, or an ODE-RNN (Rubanova et al. 2019, algorithm 1), that reads each lane's observations from
 * its last to its first and ends in the posterior over z_0.
 *
 *   between two observations (ODE-RNN):  dh/dt = tanh(h U + u) V + v  over their gap, by `drift_steps` midpoint steps
 *   at an observation:                   h = gru([x m, m, clock], h)
 *   at the end:                          [mu, raw] = h W + b,  log sigma^2 = 10 tanh(raw / 10)
 *
 * Lanes of fewer observations end earlier and keep their state. All states stay; the records of a block of observations are
 * filled again on the way back, unless all of them fit.
 */
#ifndef ODECAST_ENCODER_H
#define ODECAST_ENCODER_H

#include "fixed.h"
#include "gru.h"
#include "lane.h"

struct encoder {
  int32_t channels, latent;
  struct gru gru;
  int32_t drift_steps; /* 0: none, a GRU */
  struct field drift;
  const struct tableau *drift_tableau;
  struct layer head; /* units -> 2 latent */
};

struct encoder_gradient {
  struct gru_gradient gru;
  float *drift, *head;
};

/* The ragged context of a batch. */
struct context {
  const int32_t *offsets; /* [B + 1] */
  const float *values;    /* [N][channels] */
  const uint8_t *mask;    /* [N][channels] */
  const float *clock;     /* [N] what the encoder sees of time */
  const float *gaps;      /* [N] time to the lane's next observation, 0 at its last; read by an ODE-RNN alone */
};

struct encoding {
  const struct encoder *encoder;
  const struct context *context;
  const int32_t *samples; /* [LANES] sample of each lane */
  int32_t length;         /* of the longest lane */
  int32_t keep, block;    /* observations whose records are held */
  float *states;          /* [length + 1][units] before each observation, and at the end */
  float *records;         /* GRU's */
  float *drift_slots;     /* records of the drift's stages: [observations][drift_steps][stages] */
  float *drift_slopes, *drift_inputs; /* [stages][units] */
  float *deltas, *drift_deltas, *cotangent;
};

static int32_t drift_record_cells(const struct encoder *e) {
  return e->drift_steps ? e->drift_steps * e->drift_tableau->stages * slot_cells(&e->drift) : 0;
}

static int32_t drift_delta_cells(const struct encoder *e) {
  return e->drift_steps ? e->drift_steps * e->drift_tableau->stages * delta_cells(&e->drift) : 0;
}

static int32_t longest(const struct encoding *n, int32_t lanes) {
  int32_t length = 0;
  for (int32_t i = 0; i < lanes; i++) {
    int32_t b = n->samples[i], rows = n->context->offsets[b + 1] - n->context->offsets[b];
    if (rows > length) length = rows;
  }
  return length;
}

static void take_encoding(struct arena *arena, struct encoding *n, int backward) {
  const struct encoder *e = n->encoder;
  int32_t state = gru_cells(&e->gru, e->gru.units), stages = e->drift_steps ? e->drift_tableau->stages : 0;
  int32_t record = gru_record_cells(&e->gru) + drift_record_cells(e);
  n->length = longest(n, e->gru.lanes);
  n->keep = backward && (int64_t)n->length * record <= KEEP_CELLS;
  n->block = backward ? block_of(1, record + gru_delta_cells(&e->gru) + drift_delta_cells(e), n->length) : 1;
  int64_t held = n->keep ? n->length : n->block;
  n->states = take(arena, (int64_t)(n->length + 1) * state);
  n->records = take(arena, held * gru_record_cells(&e->gru));
  n->drift_slots = take(arena, held * drift_record_cells(e));
  n->drift_slopes = take(arena, stages * state);
  n->drift_inputs = take(arena, stages * state);
  n->deltas = take(arena, backward ? (int64_t)n->block * gru_delta_cells(&e->gru) : 0);
  n->drift_deltas = take(arena, backward ? (int64_t)n->block * drift_delta_cells(e) : 0);
  n->cotangent = take(arena, state);
}

/* The row that a lane reads at step s, or -1: each reads its last observation first. */
INLINE int32_t row_of(const struct encoding *n, int32_t lane, int32_t s) {
  int32_t b = n->samples[lane], row = n->context->offsets[b + 1] - 1 - s;
  return row < n->context->offsets[b] ? -1 : row;
}

/* What an observation is held at: products with it stay floats. */
#define FARTHEST 1e30f

/* [x m, m, clock] of each lane; zeros in lanes that have ended. */
static void gather_inputs(const struct encoding *n, int32_t s, float *x, int32_t *reads) {
  const struct context *c = n->context;
  int32_t lanes = n->encoder->gru.lanes, channels = n->encoder->channels;
  for (int32_t i = 0; i < lanes; i++) {
    int32_t row = row_of(n, i, s);
    for (int32_t d = 0; d < channels; d++) {
      int observed = row >= 0 && c->mask[row * channels + d];
      x[d * lanes + i] = observed ? within(c->values[row * channels + d], FARTHEST) : 0;
      x[(channels + d) * lanes + i] = observed ? 1 : 0;
    }
    x[2 * channels * lanes + i] = row >= 0 ? c->clock[row] : 0;
    reads[i] = row >= 0 ? -1 : 0;
  }
}

/* [LANES] the drift's step: a part of the gap to the observation that was read before. */
static void gather_gaps(const struct encoding *n, int32_t s, float *h) {
  int32_t lanes = n->encoder->gru.lanes;
  for (int32_t i = 0; i < lanes; i++) {
    int32_t row = row_of(n, i, s);
    h[i] = row >= 0 ? n->context->gaps[row] / n->encoder->drift_steps : 0;
  }
  if (lanes == 1) spread(h);
}

/* h over the gap before the step's observation, in place. */
static void drift(const struct encoding *n, int32_t s, float *slots, float *h) {
  const struct encoder *e = n->encoder;
  float step[LANES];
  gather_gaps(n, s, step);
  for (int32_t i = 0; i < e->drift_steps; i++) {
    struct stages at = {slots + (int64_t)i * e->drift_tableau->stages * slot_cells(&e->drift), n->drift_slopes};
    evaluate_stages(&e->drift, e->drift_tableau, step, step, h, 0, &at);
    combine(&e->drift, h, step, e->drift_tableau->stages, e->drift_tableau->b, at.slopes, h);
  }
}

/* One observation: from the state before it to the state after, records at place `held` of the block. */
static void encode_step(const struct encoding *n, int32_t s, int32_t held) {
  const struct encoder *e = n->encoder;
  int32_t state = gru_cells(&e->gru, e->gru.units), size = cells(&e->drift, e->gru.units);
  int32_t reads[LANES];
  struct gru_record at = gru_record_at(&e->gru, n->records + (int64_t)held * gru_record_cells(&e->gru));
  gather_inputs(n, s, at.x, reads);
  copy(at.h, n->states + (int64_t)s * state, size);
  if (e->drift_steps && s > 0) drift(n, s, n->drift_slots + (int64_t)held * drift_record_cells(e), at.h);
  gru_step(&e->gru, &at, reads, n->states + (int64_t)(s + 1) * state);
}

/* Reads all observations. head: [2 latent] mu and raw log-variance. */
static void encode(const struct encoding *n, float *head) {
  const struct encoder *e = n->encoder;
  int32_t state = gru_cells(&e->gru, e->gru.units);
  zero(n->states, state);
  for (int32_t s = 0; s < n->length; s++) encode_step(n, s, n->keep ? s : 0);
  affine(&e->head, e->gru.lanes, n->states + (int64_t)n->length * state, head);
}

/* h: in the cotangent after the step's drift, out before it. */
static void pull_drift(const struct encoding *n, int32_t s, float *slots, float *deltas, float *h) {
  const struct encoder *e = n->encoder;
  int32_t stages = e->drift_tableau->stages;
  float step[LANES];
  gather_gaps(n, s, step);
  for (int32_t i = e->drift_steps - 1; i >= 0; i--) {
    pull_stages(&e->drift, e->drift_tableau, step, 0, slots + (int64_t)i * stages * slot_cells(&e->drift),
                deltas + (int64_t)i * stages * delta_cells(&e->drift), n->drift_inputs, h);
  }
}

static void pull_block(const struct encoding *n, int32_t first, int32_t end, const struct encoder_gradient *to) {
  const struct encoder *e = n->encoder;
  int32_t record = gru_record_cells(&e->gru), drifts = drift_record_cells(e), base = n->keep ? 0 : first;
  if (!n->keep) for (int32_t s = first; s < end; s++) encode_step(n, s, s - first);
  float *records = n->records + (int64_t)(first - base) * record;
  float *slots = n->drift_slots + (int64_t)(first - base) * drifts;
  for (int32_t s = end - 1; s >= first; s--) {
    int32_t i = s - first;
    struct gru_record at = gru_record_at(&e->gru, records + (int64_t)i * record);
    gru_pull(&e->gru, &at, n->deltas + (int64_t)i * gru_delta_cells(&e->gru), n->cotangent);
    if (e->drift_steps && s > 0) {
      pull_drift(n, s, slots + (int64_t)i * drifts, n->drift_deltas + (int64_t)i * drift_delta_cells(e), n->cotangent);
    }
  }
  contract_gru(&e->gru, end - first, records, n->deltas, &to->gru);
  if (!e->drift_steps) return;
  /* Nothing drifts before the first observation that is read. */
  int32_t skip = first == 0 ? 1 : 0, per = e->drift_steps * e->drift_tableau->stages;
  contract_field(&e->drift, (end - first - skip) * per, slots + skip * drifts,
                 n->drift_deltas + skip * drift_delta_cells(e), to->drift);
}

/* From the head's cotangent [2 latent][LANES] to the encoder's parameters. */
static void pull_encoder(const struct encoding *n, float *head, const struct encoder_gradient *to) {
  const struct encoder *e = n->encoder;
  float *last = n->states + (int64_t)n->length * gru_cells(&e->gru, e->gru.units);
  struct factors factors = {1, last, 0, head, 0};
  contract(&factors, e->head.inputs, e->head.outputs, to->head, e->head.outputs);
  contract_bias(&factors, e->head.outputs, to->head + e->head.inputs * e->head.outputs);
  affine_transposed(&e->head, head, n->cotangent);
  for (int32_t end = n->length; end > 0; end -= n->block) {
    pull_block(n, end > n->block ? end - n->block : 0, end, to);
  }
}

#endif
