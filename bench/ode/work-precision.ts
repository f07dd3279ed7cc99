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
  /** Geometric mean over the problems of the largest error of a component at the end. */
  readonly error: number;
}

export type Ends = readonly ArrayLike<number>[];

const END = 20;
const MAX_STEPS = 1e6;

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
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));
}

/** Undefined where a problem did not end in `success`: then there is no error to speak of. */
export function measureMethod(
  method: Method,
  tolerance: number,
  problems: readonly DetestProblem[],
  references: Ends,
): WorkPrecision | undefined {
  const ends = problems.map((problem) => endOf(problem, method, tolerance, tolerance));
  if (ends.some(({ status }) => status !== 'success')) return undefined;
  const evaluations = ends.reduce((sum, end) => sum + end.evaluations, 0);
  const ys = ends.map(({ y }) => y);
  return { solver: method.name, tolerance, evaluations, error: errorOf(ys, references) };
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
): WorkPrecision[] {
  const curve: WorkPrecision[] = [];
  for (const tolerance of tolerances) {
    const [last, before] = [curve.at(-1), curve.at(-2)];
    const growth = last && before ? last.evaluations / before.evaluations : 1;
    if (last && last.evaluations * growth > budget) break;
    const point = measureMethod(method, tolerance, problems, references);
    if (point !== undefined) curve.push(point);
  }
  return curve;
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
