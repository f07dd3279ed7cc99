/*
 * The errors of the kernels' elementary functions, against the C library in doubles, over each function's whole range: every
 * STRIDE-th float from 2⁻¹² to 2²² in size and every 97·STRIDE-th of the others, which are most floats and where nothing new
 * happens. Run as `special-scan STRIDE`; writes a line a function: name, worst error in ulp of the true value, where.
 */
#include <stdio.h>

#include "special-job.h"

#define BLOCK 4096
#define COARSE 97
static struct {
  float in[BLOCK], out[BLOCK], out2[BLOCK];
} arena __attribute__((aligned(64)));

/* Then a function is a short series, to 1e-6 ulp and better, and the C library need not be asked. */
static int is_tiny(double x) { return __builtin_fabs(x) < 0x1p-12; }
static double exp_of(double x) { return is_tiny(x) ? 1 + x + x * x / 2 : __builtin_exp(x); }
static double log_of(double x) { return __builtin_log(x); }
static double sigmoid_of(double x) { return is_tiny(x) ? 0.5 + x / 4 : 1 / (1 + __builtin_exp(-x)); }

static double tanh_of(double x) {
  if (is_tiny(x)) return x - x * x * x / 3;
  return __builtin_fabs(x) > 20 ? __builtin_copysign(1, x) : __builtin_tanh(x);
}

/* sin 2πx by whole quarters, which are exact: at a multiple of a half it is 0. */
static double sine_of(double x) {
  const double pi = 3.141592653589793;
  if (is_tiny(x)) return 2 * pi * x * (1 - 2 * pi * pi * x * x / 3);
  const double quarters = __builtin_rint(4 * x), angle = 2 * pi * (x - quarters / 4);
  const int64_t quarter = (int64_t)quarters & 3;
  const double size = quarter & 1 ? __builtin_cos(angle) : __builtin_sin(angle);
  return quarter & 2 ? -size : size;
}

static double cosine_of(double x) { return is_tiny(x) ? 1 - 19.739208802178716 * x * x : sine_of(x + 0.25); }

static double normal_of(double x) { return 0.5 * __builtin_erfc(-x * 0.7071067811865476); }
static double bell_of(double x) { return exp_of(-0.5 * x * x); }

static const struct scan {
  const char *name;
  int32_t kind;
  const float *out;
  float from, to;
  double (*reference)(double);
} SCANS[] = {
    {"exp", SPECIAL_EXP, arena.out, -86.98f, 88.72f, exp_of},
    {"tanh", SPECIAL_TANH, arena.out, -3.4e38f, 3.4e38f, tanh_of},
    {"sigmoid", SPECIAL_SIGMOID, arena.out, -87, 3.4e38f, sigmoid_of},
    {"log", SPECIAL_LOG, arena.out, 1.17549435e-38f, 3.4e38f, log_of},
    {"sine", SPECIAL_SINCOS, arena.out, -4194303, 4194303, sine_of},
    {"cosine", SPECIAL_SINCOS, arena.out2, -4194303, 4194303, cosine_of},
    {"normal", SPECIAL_NORMAL, arena.out, -12, 3.4e38f, normal_of},
    {"bell", SPECIAL_NORMAL, arena.out2, -12, 12, bell_of},
};

/* Floats in their order as integers in theirs. */
static int64_t place_of(float x) {
  int32_t cell;
  __builtin_memcpy(&cell, &x, 4);
  return cell < 0 ? -(int64_t)(cell & 0x7fffffff) : cell;
}

static float float_at(int64_t place) {
  const uint32_t cell = place < 0 ? 0x80000000u | (uint32_t)-place : (uint32_t)place;
  float x;
  __builtin_memcpy(&x, &cell, 4);
  return x;
}

/* How many of floats' spacings at the wanted value fit into 1. */
static double spacings(double wanted) {
  uint64_t cell;
  __builtin_memcpy(&cell, &wanted, 8);
  const uint64_t biased = cell >> 52 & 0x7ff; /* of 2ᵉ: e + 1023; normal floats begin at e = −126 */
  cell = (2 * 1023 + 23 - (biased < 1023 - 126 ? 1023 - 126 : biased)) << 52;
  double per;
  __builtin_memcpy(&per, &cell, 8);
  return per;
}

static double error_of(float got, double wanted) {
  return got == got ? __builtin_fabs(got - wanted) * spacings(wanted) : __builtin_inf();
}

/* A block of coarse steps is 1/20 of an octave: so the fine ones begin early. */
static int64_t step_at(int64_t place, int64_t stride) {
  const float size = __builtin_fabsf(float_at(place));
  return size > 0x1p-13f && size < 0x1p23f ? stride : COARSE * stride;
}

static void scan(const struct scan *s, int64_t stride) {
  const struct special_job job = {s->kind, BLOCK, 0, BLOCK, 2 * BLOCK};
  const int64_t end = place_of(s->to);
  double worst = -1;
  float at = 0;
  int64_t step;
  for (int64_t place = place_of(s->from); place <= end; place += BLOCK * step) {
    step = step_at(place, stride);
    for (int64_t i = 0; i < BLOCK; i++) {
      const int64_t here = place + i * step;
      arena.in[i] = float_at(here < end ? here : end);
    }
    run_special(arena.in, &job);
    for (int32_t i = 0; i < BLOCK; i++) {
      const double error = error_of(s->out[i], s->reference(arena.in[i]));
      if (error > worst) worst = error, at = arena.in[i];
    }
  }
  printf("%s %.3f %.9g\n", s->name, worst, at);
}

int main(int count, char **given) {
  int stride = 1;
  if (count > 1) sscanf(given[1], "%d", &stride);
  for (int32_t i = 0; i < (int32_t)(sizeof SCANS / sizeof *SCANS); i++) scan(SCANS + i, stride);
  return 0;
}
