/*
 * Vectors of floats in the compilers' own extension (gcc, clang): no libc, and no intrinsics but in tanh-table.h and for
 * WebAssembly's multiply-add, minimum and maximum below. One source serves AVX-512, AVX2, SSE2, NEON and WebAssembly; what
 * differs is the width, which must be the machine's own (wider ones are lowered badly).
 *
 * VL     floats in one vector
 * NV     vectors in a tile
 * LANES  trajectories that are solved side by side in one tile: NV * VL
 *
 * Not here: what is computed with them.
 */
#ifndef ODECAST_LANES_H
#define ODECAST_LANES_H

#include <stdint.h>

#if defined(__AVX512F__)
#define VL 16
#elif defined(__AVX2__)
#define VL 8
#else
#define VL 4
#endif
#define NV 2
#define LANES (NV * VL)

/* Element alignment: rows of weights and one-lane arrays start anywhere. may_alias: the arena is one array of floats. */
typedef float vf __attribute__((vector_size(VL * 4), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(VL * 4), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))
/* The heavy functions are compiled once each, however many callers they have. */
#define NOINLINE static __attribute__((noinline))
/* Loops over the few vectors of a register block are unrolled, whatever the optimiser thinks of them. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
/* Two turns of a loop in one, so that the machine foresees its end more often. V8 has no registers left for that. */
#if defined(__wasm__)
#define TWICE
#elif defined(__clang__)
#define TWICE _Pragma("clang loop unroll_count(2)")
#else
#define TWICE _Pragma("GCC unroll 2")
#endif

INLINE vf load(const float *at) { return *(const vf *)at; }
INLINE void store(float *at, vf x) { *(vf *)at = x; }
INLINE vf splat(float x) { return x - (vf){0}; } /* x - 0 keeps the sign of a zero; x + 0 does not */
INLINE vi splat_int(int32_t x) { return x - (vi){0}; }

/* a * b + c in one rounding where the machine has it: every kernel says it so, that no compiler chooses for itself. */
INLINE vf fma(vf a, vf b, vf c) {
#if defined(__wasm_relaxed_simd__)
  return __builtin_wasm_relaxed_madd_f32x4(a, b, c);
#else
  return a * b + c; /* built with -ffp-contract=fast */
#endif
}

/* A product that is then added to another product: rounded by itself. a * b + c * d leaves a compiler the choice which of the
 * two it fuses with the addition, and it need not choose alike in two places. */
INLINE vf rounded_product(vf a, vf b) { return fma(a, b, (vf){0}); }

INLINE vi bits(vf x) { return (vi)x; }
INLINE vf from_bits(vi x) { return (vf)x; }
/* Lanes of a and, counted on from VL, of b, by constant places. gcc has clang's spelling from version 12 on. */
#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (vi){__VA_ARGS__})
#endif
/* mask: all ones or all zeros a lane, as comparisons give it. */
INLINE vf select(vi mask, vf yes, vf no) {
  const vi chosen = mask != 0; /* says that it is a mask: gcc then blends, instead of its longer way with bits */
  return from_bits((chosen & bits(yes)) | (~chosen & bits(no)));
}
/* A NaN x stays one: its comparisons are false. */
#if defined(__wasm_simd128__)
/* One operation, and one by name: with relaxed SIMD clang makes a relaxed minimum of the choice below, which may lose the NaN. */
INLINE vf min_of(vf x, vf bound) { return __builtin_wasm_pmin_f32x4(x, bound); }
INLINE vf max_of(vf x, vf bound) { return __builtin_wasm_pmax_f32x4(x, bound); }
#else
INLINE vf min_of(vf x, vf bound) { return select(x > bound, bound, x); }
INLINE vf max_of(vf x, vf bound) { return select(x < bound, bound, x); }
#endif
INLINE vf absolute(vf x) { return from_bits(bits(x) & 0x7fffffff); }

/* Number of vectors that hold n floats. */
INLINE int32_t vectors(int32_t n) { return (n + VL - 1) / VL; }

#endif
