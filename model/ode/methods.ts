/** The named methods, each a constant table. Adding one is adding a table: the stepper and the tests find it here. */
import { type ExplicitRungeKutta, explicitRungeKutta } from './explicit-runge-kutta.ts';

export const euler: ExplicitRungeKutta = explicitRungeKutta({ name: 'euler', order: 1, c: [0], a: [[]], b: [1] });

export const midpoint: ExplicitRungeKutta = explicitRungeKutta({
  name: 'midpoint',
  order: 2,
  c: [0, 1 / 2],
  a: [[], [1 / 2]],
  b: [0, 1],
});

/** Heun's second-order method: the trapezoidal rule with an Euler predictor. */
export const heun: ExplicitRungeKutta = explicitRungeKutta({
  name: 'heun',
  order: 2,
  c: [0, 1],
  a: [[], [1]],
  b: [1 / 2, 1 / 2],
});

/** Ralston 1962: least bound on the truncation error of the second-order methods. */
export const ralston: ExplicitRungeKutta = explicitRungeKutta({
  name: 'ralston',
  order: 2,
  c: [0, 2 / 3],
  a: [[], [2 / 3]],
  b: [1 / 4, 3 / 4],
});

/** Kutta 1901. */
export const rk4: ExplicitRungeKutta = explicitRungeKutta({
  name: 'rk4',
  order: 4,
  c: [0, 1 / 2, 1 / 2, 1],
  a: [[], [1 / 2], [0, 1 / 2], [0, 0, 1]],
  b: [1 / 6, 1 / 3, 1 / 3, 1 / 6],
});

/** Kutta 1901, the 3/8 rule. */
export const rk438: ExplicitRungeKutta = explicitRungeKutta({
  name: 'rk4-38',
  order: 4,
  c: [0, 1 / 3, 2 / 3, 1],
  a: [[], [1 / 3], [-1 / 3, 1], [1, -1, 1]],
  b: [1 / 8, 3 / 8, 3 / 8, 1 / 8],
});

/** Heun with Euler as its error estimate. */
export const heun21: ExplicitRungeKutta = explicitRungeKutta({
  name: 'heun21',
  order: 2,
  c: [0, 1],
  a: [[], [1]],
  b: [1 / 2, 1 / 2],
  error: { order: 1, weights: [-1 / 2, 1 / 2] },
});

/** Bogacki and Shampine 1989. */
export const bosh3: ExplicitRungeKutta = explicitRungeKutta({
  name: 'bosh3',
  order: 3,
  c: [0, 1 / 2, 3 / 4, 1],
  a: [[], [1 / 2], [0, 3 / 4], [2 / 9, 1 / 3, 4 / 9]],
  b: [2 / 9, 1 / 3, 4 / 9, 0],
  error: { order: 2, weights: [-5 / 72, 1 / 12, 1 / 9, -1 / 8] },
});

/** Fehlberg 1969, propagating the fifth-order weights. */
export const fehlberg45: ExplicitRungeKutta = explicitRungeKutta({
  name: 'fehlberg45',
  order: 5,
  c: [0, 1 / 4, 3 / 8, 12 / 13, 1, 1 / 2],
  a: [
    [],
    [1 / 4],
    [3 / 32, 9 / 32],
    [1932 / 2197, -7200 / 2197, 7296 / 2197],
    [439 / 216, -8, 3680 / 513, -845 / 4104],
    [-8 / 27, 2, -3544 / 2565, 1859 / 4104, -11 / 40],
  ],
  b: [16 / 135, 0, 6656 / 12825, 28561 / 56430, -9 / 50, 2 / 55],
  error: { order: 4, weights: [1 / 360, 0, -128 / 4275, -2197 / 75240, 1 / 50, 2 / 55] },
});

/** Dormand and Prince 1980, RK5(4)7M; dense output of order 4 by Shampine 1986. */
export const dopri5: ExplicitRungeKutta = explicitRungeKutta({
  name: 'dopri5',
  order: 5,
  c: [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1],
  a: [
    [],
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
  ],
  b: [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0],
  error: {
    order: 4,
    weights: [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40],
  },
  dense: {
    weights: [
      [1, -8048581381 / 2820520608, 8663915743 / 2820520608, -12715105075 / 11282082432],
      [0, 0, 0, 0],
      [0, 131558114200 / 32700410799, -68118460800 / 10900136933, 87487479700 / 32700410799],
      [0, -1754552775 / 470086768, 14199869525 / 1410260304, -10690763975 / 1880347072],
      [0, 127303824393 / 49829197408, -318862633887 / 49829197408, 701980252875 / 199316789632],
      [0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844],
      [0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423],
    ],
  },
});
