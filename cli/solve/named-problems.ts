/** The problems that `odecast solve` knows by name, as data: each could be typed at the terminal. */
import type { ProblemText } from './problem.ts';
import type { Reference } from './run.ts';

export interface NamedProblem extends ProblemText {
  readonly about: string;
  /** Default: tsit5 alone. */
  readonly methods?: readonly string[];
  /** Equal steps instead of a tolerance. */
  readonly steps?: number;
  /** What a method that is not meant for the problem may try before it gives up. */
  readonly maxSteps?: number;
  /** How the reference is solved where no exact solution is known. */
  readonly reference?: Reference;
  /** The two components whose plane is drawn. Default: the first two. */
  readonly plane?: readonly [number, number];
}

export const NAMED_PROBLEMS: Readonly<Record<string, NamedProblem>> = {
  'free-fall': {
    about: 'free fall with drag: the speed tends to 50',
    field: "v' = 9.8 - 0.196*v",
    y0: '48',
    t1: 10,
    exact: '50 - 2*exp(-0.196*t)',
  },
  'sine-squared': {
    about: 'linear with a coefficient that depends on time',
    field: "y' = y*sin(t)^2",
    y0: '2',
    t1: 10,
    exact: '2*exp(t/2 - sin(2*t)/4)',
  },
  growth: {
    about: 'exponential growth in 100 equal steps, Euler beside RK4',
    field: "y' = y",
    y0: '2',
    t1: 10,
    exact: '2*exp(t)',
    methods: ['euler', 'rk4'],
    steps: 100,
  },
  oscillator: {
    about: 'damped oscillator, a second-order equation solved as two of first order',
    field: "x'' = 10 - 2*x' - 5*x",
    y0: '3, 0',
    t1: 5,
    exact: '2 + exp(-t)*(cos(2*t) + sin(2*t)/2); -2.5*exp(-t)*sin(2*t)',
  },
  'lotka-volterra': {
    about: 'hares and foxes, in periods of about 6.5',
    field: "hares' = hares*(1.5 - foxes); foxes' = foxes*(hares - 3)/2",
    y0: '5, 1',
    t1: 20,
  },
  'van-der-pol': {
    about: 'an oscillator that finds its own amplitude',
    field: "x'' = 2*(1 - x^2)*x' - x",
    y0: '0.5, 0',
    t1: 20,
  },
  'van-der-pol-stiff': {
    about: 'the same a thousand times stiffer: an explicit method spends its steps, an implicit one does not',
    field: "x'' = 1000*(1 - x^2)*x' - x",
    y0: '2, 0',
    t1: 2000,
    methods: ['kvaerno5', 'tsit5'],
    maxSteps: 20_000,
    reference: { method: 'kvaerno5', rtol: 1e-9, atol: 1e-12 },
  },
  lorenz: {
    about: 'chaos: errors grow by e every time unit until they are as large as the attractor',
    field: "x' = 10*(y - x); y' = x*(28 - z) - y; z' = x*y - 8/3*z",
    y0: '1, 1, 1',
    t1: 30,
    plane: [0, 2],
  },
  'blow-up': {
    about: 'no solution lives past t = 0.5: the status names that time',
    field: "y' = y^2",
    y0: '2',
    t1: 1,
    exact: '1/(0.5 - t)',
  },
  'not-unique': {
    about: 'backwards from y(1) = 1: at t = 0 the solution stops being unique, and the status names that time',
    field: "y' = 3*y^(2/3)",
    y0: '1',
    t0: 1,
    t1: -1,
    exact: 't^3',
  },
};
