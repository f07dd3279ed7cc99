/** The work of a solver over DETEST beside its precision, and comparing two solvers at the same error. */
import { dop853, float64Space, type Method, pi, solve } from '../../model/ode/index.ts';
import type { DetestProblem } from '../../test/problems.ts';

/** One solver at one tolerance over a set of problems. */
export interface WorkPrecision {
  readonly solver: string;
  /** rtol and atol. */
  readonly tolerance: number;
  /** Of the field, all problems together. */
  readonly evaluations: number;
  /** Geometric mean over the problems of the root mean square of the components' errors at the end. */
  readonly error: number;
}

export type Ends = readonly ArrayLike<number>[];

const END = 20;
const MAX_STEPS = 5e4;

function endOf({ slope, y0 }: DetestProblem, method: Method, rtol: number, atol: number) {
  const options = { space: float64Space, field: { evaluate: slope }, parameters: null, maxSteps: MAX_STEPS };
  const { ys, status, statistics } = solve({ ...options, y0, t0: 0, t1: END, method, controller: pi({ rtol, atol }) });
  return { y: ys[0], status, evaluations: statistics.functionEvaluations };
}

/** What everybody's ends are compared with. */
export function referenceEnds(problems: readonly DetestProblem[]): Ends {
  return problems.map((problem) => endOf(problem, dop853, 1e-13, 1e-14).y);
}

export function errorOf(ends: Ends, references: Ends): number {
  const logs = ends.map((end, i) => Math.log(Math.max(distance(end, references[i]), Number.EPSILON)));
  return Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.sqrt(Array.from(a, (value, i) => (value - b[i]) ** 2).reduce((x, y) => x + y, 0) / a.length);
}

/** A problem that did not end in `success`: then there is no mean error to speak of. */
export interface Failure {
  readonly solver: string;
  readonly tolerance: number;
  readonly failed: string;
}

export function measureMethod(
  method: Method,
  tolerance: number,
  problems: readonly DetestProblem[],
  references: Ends,
): WorkPrecision | Failure {
  const solver = method.name;
  const ys: Float64Array[] = [];
  let total = 0;
  for (const problem of problems) {
    const { y, status, evaluations } = endOf(problem, method, tolerance, tolerance);
    if (status !== 'success') return { solver, tolerance, failed: `${problem.name}: ${status}` };
    ys.push(y);
    total += evaluations;
  }
  return { solver, tolerance, evaluations: total, error: errorOf(ys, references) };
}

/** The points of a method, and where it has none. */
export interface Curve {
  readonly points: readonly WorkPrecision[];
  readonly failures: readonly Failure[];
}

/**
 * The points of one method from coarse to fine, as long as the next is likely to cost no more than `budget` evaluations: a
 * method of low order is not run where nobody would.
 */
export function measureCurve(
  method: Method,
  tolerances: readonly number[],
  budget: number,
  problems: readonly DetestProblem[],
  references: Ends,
): Curve {
  const points: WorkPrecision[] = [];
  const failures: Failure[] = [];
  for (const tolerance of tolerances) {
    const [last, before] = [points.at(-1), points.at(-2)];
    const growth = last && before ? last.evaluations / before.evaluations : 1;
    if (last && last.evaluations * growth > budget) break;
    const measured = measureMethod(method, tolerance, problems, references);
    if ('failed' in measured) failures.push(measured);
    else points.push(measured);
  }
  return { points, failures };
}

/**
 * How many evaluations a solver needs for an error, on straight lines between its points in the log–log plane: the fewest
 * of those at which its curve passes that error. Undefined outside of what was measured.
 */
export function evaluationsAt(curve: readonly WorkPrecision[], error: number): number | undefined {
  const crossings = curve.slice(1).flatMap((fine, i) => {
    const coarse = curve[i];
    const [from, to] = [Math.log(coarse.error), Math.log(fine.error)];
    const share = (Math.log(error) - from) / (to - from);
    if (!(share >= 0 && share <= 1)) return [];
    return [coarse.evaluations ** (1 - share) * fine.evaluations ** share];
  });
  return crossings.length === 0 ? undefined : Math.min(...crossings);
}

export function curveOf(points: readonly WorkPrecision[], solver: string): WorkPrecision[] {
  return points.filter((point) => point.solver === solver);
}
