/** One problem solved by one method, and how far it is from the exact solution. */
import {
  type Controller,
  constantSteps,
  float64Space,
  lipschitzAlong,
  METHODS,
  type Method,
  OdeError,
  pi,
  type Solution,
  solve,
} from '../../model/ode/index.ts';
import { CliError } from '../errors.ts';
import type { SolveProblem } from './problem.ts';

export interface RunOptions {
  readonly rtol?: number | undefined;
  readonly atol?: number | undefined;
  /** Equal steps instead of a tolerance; methods without an error estimate take 100 if nothing is said. */
  readonly steps?: number | undefined;
  readonly maxSteps?: number | undefined;
}

export interface Run {
  readonly method: string;
  readonly solution: Solution<Float64Array>;
  /** Where it arrived: t1, or the time of its failure. */
  readonly end: number;
  /** The state at any time from t0 to `end`. */
  readonly at: (t: number) => Float64Array;
  /** The largest Lipschitz estimate along the way: how fast neighbours can part. */
  readonly lipschitz: number;
}

const DEFAULT_STEPS = 100;
/** Every step is kept, so that the solution can be drawn: so many fit in any memory. */
const MAX_STEPS = 100_000;
const NO_PARAMETERS = new Float64Array(0);

/** @throws CliError `bad-option` for a method or an option that cannot be. */
export function runMethod(problem: SolveProblem, name: string, options: RunOptions): Run {
  const method = methodNamed(name);
  const solution = translated(() =>
    solve({
      ...problem,
      space: float64Space,
      parameters: NO_PARAMETERS,
      method,
      controller: controllerFor(method, options),
      maxSteps: options.maxSteps ?? MAX_STEPS,
      saveAt: { dense: true },
    }),
  );
  const end = solution.failedAt ?? problem.t1;
  const at = (t: number): Float64Array => solution.at?.(t) ?? problem.y0.map(() => Number.NaN);
  return { method: name, solution, end, at, lipschitz: largestLipschitz(problem, solution, at, end) };
}

/** `count` times from the problem's start to `end`, both included. */
export function timesTo({ t0 }: SolveProblem, end: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? end : t0 + ((end - t0) * i) / (count - 1)));
}

/** The error of a state, the largest of the known components; undefined where nothing is known. */
export function errorAt(run: Run, exact: SolveProblem['exact'], t: number): number | undefined {
  if (exact === undefined) return undefined;
  const state = run.at(t);
  const error = Math.max(...exact(t).map((value, i) => Math.abs(state[i] - value)));
  return Number.isFinite(error) ? error : undefined;
}

export interface Reference {
  readonly method: string;
  readonly rtol: number;
  readonly atol: number;
}

const TIGHT: Reference = { method: 'dop853', rtol: 1e-12, atol: 1e-14 };

/** Stands in for the exact solution where none is known. */
export function referenceFor(problem: SolveProblem, reference: Reference = TIGHT): SolveProblem['exact'] {
  const { at, solution } = runMethod(problem, reference.method, reference);
  return solution.statistics.accepted === 0 ? undefined : at;
}

function methodNamed(name: string): Method {
  const method = METHODS.get(name);
  if (method) return method;
  throw new CliError('bad-option', `There is no method "${name}"; there are ${[...METHODS.keys()].join(', ')}.`);
}

function controllerFor(method: Method, { rtol = 1e-6, atol = 1e-9, steps }: RunOptions): Controller {
  if (steps !== undefined) return constantSteps(steps);
  return method.errorOrder === undefined ? constantSteps(DEFAULT_STEPS) : pi({ rtol, atol });
}

/** What the library calls a bad argument is here a bad option. */
function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof OdeError ? new CliError('bad-option', error.message, { cause: error }) : error;
  }
}

function largestLipschitz(problem: SolveProblem, solution: Solution<Float64Array>, at: Run['at'], end: number): number {
  const times = Float64Array.from(timesTo(problem, end, 50));
  const path = { ...solution, times, ys: Array.from(times, at) };
  const options = { space: float64Space, field: problem.field, parameters: NO_PARAMETERS, still: NO_PARAMETERS };
  return Math.max(0, ...lipschitzAlong(options, path).filter(Number.isFinite));
}
