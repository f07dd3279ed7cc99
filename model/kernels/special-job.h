/* The elementary functions over an array of the arena: what their errors are measured with. */
#ifndef ODECAST_SPECIAL_JOB_H
#define ODECAST_SPECIAL_JOB_H

#include "job.h"
#include "special.h"

enum special_function { SPECIAL_EXP, SPECIAL_TANH, SPECIAL_SIGMOID, SPECIAL_LOG, SPECIAL_SINCOS };

INLINE vf special_value(int32_t kind, vf x) {
  if (kind == SPECIAL_EXP) return v_exp(x);
  if (kind == SPECIAL_TANH) return v_tanh(x);
  return kind == SPECIAL_SIGMOID ? v_sigmoid(x) : v_log(x);
}

static int32_t run_special(float *base, const struct special_job *j) {
  for (int32_t i = 0; i < j->count; i += VL) {
    vf x = load(base + j->in_at + i), sine, cosine;
    if (j->kind != SPECIAL_SINCOS) {
      store(base + j->out_at + i, special_value(j->kind, x));
      continue;
    }
    v_sincos_turns(x, &sine, &cosine);
    store(base + j->out_at + i, sine);
    store(base + j->out2_at + i, cosine);
  }
  return DONE;
}

#endif
