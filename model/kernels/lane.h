/* Small things done to an array of lanes [LANES], one number a trajectory, or to a whole array of floats. */
#ifndef ODECAST_LANE_H
#define ODECAST_LANE_H

#include "lanes.h"

/* Cells of an array of `units` numbers a trajectory: a single lane takes whole vectors, of which the rest is rubbish. */
INLINE int32_t tile_cells(int32_t lanes, int32_t units) { return lanes == 1 ? (units + VL - 1) & -VL : units * LANES; }

/* Cells from one record of a wide tile to the next, of `cells` each: an odd number of pieces of eight cache lines. The same units
 * of records that follow one another then lie in different sets of the nearest cache; at a power of two all would lie in one. */
INLINE int32_t apart(int32_t cells) { return ((cells + 127) / 128 | 1) * 128; }

/* The same where a tile may be narrow: of a single lane nothing is contracted. */
INLINE int32_t record_cells(int32_t lanes, int32_t cells) { return lanes == 1 ? cells : apart(cells); }

INLINE void fill(float *lanes, float x) {
  UNROLL for (int32_t v = 0; v < NV; v++) store(lanes + v * VL, splat(x));
}

INLINE float within(float x, float bound) { return x > bound ? bound : x < -bound ? -bound : x; }

/* A narrow tile has one lane, and its number in all places. */
INLINE void spread(float *lanes) { fill(lanes, lanes[0]); }

/* `size`: a multiple of VL, as all arrays of the arena are. */
INLINE void copy(float *out, const float *x, int32_t size) {
  for (int32_t at = 0; at < size; at += VL) store(out + at, load(x + at));
}

INLINE void zero(float *out, int32_t size) {
  for (int32_t at = 0; at < size; at += VL) store(out + at, splat(0));
}

INLINE void add_to(float *out, const float *x, int32_t size) {
  for (int32_t at = 0; at < size; at += VL) store(out + at, load(out + at) + load(x + at));
}

/* A cotangent that has faded to nothing along a long way is made 0: below 1e-38 numbers lose digits, and each operation on them
 * takes a core a hundred cycles. What so little gives to a gradient is lost beside what nearer steps give to the same parameters. */
#define FADED 1e-25f
INLINE vf unless_faded(vf cotangent) { return select(absolute(cotangent) < splat(FADED), splat(0), cotangent); }

/* add_to, for what is carried from step to step. */
INLINE void carry_to(float *out, const float *x, int32_t size) {
  for (int32_t at = 0; at < size; at += VL) store(out + at, unless_faded(load(out + at) + load(x + at)));
}

/* [units][lanes] from [B][units]: lane i takes samples[i]. */
static void gather_samples(const int32_t *samples, int32_t lanes, const float *from, int32_t units, float *out) {
  for (int32_t i = 0; i < lanes; i++) {
    for (int32_t u = 0; u < units; u++) out[u * lanes + i] = from[(int64_t)samples[i] * units + u];
  }
}

#endif
