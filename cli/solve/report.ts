/** What `odecast solve` prints: a table of each method's solution, and one of what each method cost. */
import type { SolveProblem } from './problem.ts';
import { errorAt, type Run, timesTo } from './run.ts';
import { shortNumber, textTable } from './text-table.ts';

export interface Solved {
  readonly problem: SolveProblem;
  readonly runs: readonly Run[];
  /** What errors are measured against. */
  readonly exact: SolveProblem['exact'];
  /** `exact`, or `reference` where a solve at tight tolerance stands in for it. */
  readonly exactName: string;
}

const ROWS = 11;

export function reportOf(solved: Solved): string {
  const { problem, runs } = solved;
  const head = `${problem.title}   y(${problem.t0}) = ${problem.y0.join(', ')}   to t = ${problem.t1}`;
  const tables = runs.map((run) => `${run.method}\n${solutionTable(solved, run)}`);
  const advice = runs.flatMap(({ method, solution }) => (solution.advice ? [`${method}: ${solution.advice}`] : []));
  return [head, ...tables, costTable(solved), ...(advice.length > 0 ? [advice.join('\n')] : [])].join('\n\n');
}

function solutionTable({ problem, exact, exactName }: Solved, run: Run): string {
  const { components } = problem;
  const known = exact ? components.slice(0, exact(problem.t0).length) : [];
  const only = known.length === 1;
  const head = ['t', ...components, ...known.map((name) => (only ? exactName : `${exactName} ${name}`)), 'error'];
  const rows = timesTo(problem, run.end, ROWS).map((t) => [
    shortNumber(t),
    ...Array.from(run.at(t), (value) => shortNumber(value, 8)),
    ...Array.from(exact?.(t) ?? [], (value) => shortNumber(value, 8)),
    shortNumber(errorAt(run, exact, t), 2),
  ]);
  return textTable([head, ...rows]);
}

function costTable(solved: Solved): string {
  const head = ['method', 'evaluations', 'accepted', 'rejected', 'largest error', 'Lipschitz', 'stiff', 'status'];
  const rows = solved.runs.map((run) => {
    const { statistics, status, failedAt } = run.solution;
    return [
      run.method,
      ...[statistics.functionEvaluations, statistics.accepted, statistics.rejected].map(String),
      shortNumber(largestError(solved, run), 2),
      shortNumber(run.lipschitz, 3),
      statistics.looksStiff ? 'yes' : 'no',
      failedAt === undefined ? status : `${status} at t = ${shortNumber(failedAt, 8)}`,
    ];
  });
  return textTable([head, ...rows]);
}

function largestError({ problem, exact }: Solved, run: Run): number | undefined {
  const errors = timesTo(problem, run.end, 200).map((t) => errorAt(run, exact, t));
  return errors.reduce((most, error) => (most === undefined || (error ?? 0) > most ? error : most), undefined);
}
