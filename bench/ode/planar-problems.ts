/** Two problems so small that a step costs what the solver costs. `bench/peers/overhead.py` has the same two. */

export interface PlanarProblem {
  readonly name: string;
  readonly title: string;
  readonly y0: Float64Array;
  /** Writes dy/dt into `into` and returns it. */
  readonly evaluate: (t: number, y: Float64Array, parameters: null, into?: Float64Array) => Float64Array;
}

export const PLANAR_PROBLEMS: readonly PlanarProblem[] = [
  {
    name: 'van-der-pol',
    title: 'Van der Pol, μ = 5',
    y0: Float64Array.of(2, 0),
    evaluate: (_t, y, _parameters, into = new Float64Array(2)) => {
      into[0] = y[1];
      into[1] = 5 * (1 - y[0] * y[0]) * y[1] - y[0];
      return into;
    },
  },
  {
    name: 'lotka-volterra',
    title: 'Lotka–Volterra',
    y0: Float64Array.of(1, 1),
    evaluate: (_t, y, _parameters, into = new Float64Array(2)) => {
      into[0] = 1.5 * y[0] - y[0] * y[1];
      into[1] = -3 * y[1] + y[0] * y[1];
      return into;
    },
  },
];
