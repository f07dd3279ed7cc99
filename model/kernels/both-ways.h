/*
 * The paths of a tile from z_0 forwards and backwards in time: a forecast is asked for the past as for the future.
 *
 * Order of calls: start_ways; reach of every lane; take_ways; write the states at ways->ahead.states; solve_ways. It stays
 * where it is from start_ways on.
 */
#ifndef ODECAST_BOTH_WAYS_H
#define ODECAST_BOTH_WAYS_H

#include "lane.h"
#include "model.h"
#include "read.h"

struct both_ways {
  struct path ahead, behind;
  float last_ahead[LANES], last_behind[LANES]; /* the last knot that each lane reads, counted from 0 on either way */
  int32_t rows;                                /* of the lane that has the most */
};

static void start_ways(struct both_ways *w, const struct model *model) {
  w->ahead = model_path(model, w->last_ahead);
  w->behind = model_path(model, w->last_behind);
  w->behind.spacing = -w->behind.spacing;
  w->rows = w->ahead.steps = w->behind.steps = 0;
}

/* The lane reads `rows` rows, each between the knot left [rows] and the next. */
static void reach(struct both_ways *w, int32_t lane, const int32_t *left, int32_t rows) {
  int32_t ahead = 0, behind = 0;
  for (int32_t row = 0; row < rows; row++) {
    if (left[row] + 1 > ahead) ahead = left[row] + 1;
    if (-left[row] > behind) behind = -left[row];
  }
  if (rows > w->rows) w->rows = rows;
  if (ahead > w->ahead.steps) w->ahead.steps = ahead;
  if (behind > w->behind.steps) w->behind.steps = behind;
  w->last_ahead[lane] = ahead;
  w->last_behind[lane] = behind;
}

/* The lane reads what the one before it does. */
INLINE void reach_alike(struct both_ways *w, int32_t lane) {
  w->last_ahead[lane] = w->last_ahead[lane - 1];
  w->last_behind[lane] = w->last_behind[lane - 1];
}

static void take_ways(struct arena *arena, struct both_ways *w) {
  take_path(arena, &w->ahead, 0);
  take_path(arena, &w->behind, 0);
}

static void solve_ways(struct both_ways *w) {
  copy(w->behind.states, w->ahead.states, cells(w->ahead.field, w->ahead.field->latent));
  solve_path(&w->ahead);
  if (w->behind.steps > 0) solve_path(&w->behind);
}

/* Whether the lane goes back at all: others of its tile may go there alone. */
INLINE int goes_back(const struct both_ways *w, int32_t lane) { return w->last_behind[lane] > 0; }

INLINE int32_t status_of(const struct both_ways *w, int32_t lane) {
  if (w->ahead.status[lane] != SUCCESS || !goes_back(w, lane)) return w->ahead.status[lane];
  return w->behind.status[lane];
}

INLINE int32_t evaluations_of(const struct both_ways *w, int32_t lane) {
  return w->ahead.forward[lane] + (goes_back(w, lane) ? w->behind.forward[lane] : 0);
}

static struct knots knots_both_ways(const struct both_ways *w) {
  const struct field *f = w->ahead.field;
  return (struct knots){w->ahead.spacing, f->latent, f->lanes, cells(f, f->latent), w->ahead.states, w->ahead.slopes,
                        w->behind.states, w->behind.slopes};
}

#endif
