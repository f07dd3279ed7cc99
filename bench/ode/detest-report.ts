/** The work–precision plane in words: its table, and the project's promises held against it. */
import { markdownTable } from '../report.ts';
import type { Goal } from './goal.ts';
import { curveOf, evaluationsAt, type WorkPrecision } from './work-precision.ts';

/** The tolerances of the table and of the promises. */
export const TABLE_TOLERANCES = [1e-3, 1e-6, 1e-9];

const PEER = 'torchdiffeq dopri5';
const FINE_PEER = 'SciPy DOP853';
const DEFAULT_METHOD = 'tsit5';

const solversOf = (points: readonly WorkPrecision[]): string[] => [...new Set(points.map(({ solver }) => solver))];

const pointAt = (points: readonly WorkPrecision[], solver: string, tolerance: number): WorkPrecision | undefined =>
  points.find((point) => point.solver === solver && point.tolerance === tolerance);

/** Evaluations / error; a dash where a method would have needed more than anybody would give it. */
export function detestTable(points: readonly WorkPrecision[]): string {
  const rows = solversOf(points).map((solver) => [
    solver,
    ...TABLE_TOLERANCES.map((tolerance) => {
      const point = pointAt(points, solver, tolerance);
      return point === undefined ? '–' : `${point.evaluations} / ${point.error.toExponential(2)}`;
    }),
  ]);
  return markdownTable([['solver', ...TABLE_TOLERANCES.map((t) => t.toExponential(0))], ...rows]);
}

/** Of ours, the solver with the least work for an error. */
interface Best {
  readonly solver: string;
  readonly evaluations: number;
}

function bestAt(ours: readonly WorkPrecision[], error: number): Best | undefined {
  const candidates = solversOf(ours).flatMap((solver) => {
    const evaluations = evaluationsAt(curveOf(ours, solver), error);
    return evaluations === undefined ? [] : [{ solver, evaluations }];
  });
  return candidates.sort((a, b) => a.evaluations - b.evaluations)[0];
}

/** Of ours at the same tolerance and no larger error, the one with the least work. */
function bestAtTolerance(ours: readonly WorkPrecision[], { tolerance, error }: WorkPrecision): Best | undefined {
  const candidates = ours.filter((point) => point.tolerance === tolerance && point.error <= error);
  return candidates.sort((a, b) => a.evaluations - b.evaluations)[0];
}

function against(best: Best | undefined, peer: WorkPrecision, share: number): Pick<Goal, 'measured' | 'met'> {
  if (best === undefined) return { measured: 'outside of the tolerances measured', met: undefined };
  const ratio = best.evaluations / peer.evaluations;
  const measured = `${best.solver}: ${Math.round(best.evaluations)} against ${peer.evaluations}, ${percent(ratio - 1)}`;
  return { measured, met: ratio <= share };
}

const percent = (value: number): string => `${value > 0 ? '+' : '−'}${Math.abs(100 * value).toFixed(1)} %`;

/** The promises of the work–precision plane. */
export function detestGoals(ours: readonly WorkPrecision[], peers: readonly WorkPrecision[]): Goal[] {
  const dopri5 = TABLE_TOLERANCES.flatMap((tolerance) => pointAt(peers, PEER, tolerance) ?? []);
  const fine = pointAt(peers, FINE_PEER, 1e-9);
  const fallback = curveOf(ours, DEFAULT_METHOD);
  return [
    ...dopri5.flatMap((peer) => bestGoals(ours, peer)),
    ...(fine === undefined ? [] : fineGoals(ours, fine)),
    ...dopri5.map((peer) => ({
      what: `the default, ${DEFAULT_METHOD}, at the error of ${PEER} at ${peer.tolerance.toExponential(0)} (${peer.error.toExponential(2)})`,
      goal: 'no more evaluations',
      ...against(bestAt(fallback, peer.error), peer, 1),
    })),
    ...dopri5.flatMap((peer) => defaultAtTolerance(fallback, peer)),
  ];
}

function bestGoals(ours: readonly WorkPrecision[], peer: WorkPrecision): Goal[] {
  const at = peer.tolerance.toExponential(0);
  return [
    {
      what: `best of ours at the error of ${PEER} at ${at} (${peer.error.toExponential(2)})`,
      goal: '≥ 15 % fewer evaluations',
      ...against(bestAt(ours, peer.error), peer, 0.85),
    },
    {
      what: `best of ours at tolerance ${at} with no larger error`,
      goal: '≥ 15 % fewer evaluations',
      ...against(bestAtTolerance(ours, peer), peer, 0.85),
    },
  ];
}

function fineGoals(ours: readonly WorkPrecision[], peer: WorkPrecision): Goal[] {
  return [
    {
      what: `best of ours at the error of ${FINE_PEER} at 1e-9 (${peer.error.toExponential(2)})`,
      goal: 'no more evaluations',
      ...against(bestAt(ours, peer.error), peer, 1),
    },
  ];
}

function defaultAtTolerance(fallback: readonly WorkPrecision[], peer: WorkPrecision): Goal[] {
  const own = pointAt(fallback, DEFAULT_METHOD, peer.tolerance);
  if (own === undefined) return [];
  const [work, error] = [own.evaluations / peer.evaluations, own.error / peer.error];
  return [
    {
      what: `the default, ${DEFAULT_METHOD}, at the tolerance ${peer.tolerance.toExponential(0)} of ${PEER}`,
      goal: 'not behind: not both more evaluations and more error',
      measured: `evaluations ${percent(work - 1)}, error ${percent(error - 1)}`,
      met: work <= 1 || error <= 1,
    },
  ];
}
