/*
 * Single kernels on one core, as wide as the compiler's target, with all that they touch in the nearest caches: for each a line
 * of its name, nanoseconds a call (the best of many short runs), multiply-adds a call, and vectors that went through a function.
 */
#include <stdio.h>

#include "clock.h"
#include "train.h"

#define ROUNDS 100
#define SLOTS CONTRACT_SLOTS
#define UNITS 176 /* of the largest record, with what keeps records apart */

/* On cache lines, as all of an arena. */
#define ARRAY _Alignas(64) static float
ARRAY weights[128 * 128];
ARRAY bias[4 * 128];
ARRAY in[SLOTS * UNITS * LANES];
ARRAY out[SLOTS * UNITS * LANES];
ARRAY other[UNITS * LANES];

/* Numbers between -1 and 1, the same every time. */
static void scatter(float *to, int32_t count, float size) {
  uint32_t state = 1;
  for (int32_t i = 0; i < count; i++) {
    state = 1664525u * state + 1013904223u;
    to[i] = size * ((int32_t)state / 2147483648.0f);
  }
}

static void say(const char *name, double nanoseconds, double multiply_adds, double vectors) {
  printf("%s\t%.4f\t%.0f\t%.0f\n", name, nanoseconds, multiply_adds, vectors);
}

#define MEASURE(name, multiply_adds, vectors, call)                                                                    \
  do {                                                                                                                 \
    double best = 1e18;                                                                                                \
    for (int32_t round = 0; round < ROUNDS; round++) {                                                                 \
      double begun = now();                                                                                            \
      for (int32_t turn = 0; turn < 100; turn++) call;                                                                 \
      double taken = (now() - begun) / 100;                                                                            \
      if (taken < best) best = taken;                                                                                  \
    }                                                                                                                  \
    say(name, best, multiply_adds, vectors);                                                                           \
  } while (0)

INLINE void exp_each(int32_t count, vf *x) { EACH(v) x[v] = v_exp(x[v]); }

/* As many vectors together as a layer takes. */
#define FUNCTION(name, each)                                                                                           \
  NOINLINE void all_##name(void) {                                                                                     \
    const int32_t count = ACTIVE;                                                                                      \
    for (int32_t at = 0; at < 64 * VL; at += count * VL) {                                                             \
      vf x[MOST_EACH];                                                                                                 \
      EACH(v) x[v] = load(in + at + v * VL);                                                                           \
      each(count, x);                                                                                                  \
      EACH(v) store(out + at + v * VL, x[v]);                                                                          \
    }                                                                                                                  \
  }
FUNCTION(exp, exp_each)
FUNCTION(tanh, tanh_each)
FUNCTION(sigmoid, sigmoid_each)

static void measure_field(int32_t latent, int32_t units) {
  const struct layer up = {latent, units, units, weights, bias}, down = {units, latent, latent, weights, bias};
  const struct factors factors = {SLOTS, in, apart((latent + units) * LANES), out, apart((latent + units) * LANES)};
  const double products = (double)latent * units * LANES;
  char name[64];
#define NAMED(text) (snprintf(name, sizeof name, text " %d x %d", latent, units), name)
  MEASURE(NAMED("affine"), products, 0, affine_wide(&down, in, out));
  MEASURE(NAMED("affine_tanh"), products, units * NV, affine_wide_tanh(&up, in, out));
  MEASURE(NAMED("affine_transposed"), products, 0, affine_transposed(&up, in, out));
  MEASURE(NAMED("affine_transposed_tanh"), products, 0, affine_transposed_tanh(&down, in, other, out));
  MEASURE(NAMED("contract"), SLOTS * products, 0, contract(&factors, latent, units, weights, units));
  scatter(weights, 128 * 128, 0.1f);
}

static void measure_gru(int32_t inputs, int32_t units) {
  const struct gru gru = {inputs, units, LANES, weights, weights + 3 * units * inputs, bias, bias, bias};
  const struct gru_record at = gru_record_at(&gru, in);
  int32_t reads[LANES];
  for (int32_t i = 0; i < LANES; i++) reads[i] = -1;
  MEASURE("gru_step 5 and 25 to 25", 3.0 * units * (inputs + units) * LANES, 3 * units * NV, gru_step(&gru, &at, reads, out));
}

static void measure_narrow(int32_t inputs, int32_t outputs) {
  const struct layer layer = {inputs, outputs, outputs, weights, bias};
  /* Each call waits for the one before it, as in a solve. */
  MEASURE("affine_tanh 20 x 20, one lane", inputs * outputs, vectors(outputs), affine_tanh(&layer, 1, out, out));
}

int main(void) {
  scatter(weights, 128 * 128, 0.1f);
  scatter(bias, 4 * 128, 0.1f);
  scatter(in, SLOTS * UNITS * LANES, 3);
  scatter(out, SLOTS * UNITS * LANES, 3);
  scatter(other, UNITS * LANES, 1);
  MEASURE("exp", 0, 64, all_exp());
  MEASURE("tanh", 0, 64, all_tanh());
  MEASURE("sigmoid", 0, 64, all_sigmoid());
  measure_field(4, 20);
  measure_field(16, 64);
  measure_field(32, 128);
  measure_gru(5, 25);
  measure_narrow(20, 20);
  return 0;
}
