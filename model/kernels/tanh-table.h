/*
 * tanh on AVX-512, which looks 16 numbers up among 32 in two registers by one instruction: a polynomial for each part of the
 * range, and no division, whose unit would keep all others waiting.
 *
 *   u = 31/8 |x|, |x| held at 8;  k = floor u, t = u - k;  tanh x = x (c_0k + c_1k t + c_2k t^2 + c_3k t^3 + c_4k t^4)
 *
 * The first part begins with 1 exactly, so that tiny x stay what they are. The last begins at 8 and is 1/8: from there on tanh
 * is 1. Below it a polynomial's errors are smaller than what is missing to 1, so that none is above. The coefficients are fits
 * of scripts/fit-special.ts (tanh-table). A part of special.h, whose MAGIC it rounds with. It has intrinsics because rounding
 * down within an operation and a look-up among two registers have no other name in C.
 */
#ifndef ODECAST_TANH_TABLE_H
#define ODECAST_TANH_TABLE_H

#define _MM_MALLOC_H_INCLUDED /* gcc's header would bring libc along */
#include <immintrin.h>

#include "lanes.h"

static const float TANH_TABLE[5][32] = {
    {1.00000000f, 0.978376567f, 0.919744492f, 0.838758349f, 0.750599563f, 0.665888548f, 0.589981019f, 0.524492383f,
     0.469026715f, 0.422360748f, 0.383081257f, 0.349869728f, 0.321600199f, 0.297351062f, 0.276383251f, 0.258109093f,
     0.242062002f, 0.227870673f, 0.215238035f, 0.203924894f, 0.193737254f, 0.184516564f, 0.176132232f, 0.168475911f,
     0.161456987f, 0.154999226f, 0.149038017f, 0.143518269f, 0.138392717f, 0.133620605f, 0.129166618f, 0.125000000f},
    {0.00000287287639f, -0.0421169400f, -0.0725413263f, -0.0868091136f, -0.0877353847f, -0.0808278769f, -0.0707505867f,
     -0.0603138395f, -0.0508323759f, -0.0427396372f, -0.0360404700f, -0.0305702761f, -0.0261219200f, -0.0224989597f,
     -0.0195341147f, -0.0170917548f, -0.0150641194f, -0.0133677479f, -0.0119371423f, -0.0107212560f, -0.00968021713f,
     -0.00878272112f, -0.00800380390f, -0.00732389651f, -0.00672669290f, -0.00619954616f, -0.00573197845f,
     -0.00531542720f, -0.00494260062f, -0.00460755825f, -0.00430552894f, 0.00000000f},
    {-0.0222248472f, -0.0189424455f, -0.0112131331f, -0.00337170088f, 0.00196863944f, 0.00456948625f, 0.00529741496f,
     0.00504771806f, 0.00440768525f, 0.00368860643f, 0.00302548823f, 0.00246210210f, 0.00200238451f, 0.00163418904f,
     0.00134180556f, 0.00111016538f, 0.000924751628f, 0.000776811154f, 0.000657789642f, 0.000561131339f,
     0.000482046948f, 0.000417087722f, 0.000362973224f, 0.000318364968f, 0.000280140288f, 0.000247785618f,
     0.000220310088f, 0.000197068846f, 0.000176780988f, 0.000158848619f, 0.000143509664f, 0.00000000f},
    {0.0000685545238f, 0.00224634516f, 0.00291147316f, 0.00226892042f, 0.00125246844f, 0.000465483550f,
     0.0000162501947f, -0.000184108751f, -0.000242272581f, -0.000235692263f, -0.000205358912f, -0.000169575971f,
     -0.000136606133f, -0.000108696280f, -0.0000864126341f, -0.0000693829425f, -0.0000546996016f, -0.0000437746749f,
     -0.0000354171607f, -0.0000287475104f, -0.0000234081581f, -0.0000194276108f, -0.0000159978390f, -0.0000140850170f,
     -0.0000116738092f, -0.00000975531566f, -0.00000833048580f, -0.00000758949363f, -0.00000666658434f,
     -0.00000544044542f, -0.00000477499316f, 0.00000000f},
    {0.000530255376f, 0.000181179596f, -0.000143059049f, -0.000246953219f, -0.000196789464f, -0.000114665243f,
     -0.0000517583394f, -0.0000154503487f, 9.97847224e-7f, 0.00000723229277f, 0.00000881284268f, 0.00000822054972f,
     0.00000700569353f, 0.00000565277605f, 0.00000455004511f, 0.00000388339595f, 0.00000273973774f, 0.00000207398944f,
     0.00000163192294f, 0.00000123633345f, 8.91500008e-7f, 7.34372065e-7f, 5.01433306e-7f, 6.92294293e-7f,
     4.67411439e-7f, 3.07928900e-7f, 2.45819479e-7f, 3.89981665e-7f, 3.75453453e-7f, 1.63131816e-7f, 1.48163707e-7f,
     0.00000000f},
};

#define TANH_REACH 8.0f
#define TANH_PARTS (31 / TANH_REACH)

INLINE vf tanh_coefficient(int32_t power, vi part) {
  const float *row = TANH_TABLE[power];
  return (vf)_mm512_permutex2var_ps((__m512)load(row), (__m512i)part, (__m512)load(row + 16));
}

INLINE vf v_tanh(vf x) {
  const vf size = (vf)_mm512_min_ps((__m512)splat(TANH_REACH), (__m512)absolute(x)); /* gives the second where one is NaN */
  const vf shifted = (vf)_mm512_fmadd_round_ps((__m512)size, (__m512)splat(TANH_PARTS), (__m512)splat(MAGIC),
                                               _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  const vf t = fma(size, splat(TANH_PARTS), splat(MAGIC) - shifted);
  const vi part = bits(shifted); /* of which a look-up takes the last five */
  vf p = tanh_coefficient(4, part);
  p = fma(p, t, tanh_coefficient(3, part));
  p = fma(p, t, tanh_coefficient(2, part));
  p = fma(p, t, tanh_coefficient(1, part));
  p = fma(p, t, tanh_coefficient(0, part));
  const vf y = p * size;
  return from_bits(bits(y) | (bits(x) & INT32_MIN));
}

#endif
