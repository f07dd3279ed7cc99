/* The one translation unit: all kernels and the entry. (Stub.) */
#include "entry.h"
#include "job.h"
#include "lanes.h"

int32_t ENTRY(kernel_abi)(void) { return KERNEL_ABI; }
int32_t ENTRY(kernel_lanes)(void) { return LANES; }
int32_t ENTRY(kernel_vector_length)(void) { return VL; }

/* OP_COPY: count, in, out: out = in * in + in. */
int32_t ENTRY(kernel_run)(float *base, int32_t operation, int32_t job) {
  const int32_t *fields = (const int32_t *)base + job;
  if (operation != OP_COPY) return -1;
  const float *in = base + fields[1];
  float *out = base + fields[2];
  for (int32_t i = 0; i + VL <= fields[0]; i += VL) {
    const vf x = load(in + i);
    store(out + i, fma(x, x, x));
  }
  return 0;
}
