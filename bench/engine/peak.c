/*
 * The most multiply-adds a second that one core gives in vectors as wide as the compiler's target: twelve independent
 * chains, nothing loaded or stored. Prints GFLOP/s (a multiply-add counts as two), the best of many short runs.
 */
#include <stdio.h>

#include "clock.h"

#if defined(__AVX512F__)
#define VL 16
#elif defined(__AVX2__)
#define VL 8
#else
#define VL 4
#endif
#define CHAINS 12
#define TURNS 300000L

typedef float vf __attribute__((vector_size(VL * 4)));

static double run(volatile float *start) {
  vf x[CHAINS], a = (vf){0} + start[0], b = (vf){0} + start[1];
  for (int i = 0; i < CHAINS; i++) x[i] = (vf){0} + start[i % 2];
  double begun = now();
  for (long turn = 0; turn < TURNS; turn++) {
#pragma GCC unroll 16
    for (int i = 0; i < CHAINS; i++) x[i] = x[i] * a + b;
  }
  double nanoseconds = now() - begun;
  float sum = 0;
  for (int i = 0; i < CHAINS; i++) sum += x[i][0];
  start[2] = sum;
  return 2.0 * VL * CHAINS * TURNS / nanoseconds;
}

int main(void) {
  volatile float start[3] = {0.999f, 0.001f, 0};
  double best = 0;
  for (int i = 0; i < 200; i++) {
    double rate = run(start);
    if (rate > best) best = rate;
  }
  printf("%.3f\n", best);
  return 0;
}
