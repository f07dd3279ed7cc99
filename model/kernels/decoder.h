/*
 * The observation model: one hidden tanh layer from the latent state to a location and a raw log scale of each channel, and
 * the negative log likelihood of what was observed there.
 *
 *   [m, raw] = tanh(z W + b) V + c,  s = 6 tanh(raw / 6),  e = (x - m) exp(-s)
 *   Gaussian:    -log p = e^2 / 2 + s - C            d/dm = -e exp(-s)                   d/ds = 1 - e^2
 *   Student-t:   -log p = (nu+1)/2 log(1 + e^2/nu) + s - C
 *                d/dm = -(nu+1) e / (nu + e^2) exp(-s),  d/ds = 1 - (nu+1) e^2 / (nu + e^2)
 *
 * Record of a row (a time of each lane): [z][h]. Cotangents: [h][m, raw] before the layers' functions.
 */
#ifndef ODECAST_DECODER_H
#define ODECAST_DECODER_H

#include "arena.h"
#include "dense.h"
#include "lane.h"

#define LOG_SCALE_BOUND 6.0f

enum likelihood { GAUSSIAN, STUDENT_T };

struct decoder {
  int32_t latent, units, channels, lanes;
  struct layer hidden, output;
  enum likelihood likelihood;
  float degrees;        /* nu of the Student-t */
  float log_normaliser; /* C */
};

INLINE int32_t decoder_cells(const struct decoder *d, int32_t units) { return tile_cells(d->lanes, units); }

INLINE int32_t row_cells(const struct decoder *d) {
  return record_cells(d->lanes, decoder_cells(d, d->latent) + decoder_cells(d, d->units));
}

INLINE int32_t row_delta_cells(const struct decoder *d) { return apart((d->units + 2 * d->channels) * LANES); }

INLINE float *row_hidden(const struct decoder *d, float *row) { return row + decoder_cells(d, d->latent); }

/* out: [2 channels] locations, then raw log scales. The row's z is given. */
static void decode_row(const struct decoder *d, float *row, float *out) {
  affine_tanh(&d->hidden, d->lanes, row, row_hidden(d, row));
  affine(&d->output, d->lanes, row_hidden(d, row), out);
}

INLINE vf log_scale(vf raw) { return splat(LOG_SCALE_BOUND) * v_tanh(raw * splat(1 / LOG_SCALE_BOUND)); }

/* Scales from raw log scales, in place; `size`: a multiple of VL. */
INLINE void scales_of(float *raw, int32_t size) {
  for (int32_t at = 0; at < size; at += VL) store(raw + at, v_exp(log_scale(load(raw + at))));
}

/* What the lanes observed in a row. */
struct observed {
  const float *values; /* [channels][LANES] */
  const float *mask;   /* [channels][LANES] 1 where observed, else 0 */
  const float *share;  /* [LANES] what a lane's likelihood weighs in the loss */
};

INLINE vf negative_log(const struct decoder *d, vf e, vf s) {
  vf density = splat(0.5f) * e * e;
  if (d->likelihood == STUDENT_T) {
    density = splat(0.5f * (d->degrees + 1)) * v_log(fma(e * e, splat(1 / d->degrees), splat(1)));
  }
  return density + s - splat(d->log_normaliser);
}

/* d(-log p)/de */
INLINE vf score(const struct decoder *d, vf e) {
  if (d->likelihood == STUDENT_T) return splat(d->degrees + 1) * e / fma(e, e, splat(d->degrees));
  return e;
}

/* loss: [LANES], added to, -log p of each lane's observed channels. out: in locations and raw scales, out their cotangents. */
static void likelihood_row(const struct decoder *d, const struct observed *o, float *out, float *loss) {
  for (int32_t at = 0; at < d->channels * LANES; at += VL) {
    float *m = out + at, *raw = out + d->channels * LANES + at;
    vi seen = load(o->mask + at) > splat(0);
    vf s = log_scale(load(raw)), inverse = v_exp(-s), e = (load(o->values + at) - load(m)) * inverse;
    vf pull = score(d, e), share = load(o->share + at % LANES), ratio = s * splat(1 / LOG_SCALE_BOUND);
    vf of_loss = select(seen, negative_log(d, e, s), splat(0));
    store(loss + at % LANES, load(loss + at % LANES) + of_loss);
    store(m, select(seen, -share * pull * inverse, splat(0)));
    store(raw, select(seen, share * (splat(1) - pull * e) * (splat(1) - ratio * ratio), splat(0)));
  }
}

/* delta: its output part is given, its hidden part filled; z: the cotangent of the row's z. */
static void pull_row(const struct decoder *d, float *row, float *delta, float *z) {
  float *output = delta + d->units * LANES;
  affine_transposed_tanh(&d->output, output, row_hidden(d, row), delta);
  affine_transposed(&d->hidden, delta, z);
}

/* gradient += that of `rows` rows that lie one after the other; parameters lie layer by layer, weights before biases. */
static void contract_rows(const struct decoder *d, int32_t rows, float *records, float *deltas, float *gradient) {
  struct factors hidden = {rows, records, row_cells(d), deltas, row_delta_cells(d)};
  struct factors output = {rows, row_hidden(d, records), row_cells(d), deltas + d->units * LANES, row_delta_cells(d)};
  contract(&hidden, d->latent, d->units, gradient, d->units);
  gradient += d->latent * d->units;
  contract_bias(&hidden, d->units, gradient);
  gradient += d->units;
  contract(&output, d->units, 2 * d->channels, gradient, 2 * d->channels);
  contract_bias(&output, 2 * d->channels, gradient + d->units * 2 * d->channels);
}

#endif
