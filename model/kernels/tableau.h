/*
 * An explicit Runge-Kutta method as a table: stages k_i = f(t + c_i h, z + h sum_j a_ij k_j), step z + h sum_i b_i k_i.
 * `error` gives the embedded estimate h sum_i error_i k_i, `dense` the interpolant z + h sum_i k_i sum_p dense_ip theta^(p+1).
 * The tables themselves have one home, model/ode: a job brings the one that it is solved with as cells of the arena, in the
 * order of this struct.
 */
#ifndef ODECAST_TABLEAU_H
#define ODECAST_TABLEAU_H

#include <stdint.h>

#define MAX_STAGES 7
#define DENSE_POWERS 4

struct tableau {
  int32_t stages;
  int32_t order;
  /* The last stage is the first of the next step (first same as last). */
  int32_t fsal;
  float a[MAX_STAGES][MAX_STAGES];
  float b[MAX_STAGES];
  float c[MAX_STAGES];
  float error[MAX_STAGES];
  float dense[MAX_STAGES][DENSE_POWERS];
};

#endif
