/*
 * The one piece of memory that a job works in, handed out front to back. The same code that runs a job says how much it
 * needs: it is first walked with an arena of no size, which only counts.
 */
#ifndef ODECAST_ARENA_H
#define ODECAST_ARENA_H

#include <stdint.h>

struct arena {
  float *base;
  int64_t next, limit; /* cells of four bytes */
};

#define CACHE_LINE_CELLS 16

/* `cells` that begin on a cache line. Not to be read or written unless all that was taken is within the limit. */
static float *take(struct arena *arena, int64_t cells) {
  float *taken = arena->base + arena->next;
  arena->next += (cells + CACHE_LINE_CELLS - 1) / CACHE_LINE_CELLS * CACHE_LINE_CELLS;
  return taken;
}

#endif
