/*
 * The names under which one build of the kernels is called. A native addon holds a build for each vector width, so there
 * KERNEL_PREFIX tells them apart; WebAssembly exports the plain names and nothing else.
 *
 *   int32_t kernel_abi(void)            the number KERNEL_ABI that the callers were written for
 *   int32_t kernel_lanes(void)          trajectories in a tile, LANES
 *   int32_t kernel_vector_length(void)  floats in a vector, VL
 *   int32_t kernel_run(float *base, int32_t operation, int32_t job)
 *       runs the job whose descriptor lies at base + job; all its offsets count in cells of four bytes from base. Returns the
 *       operation's own status, below zero if there is no such operation.
 */
#ifndef ODECAST_ENTRY_H
#define ODECAST_ENTRY_H

#define ENTRY_PASTE(prefix, name) prefix##_##name
#define ENTRY_WITH(prefix, name) ENTRY_PASTE(prefix, name)

#if defined(KERNEL_PREFIX)
#define ENTRY(name) ENTRY_WITH(KERNEL_PREFIX, name)
#elif defined(__wasm__)
#define ENTRY(name) __attribute__((export_name(#name))) name
#else
#define ENTRY(name) name
#endif

#endif
