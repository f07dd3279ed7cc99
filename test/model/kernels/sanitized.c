/*
 * The kernels under the compilers' sanitizers, one job a process: the arena is an allocation of exactly its size, and every
 * array that a kernel takes from its scratch is one of its own, so that reading or writing beside any of them is seen.
 * What scratch holds before it is written is a NaN (ASAN_OPTIONS of sanitized-kernels.ts), so that using it is seen too.
 *
 *   sanitized                                      writes abi, lanes, vector length
 *   sanitized OPERATION JOB CELLS < arena          writes the status, then the arena as the job left it
 *
 * All numbers that it writes are int32, as this machine orders bytes.
 */
/* Without it stdlib.h brings a select() of its own. */
#define _POSIX_C_SOURCE 200112L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* In place of model/kernels/arena.h, with the same three names. */
#define ODECAST_ARENA_H

struct arena {
  float *base;
  int64_t next, limit;
};

#define CACHE_LINE_CELLS 16

static void **taken;
static size_t taken_count;

static void *allocate(int64_t cells) {
  void *memory;
  if (posix_memalign(&memory, 64, cells > 0 ? (size_t)cells * 4 : 1) != 0) exit(3);
  return memory;
}

static float *take(struct arena *arena, int64_t cells) {
  float *in_arena = arena->base + arena->next;
  arena->next += (cells + CACHE_LINE_CELLS - 1) / CACHE_LINE_CELLS * CACHE_LINE_CELLS;
  if (arena->next > arena->limit) return in_arena; /* only counting */
  taken = realloc(taken, (taken_count + 1) * sizeof *taken);
  if (taken == NULL) exit(3);
  return taken[taken_count++] = allocate(cells);
}

__attribute__((unused)) static int fits(const struct arena *arena) { return arena->next <= arena->limit; }

static void release(void) {
  for (size_t i = 0; i < taken_count; i++) free(taken[i]);
  free(taken);
}

#include "kernels.c"

static void write_all(const void *from, size_t cells) {
  if (fwrite(from, 4, cells, stdout) != cells) exit(2);
}

static int32_t number(const char *text) { return (int32_t)strtol(text, NULL, 10); }

int main(int count, char **arguments) {
  if (count != 4) {
    write_all((int32_t[]){kernel_abi(), kernel_lanes(), kernel_vector_length()}, 3);
    return 0;
  }
  int32_t cells = number(arguments[3]);
  float *arena = allocate(cells);
  if (fread(arena, 4, cells, stdin) != (size_t)cells) return 2;
  int32_t status = kernel_run(arena, number(arguments[1]), number(arguments[2]));
  write_all(&status, 1);
  write_all(arena, cells);
  release();
  free(arena);
  return 0;
}
