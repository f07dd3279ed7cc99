/* What the programs of this folder measure time with. */
#ifndef ODECAST_BENCH_CLOCK_H
#define ODECAST_BENCH_CLOCK_H

#include <time.h>

/* Nanoseconds since some moment. */
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e9 * t.tv_sec + t.tv_nsec;
}

#endif
