/* The model of a job as pointers into the arena: parameters in the order of model/latent/layout.ts, gradients likewise. */
#ifndef ODECAST_MODEL_H
#define ODECAST_MODEL_H

#include "decoder.h"
#include "encoder.h"
#include "job.h"
#include "path.h"

struct model {
  struct encoder encoder;
  struct field field;
  struct decoder decoder;
  const struct tableau *tableau;
  const struct model_cells *cells;
};

struct model_gradient {
  struct encoder_gradient encoder;
  float *field, *decoder;
};

/* Walks the flat vector: each call gives the next block and steps over it. */
INLINE float *next_block(float **at, int32_t size) {
  float *block = *at;
  *at += size;
  return block;
}

INLINE struct layer next_layer(float **at, int32_t inputs, int32_t outputs) {
  const float *weight = next_block(at, inputs * outputs);
  return (struct layer){inputs, outputs, outputs, weight, next_block(at, outputs)};
}

INLINE int32_t encoder_inputs(const struct model_cells *c) { return 2 * c->channels + 1; }

/* The mean-field of the hidden state between observations: no periods, one hidden layer. */
static struct field drift_field(const struct model_cells *c, int32_t lanes, float **at) {
  struct field f = {.latent = c->encoder_units, .units = c->drift_units, .depth = 1, .lanes = lanes};
  if (c->encoder_kind != ODE_RNN_ENCODER) return f;
  f.layers[0] = next_layer(at, c->encoder_units, c->drift_units);
  f.layers[1] = next_layer(at, c->drift_units, c->encoder_units);
  return f;
}

static struct field dynamics_field(float *base, const struct model_cells *c, int32_t lanes, float **at) {
  struct field f = {.latent = c->latent, .periods = c->periods, .units = c->dynamics_units, .depth = c->dynamics_depth,
                    .lanes = lanes, .rates = base + c->rates_at};
  int32_t inputs = field_inputs(&f);
  for (int32_t l = 0; l <= f.depth; l++) {
    int32_t outputs = l == f.depth ? f.latent : f.units;
    f.layers[l] = next_layer(at, inputs, outputs);
    inputs = outputs;
  }
  return f;
}

static struct encoder model_encoder(float *base, const struct model_cells *c, int32_t lanes, float **at) {
  int32_t inputs = encoder_inputs(c), units = c->encoder_units, gates = 3 * units;
  struct encoder e = {.channels = c->channels, .latent = c->latent, .gru = {.inputs = inputs, .units = units, .lanes = lanes}};
  e.gru.input_weight = next_block(at, inputs * gates);
  e.gru.recurrent_weight = next_block(at, units * gates);
  e.gru.input_bias = next_block(at, gates);
  e.gru.recurrent_bias = next_block(at, gates);
  e.drift = drift_field(c, lanes, at);
  e.drift_steps = c->encoder_kind == ODE_RNN_ENCODER ? c->drift_steps : 0;
  e.drift_tableau = (const struct tableau *)(base + c->drift_tableau_at);
  e.head = next_layer(at, units, 2 * c->latent);
  return e;
}

static struct decoder model_decoder(const struct model_cells *c, int32_t lanes, float **at) {
  struct decoder d = {.latent = c->latent, .units = c->decoder_units, .channels = c->channels, .lanes = lanes,
                      .likelihood = c->likelihood, .degrees = c->degrees, .log_normaliser = c->log_normaliser};
  d.hidden = next_layer(at, c->latent, c->decoder_units);
  d.output = next_layer(at, c->decoder_units, 2 * c->channels);
  return d;
}

static struct model read_model(float *base, const struct model_cells *c, int32_t lanes) {
  float *at = base + c->parameters_at;
  struct model m = {.cells = c, .tableau = (const struct tableau *)(base + c->tableau_at)};
  m.encoder = model_encoder(base, c, lanes, &at);
  m.field = dynamics_field(base, c, lanes, &at);
  m.decoder = model_decoder(c, lanes, &at);
  return m;
}

static int32_t field_parameters(const struct field *f) {
  int32_t size = 0;
  for (int32_t l = 0; l <= f->depth; l++) size += (f->layers[l].inputs + 1) * f->layers[l].outputs;
  return size;
}

/* The same walk over the gradient; returns where it ends. */
static float *read_gradient(const struct model *m, float *at, struct model_gradient *g) {
  const struct model_cells *c = m->cells;
  int32_t gates = 3 * c->encoder_units;
  g->encoder.gru.input_weight = next_block(&at, encoder_inputs(c) * gates);
  g->encoder.gru.recurrent_weight = next_block(&at, c->encoder_units * gates);
  g->encoder.gru.input_bias = next_block(&at, gates);
  g->encoder.gru.recurrent_bias = next_block(&at, gates);
  g->encoder.drift = next_block(&at, m->encoder.drift_steps ? field_parameters(&m->encoder.drift) : 0);
  g->encoder.head = next_block(&at, (c->encoder_units + 1) * 2 * c->latent);
  g->field = next_block(&at, field_parameters(&m->field));
  g->decoder = next_block(&at, (c->latent + 1) * c->decoder_units + (c->decoder_units + 1) * 2 * c->channels);
  return at;
}

/* The solve that the model asks for; last: [LANES] the last knot that each lane needs. */
static struct path model_path(const struct model *m, const float *last) {
  const struct model_cells *c = m->cells;
  return (struct path){.field = &m->field, .tableau = m->tableau, .method = c->method, .gradient = c->gradient,
                       .spacing = c->spacing, .rtol = c->rtol, .atol = c->atol, .max_steps = c->max_steps, .last = last};
}

static struct context read_context(float *base, const struct context_cells *c) {
  return (struct context){(const int32_t *)base + c->offsets_at, base + c->values_at, (const uint8_t *)(base + c->mask_at),
                          base + c->clock_at, base + c->gaps_at};
}

#endif
