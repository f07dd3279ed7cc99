/*
 * The solve of a tile and its gradient, whichever the method: one face for all that a training step or a forecast needs.
 *
 *   method          steps                        gradient: checkpointed   adjoint     reversible
 *   euler ... rk4   one from knot to knot        fixed.h                  adjoint.h   -
 *   reversible-heun one from knot to knot        reversible.h             -           reversible.h
 *   dopri5, tsit5   each lane its own            adaptive.h               adjoint.h   -
 *
 * Order of calls: fill in the first part of the struct; take_path; write the states at knot 0; solve_path; pull_path. A path
 * stays where it is from take_path on.
 */
#ifndef ODECAST_PATH_H
#define ODECAST_PATH_H

#include "adaptive.h"
#include "adjoint.h"
#include "job.h"
#include "reversible.h"

struct path {
  const struct field *field;
  const struct tableau *tableau;
  enum method method;
  enum gradient gradient;
  float spacing;        /* of the knots; negative backwards in time */
  int32_t steps;        /* knots: steps + 1 */
  int32_t knots_alone;  /* nothing is read but states at knots: slopes are not evaluated, and 0 */
  float rtol, atol;     /* of an adaptive method, as is the next */
  int32_t max_steps;    /* accepted and rejected, a lane */
  const float *last;    /* [LANES] the last knot that each lane needs */
  /* What comes out. */
  float *states, *slopes;      /* [steps + 1][cells(latent)] */
  float *reached;              /* [LANES] the last knot that is an answer */
  int32_t *status;             /* [LANES] enum status */
  int32_t *forward, *backward; /* [LANES] evaluations of the field, and its vector-Jacobian products */
  /* Of this file. */
  struct course course;
  struct fixed_path fixed;
  struct reversible_heun reversible;
  struct adaptive adaptive;
  struct adjoint adjoint;
};

INLINE int is_adaptive(const struct path *p) { return p->method == DOPRI5 || p->method == TSIT5; }

static void take_method(struct arena *arena, struct path *p, int backward) {
  int exact = backward && p->gradient != ADJOINT;
  if (p->method == REVERSIBLE_HEUN) {
    p->reversible = (struct reversible_heun){.course = &p->course, .retrace = p->gradient == REVERSIBLE};
    take_reversible(arena, &p->reversible, backward);
  } else if (is_adaptive(p)) {
    p->adaptive = (struct adaptive){.course = &p->course, .tableau = p->tableau, .rtol = p->rtol, .atol = p->atol,
                                    .max_steps = p->max_steps};
    take_adaptive(arena, &p->adaptive, exact);
  } else {
    p->fixed = (struct fixed_path){.field = p->field, .tableau = p->tableau, .spacing = p->spacing, .steps = p->steps};
    take_fixed(arena, &p->fixed, exact);
  }
}

static void take_path(struct arena *arena, struct path *p, int backward) {
  struct course *c = &p->course;
  *c = (struct course){.field = p->field, .spacing = p->spacing, .steps = p->steps, .reads_slopes = !p->knots_alone,
                       .last = p->last, .ends_apart = !backward};
  take_lanes(arena, c);
  take_method(arena, p, backward);
  int fixed = p->method != REVERSIBLE_HEUN && !is_adaptive(p);
  if (fixed) {
    c->states = p->fixed.states;
    c->slopes = p->fixed.slopes;
  } else {
    take_states(arena, c);
  }
  if (!fixed || p->gradient == ADJOINT) take_slopes(arena, c, backward, !fixed);
  if (backward && p->gradient == ADJOINT) {
    p->adjoint = (struct adjoint){.course = c, .tableau = p->tableau, .rtol = p->rtol, .atol = p->atol,
                                  .max_steps = p->max_steps, .pace = is_adaptive(p) ? p->adaptive.pace : 0};
    take_adjoint(arena, &p->adjoint);
  }
  p->states = c->states;
  p->slopes = c->slopes;
  p->reached = c->reached;
  p->status = c->status;
  p->forward = c->forward;
  p->backward = c->backward;
}

static void solve_fixed_path(const struct path *p) {
  solve_fixed(&p->fixed);
  float *last = p->slopes + (int64_t)p->steps * cells(p->field, p->field->latent);
  if (p->knots_alone) zero(last, cells(p->field, p->field->latent));
  else solve_last_slope(&p->fixed);
  count_lanes(&p->course, p->forward, p->knots_alone ? 0 : 1, p->tableau->stages);
  judge_lanes(&p->course);
}

/* States, slopes and what became of each lane, from the states at knot 0. */
static void solve_path(struct path *p) {
  start_lanes(&p->course);
  if (p->method == REVERSIBLE_HEUN) {
    solve_reversible(&p->reversible);
    solve_slopes(&p->course, 1);
    judge_lanes(&p->course);
  } else if (is_adaptive(p)) {
    solve_adaptive(&p->adaptive);
    solve_slopes(&p->course, 1);
  } else {
    solve_fixed_path(p);
  }
}

/*
 * The gradient of a loss whose cotangents at the knots are states* and slopes* [steps + 1][cells(latent)]; slopes* may be 0 for
 * none. z: out, the cotangent of z_0. gradient: added to, the field's parameters. Cotangents of failed lanes must be 0.
 */
static void pull_path(struct path *p, const float *states, const float *slopes, float *z, float *gradient) {
  int fixed = p->method != REVERSIBLE_HEUN && !is_adaptive(p);
  if (p->knots_alone) slopes = 0;
  if (fixed && p->gradient != ADJOINT) {
    pull_fixed(&p->fixed, states, slopes, z, gradient);
    count_lanes(&p->course, p->backward, slopes ? 1 : 0, p->tableau->stages);
    return;
  }
  pull_slopes(&p->course, states, slopes, gradient);
  if (p->method == REVERSIBLE_HEUN) pull_reversible(&p->reversible, z, gradient);
  else if (!is_adaptive(p)) pull_adjoint_fixed(&p->adjoint, z, gradient);
  else if (p->gradient == ADJOINT) pull_adjoint_adaptive(&p->adjoint, z, gradient);
  else pull_adaptive(&p->adaptive, z, gradient);
}

#endif
