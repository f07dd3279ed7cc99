/*
 * tanh on AVX-512, which looks 16 numbers up among 32 in two registers by one instruction: a polynomial for each of 32 parts of
 * |x|, and no division, whose unit would keep all others waiting.
 *
 *   s = |x| held at 8.5;  part k of s: the last two exponent bits and the first three of the mantissa of 5s/6 + 1/2, eight parts to a
 *   power of two, so that they are the wider the flatter tanh is;  tanh x = x (c_1k + c_2k s + c_3k s^2 + c_4k s^3) + c_0k sign x
 *
 * The first part is x at 0, so that tiny x stay what they are. The last, from 8.4 on, is 1; x itself is not held, but for numbers
 * its factor is 0 there, and so NaN stays one. An infinity becomes NaN too, which takes weights or states beyond all measure: what
 * was observed is held (encoder.h). The coefficients are fits of scripts/fit-special.ts (tanh-table). A part of special.h. It has intrinsics because a
 * size held at a bound, a look-up among two registers, and three operands' bits have no other name in C.
 */
#ifndef ODECAST_TANH_TABLE_H
#define ODECAST_TANH_TABLE_H

#define _MM_MALLOC_H_INCLUDED /* gcc's header would bring libc along */
#include <immintrin.h>

#include "lanes.h"

static const float TANH_TABLE[5][32] = {
    {0.00000000f, 0.00000180998040f, 0.0000230143432f, 0.000101267651f, 0.000250723737f, 0.000377597142f, 0.000196145833f,
     -0.000803115719f, -0.00524489675f, -0.0203484297f, -0.0478976853f, -0.0843685567f, -0.121261597f, -0.148692489f,
     -0.158874243f, -0.147680566f, -0.0920682624f, 0.0386101715f, 0.201374918f, 0.365967512f, 0.514128864f, 0.637999475f,
     0.736413717f, 0.811726689f, 0.888148427f, 0.947642326f, 0.976526201f, 0.989841580f, 0.995732188f, 0.998251617f,
     0.999299109f, 1.00000000f},
    {1.00000000f, 0.999913216f, 0.999360979f, 0.997976422f, 0.995973587f, 0.994587600f, 0.996145070f, 1.00368631f, 1.03227603f,
     1.11236453f, 1.23472154f, 1.37394917f, 1.49744058f, 1.57928133f, 1.60691929f, 1.58013999f, 1.45936465f, 1.21068966f,
     0.938928008f, 0.694431305f, 0.496296823f, 0.345700234f, 0.236030415f, 0.158568084f, 0.0864767209f, 0.0364089794f,
     0.0148205888f, 0.00587017555f, 0.00227281614f, 0.000863199471f, 0.000322468055f, 0.00000000f},
    {0.0000102475451f, 0.00164319878f, 0.00710456539f, 0.0163444616f, 0.0264422316f, 0.0321290568f, 0.0271153674f,
     0.00575284613f, -0.0633461550f, -0.222922906f, -0.427004546f, -0.626529336f, -0.781664312f, -0.873285413f, -0.901425779f,
     -0.877395630f, -0.778974831f, -0.601332903f, -0.431038707f, -0.294754446f, -0.195341766f, -0.126654059f, -0.0808078423f,
     -0.0509213321f, -0.0254052132f, -0.00959233847f, -0.00353781413f, -0.00128058135f, -0.000456417474f, -0.000160563373f,
     -0.0000558582360f, 0.00000000f},
    {-0.334163606f, -0.348716319f, -0.373041391f, -0.400608391f, -0.423308611f, -0.433694869f, -0.426520854f, -0.399599135f,
     -0.325269222f, -0.183665797f, -0.0321623832f, 0.0950545445f, 0.181740120f, 0.227354348f, 0.240091622f, 0.230505705f,
     0.194836512f, 0.138377786f, 0.0909120440f, 0.0571278818f, 0.0349477082f, 0.0210179016f, 0.0124968654f, 0.00737050408f,
     0.00335445232f, 0.00113313459f, 0.000378014083f, 0.000124888466f, 0.0000409361019f, 0.0000133293097f, 0.00000431578837f,
     0.00000000f},
    {0.0191355497f, 0.0714787468f, 0.112661384f, 0.143684283f, 0.162882015f, 0.170005769f, 0.166155860f, 0.153420419f,
     0.123391993f, 0.0761745945f, 0.0339372382f, 0.00348772923f, -0.0146907838f, -0.0232118517f, -0.0253743511f, -0.0239400286f,
     -0.0190891419f, -0.0123531390f, -0.00738788862f, -0.00424530217f, -0.00238860259f, -0.00132879778f, -0.000734688074f,
     -0.000404846389f, -0.000167680191f, -0.0000505782045f, -0.0000152405519f, -0.00000459097373f, -0.00000138283679f,
     -4.16501763e-7f, -1.25448011e-7f, 0.00000000f},
};

/* The upper of the two exponent bits is set from 1/2 on and clear from 2 on: so the row's halves change places. */
INLINE vf tanh_coefficient(int32_t power, vi part) {
  const float *row = TANH_TABLE[power];
  return (vf)_mm512_permutex2var_ps((__m512)load(row + 16), (__m512i)part, (__m512)load(row));
}

/* The smaller of two sizes, its sign taken off; the bound for NaN. */
INLINE vf size_within(vf x, vf bound) { return (vf)_mm512_range_ps((__m512)x, (__m512)bound, 2 << 2 | 2); }

/* In the last five bits; those before them do not matter. */
INLINE vi tanh_part(vf size) { return bits(fma(size, splat(5.0f / 6), splat(0.5f))) >> 20; }

/* y, or -y where x is negative. */
INLINE vf turned_as(vf x, vf y) {
  return (vf)_mm512_ternarylogic_epi32((__m512i)y, (__m512i)x, (__m512i)splat_int(INT32_MIN), 0x78); /* a ^ b & c */
}

INLINE void tanh_each(int32_t count, vf *x) {
  vf size[MOST_EACH], p[MOST_EACH];
  vi part[MOST_EACH];
  EACH(v) size[v] = size_within(x[v], splat(8.5f));
  EACH(v) part[v] = tanh_part(size[v]);
  EACH(v) p[v] = tanh_coefficient(4, part[v]);
  UNROLL for (int32_t power = 3; power > 0; power--) {
    EACH(v) p[v] = fma(p[v], size[v], tanh_coefficient(power, part[v]));
  }
  EACH(v) x[v] = fma(p[v], x[v], turned_as(x[v], tanh_coefficient(0, part[v])));
}

#endif
