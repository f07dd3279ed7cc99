/* The one translation unit: all kernels, and the entry that sends a job to its kernel. */
#include "entry.h"
#include "job.h"
#include "lanes.h"

#include "quantile.h"
#include "query.h"
#include "solve-job.h"
#include "special-job.h"
#include "train.h"

int32_t ENTRY(kernel_abi)(void) { return KERNEL_ABI; }
int32_t ENTRY(kernel_lanes)(void) { return LANES; }
int32_t ENTRY(kernel_vector_length)(void) { return VL; }

int32_t ENTRY(kernel_run)(float *base, int32_t operation, int32_t job) {
  void *cells = base + job;
  switch (operation) {
    case OP_SPECIAL: return run_special(base, cells);
    case OP_TRAIN: return run_training(base, cells);
    case OP_ENCODE: return run_encoding(base, cells);
    case OP_DECODE: return run_decoding(base, cells);
    case OP_QUERY: return run_queries(base, cells);
    case OP_SOLVE: return run_solve(base, cells);
    case OP_QUANTILE: return run_quantiles(base, cells);
    default: return UNKNOWN_OPERATION;
  }
}
