/** Methods for stiff fields, each a constant table. */
import { type Esdirk, esdirk } from './esdirk.ts';
import type { Method } from './method.ts';
import { rosenbrock } from './rosenbrock.ts';

/**
 * Kværnø 2004 (BIT 44), the pair of order 5(4): A–L-stable, both solutions stiffly accurate. Where a field has no `jvp` its
 * Jacobian is by differences; host states only.
 *
 * No interpolant was published with it. This one is of order 4 and meets y0 and y1: with weights w(θ) over the stages it
 * meets Σ w·cᵏ = θᵏ⁺¹/(k + 1) for k = 0…3, w·A·c² = θ⁴/12 (with C(2) these are all conditions up to order 4: Hairer,
 * Nørsett, Wanner I, II.6), and w̃·Ã⁻¹·c³ = θ³ on the implicit stages, so that the cubic part of a path on which an
 * infinitely stiff field holds the state is met too. The error estimate is the one direction that none of them sees: there
 * stage 5 has the weight b₅·θ⁴.
 */
export const kvaerno5: Esdirk = esdirk({
  name: 'kvaerno5',
  order: 5,
  gamma: 0.26,
  c: [0, 0.52, 1.230333209967908, 0.8957659843500759, 0.43639360985864756, 1, 1],
  a: [
    [],
    [0.26],
    [0.13, 0.8403332099679081],
    [0.22371961478320504, 0.476755323197997, -0.06470895363112615],
    [0.16648564323248322, 0.1045001884159172, 0.03631482272098715, -0.13090704451073998],
    [0.13855640231268224, 0, -0.04245337201752043, 0.02446657898003141, 0.6194303907248068],
    [0.13659751177640292, 0, -0.05496908796538376, -0.04118626728321046, 0.629933048990164, 0.06962479448202728],
  ],
  error: {
    order: 4,
    weights: [
      0.13659751177640292 - 0.13855640231268224,
      0,
      -0.05496908796538376 + 0.04245337201752043,
      -0.04118626728321046 - 0.02446657898003141,
      0.629933048990164 - 0.6194303907248068,
      0.06962479448202728 - 0.26,
      0.26,
    ],
  },
  dense: [
    [1, -2.1186112920449633, 1.772194332464628, -0.5169855286432637],
    [0, 0, 0, 0],
    [0, 0.545156267293317, -1.3831425205983103, 0.7830171653396099],
    [0, -2.2275183552091002, 3.9076036874235065, -1.7212715994976164],
    [0, 3.5066353091320335, -4.432318825127624, 1.5556165649857532],
    [0, 0, 0, 0.06962479448202728],
    [0, 0.2943380708287083, 0.13566332583780344, -0.17000139666651212],
  ],
});

/**
 * Hairer and Wanner II, IV.7: RODAS, order 4(3), L-stable, six stages of which the last two are the embedded pair, with its
 * own interpolant of order 3. One Jacobian and one factorisation a step, no iteration; needs ∂f/∂t, which is taken from the
 * field's `jvp` or by a difference. No exact gradient; host states only.
 */
export const rodas4: Method = rosenbrock({
  name: 'rodas4',
  order: 4,
  errorOrder: 3,
  gamma: 0.25,
  alpha: [0, 0.386, 0.21, 0.63, 1, 1],
  gammas: [0.25, -0.1043, 0.1035, -0.0362, 0, 0],
  a: [
    [],
    [1.544],
    [0.9466785280815826, 0.2557011698983284],
    [3.314825187068521, 2.896124015972201, 0.9986419139977817],
    [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895],
    [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895, 1],
  ],
  c: [
    [],
    [-5.6688],
    [-2.430093356833875, -0.2063599157091915],
    [-0.1073529058151375, -9.594562251023355, -20.47028614809616],
    [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.7089089320616],
    [8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054],
  ],
  m: [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895, 1, 1],
  error: [0, 0, 0, 0, 0, 1],
  dense: [
    [10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662, 0],
    [-0.6762803392806898, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872, 0],
  ],
});
