/* The elementary functions over an array of the arena: what their errors are measured with. */
#ifndef ODECAST_SPECIAL_JOB_H
#define ODECAST_SPECIAL_JOB_H

#include "job.h"
#include "special.h"

enum special_function { SPECIAL_EXP, SPECIAL_TANH, SPECIAL_SIGMOID, SPECIAL_LOG, SPECIAL_SINCOS, SPECIAL_NORMAL };

/* Functions of two values give the second; the others' is not written. */
INLINE vf special_value(int32_t kind, vf x, vf *second) {
  vf first;
  switch (kind) {
    case SPECIAL_EXP: return v_exp(x);
    case SPECIAL_TANH: return v_tanh(x);
    case SPECIAL_SIGMOID: return v_sigmoid(x);
    case SPECIAL_LOG: return v_log(x);
    case SPECIAL_SINCOS: v_sincos_turns(x, &first, second); return first;
    default: v_normal(x, &first, second); return first;
  }
}

static int32_t run_special(float *base, const struct special_job *j) {
  for (int32_t i = 0; i < j->count; i += VL) {
    vf second = splat(0);
    store(base + j->out_at + i, special_value(j->kind, load(base + j->in_at + i), &second));
    if (j->kind >= SPECIAL_SINCOS) store(base + j->out2_at + i, second);
  }
  return DONE;
}

#endif
