/*
 * tanh on AVX-512, which looks 16 numbers up among 32 in two registers by one instruction: a polynomial for each quarter of
 * 0 ... 8, and no division, whose unit would keep all others waiting.
 *
 *   |x| held at the float before 8;  k = floor 4|x|, t = |x| - k/4;  tanh x = x (c_0k + c_1k t + c_2k t^2 + c_3k t^3 + c_4k t^4)
 *
 * The first part begins with 1 exactly, so that tiny x stay what they are. The last goes from tanh to 1 at its end, which is what
 * all beyond is, and not above. The coefficients are fits of scripts/fit-special.ts (tanh-table). A part of special.h, whose
 * MAGIC it rounds with. It has intrinsics because rounding down within an operation, what that leaves, and a look-up among two
 * registers have no other name in C.
 */
#ifndef ODECAST_TANH_TABLE_H
#define ODECAST_TANH_TABLE_H

#define _MM_MALLOC_H_INCLUDED /* gcc's header would bring libc along */
#include <immintrin.h>

#include "lanes.h"

static const float TANH_TABLE[5][32] = {
    {1.00000000f, 0.979674518f, 0.924234211f, 0.846865237f, 0.761594176f, 0.678626955f, 0.603432178f, 0.537928879f,
     0.482013792f, 0.434678286f, 0.394645721f, 0.360676259f, 0.331684917f, 0.306768507f, 0.285193682f, 0.266371846f,
     0.249832317f, 0.235198393f, 0.222167373f, 0.210494801f, 0.199981838f, 0.190465704f, 0.181812108f, 0.173909515f,
     0.166664615f, 0.159998804f, 0.153845459f, 0.148147747f, 0.142856911f, 0.137930900f, 0.133333251f, 0.129032210f},
    {0.00000953604922f, -0.158612296f, -0.275554985f, -0.333702564f, -0.341624647f, -0.318576008f, -0.281820297f,
     -0.242353946f, -0.205682278f, -0.173873559f, -0.147221521f, -0.125258610f, -0.107272856f, -0.0925455913f,
     -0.0804434195f, -0.0704428628f, -0.0621223971f, -0.0551496707f, -0.0492604375f, -0.0442516431f, -0.0399599113f,
     -0.0362583473f, -0.0330445394f, -0.0302378237f, -0.0277731586f, -0.0255972538f, -0.0236671828f, -0.0219472628f,
     -0.0204079468f, -0.0190249104f, -0.0177775566f, -0.0166492816f},
    {-0.333675116f, -0.287211925f, -0.176290050f, -0.0603830777f, 0.0219245385f, 0.0647482276f, 0.0789487362f,
     0.0773230791f, 0.0688149557f, 0.0584037416f, 0.0483971462f, 0.0396955498f, 0.0324821845f, 0.0266363006f,
     0.0219406988f, 0.0181903336f, 0.0151883680f, 0.0127884755f, 0.0108306091f, 0.00925228093f, 0.00795334857f,
     0.00688717421f, 0.00599488290f, 0.00524782063f, 0.00462206313f, 0.00409066258f, 0.00364022120f, 0.00325428369f,
     0.00291905296f, 0.00262718252f, 0.00236947718f, 0.00214776094f},
    {0.00363849406f, 0.127178147f, 0.169597268f, 0.137302741f, 0.0801565051f, 0.0329416953f, 0.00463196123f,
     -0.00892428588f, -0.0136885745f, -0.0140923774f, -0.0125823915f, -0.0105667217f, -0.00863599405f, -0.00696011679f,
     -0.00553936791f, -0.00441689743f, -0.00352683850f, -0.00289141620f, -0.00229395693f, -0.00189677859f, -0.00155078596f,
     -0.00130440551f, -0.00107412739f, -0.000886032823f, -0.000752182677f, -0.000638737343f, -0.000560879009f,
     -0.000499948976f, -0.000437611045f, -0.000379180623f, -0.000311794633f, -0.000270963355f},
    {0.120368220f, 0.0452063121f, -0.0286602695f, -0.0555137359f, -0.0470672101f, -0.0287450273f, -0.0140578961f,
     -0.00508511160f, -0.000513023057f, 0.00148015562f, 0.00197145203f, 0.00190577959f, 0.00168992428f, 0.00142335088f,
     0.00109659100f, 0.000847973104f, 0.000640682410f, 0.000589803269f, 0.000375714124f, 0.000337906065f, 0.000252577709f,
     0.000236836844f, 0.000166477781f, 0.000106087697f, 0.0000909951777f, 0.0000719465534f, 0.0000840784414f,
     0.000100757672f, 0.0000943867053f, 0.0000782821226f, 0.0000327243833f, 0.0000281096491f},
};

#define TANH_REACH 7.99999952f /* the float before 8 */

INLINE vf tanh_coefficient(int32_t power, vi part) {
  const float *row = TANH_TABLE[power];
  return (vf)_mm512_permutex2var_ps((__m512)load(row), (__m512i)part, (__m512)load(row + 16));
}

/* size in whole quarters, in the last bits: of which a look-up takes five. */
INLINE vi whole_quarters(vf size) {
  return (vi)_mm512_add_round_ps((__m512)size, (__m512)splat(MAGIC / 4), _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}

INLINE vf beyond_quarters(vf size) { return (vf)_mm512_reduce_ps((__m512)size, 2 << 4 | _MM_FROUND_TO_NEG_INF); }

INLINE vf with_sign(vf size, vf of) {
  return (vf)_mm512_ternarylogic_epi32((__m512i)size, (__m512i)of, (__m512i)splat_int(INT32_MIN), 0xf8); /* a | b & c */
}

INLINE void tanh_each(int32_t count, vf *x) {
  vf size[MOST_EACH], t[MOST_EACH], p[MOST_EACH];
  vi part[MOST_EACH];
  EACH(v) size[v] = (vf)_mm512_min_ps((__m512)splat(TANH_REACH), (__m512)absolute(x[v])); /* the second where one is NaN */
  EACH(v) part[v] = whole_quarters(size[v]);
  EACH(v) t[v] = beyond_quarters(size[v]);
  EACH(v) p[v] = tanh_coefficient(4, part[v]);
  UNROLL for (int32_t power = 3; power >= 0; power--) {
    EACH(v) p[v] = fma(p[v], t[v], tanh_coefficient(power, part[v]));
  }
  EACH(v) x[v] = with_sign(p[v] * size[v], x[v]);
}

#endif
