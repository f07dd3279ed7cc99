/** What a step costs beside the field: steps a second of the library, of a loop written by hand, and of SciPy, in turns. */
import { dopri5, float64Space, integral, type SaveAt, solve } from '../../model/ode/index.ts';
import { markdownTable } from '../report.ts';
import type { Goal } from './goal.ts';
import { handWrittenDopri5 } from './hand-written.ts';
import type { TimedPeer, Timing } from './peers.ts';
import type { PlanarProblem } from './planar-problems.ts';

export interface OverheadOptions {
  /** Of the span of the JavaScript solves, from 0. */
  readonly end: number;
  /** SciPy's is shorter: it is slower by a factor, and a step costs the same wherever it is. */
  readonly peerEnd: number;
  readonly tolerance: number;
  readonly rounds: number;
}

/** Steps a second, one figure a round; SciPy's are missing where there is no Python. */
export interface Overhead {
  readonly problem: PlanarProblem;
  readonly ours: readonly number[];
  readonly oursSaving: readonly number[];
  readonly byHand: readonly number[];
  readonly scipy: readonly number[];
}

const FIRST_STEP = 1e-3;

function timed(work: () => number): Timing {
  const begun = performance.now();
  const steps = work();
  return { steps, seconds: (performance.now() - begun) / 1000 };
}

function ourSteps({ y0, evaluate }: PlanarProblem, { end, tolerance }: OverheadOptions, saveAt: SaveAt): number {
  const controller = integral({ rtol: tolerance, atol: tolerance, firstStep: FIRST_STEP });
  const options = { space: float64Space, field: { evaluate }, parameters: null, y0, t0: 0, t1: end };
  const { status, statistics } = solve({ ...options, method: dopri5, controller, saveAt, maxSteps: 1e8 });
  if (status !== 'success') throw new Error(`the solve ended in ${status}`);
  return statistics.accepted;
}

const rate = ({ steps, seconds }: Timing): number => steps / seconds;

/** All candidates once a round, next to each other, so that a busy machine is busy for all of them. */
export async function measureOverhead(
  problem: PlanarProblem,
  options: OverheadOptions,
  peer: TimedPeer | undefined,
): Promise<Overhead> {
  const { end, peerEnd, tolerance, rounds } = options;
  const rates = { ours: [] as number[], oursSaving: [] as number[], byHand: [] as number[], scipy: [] as number[] };
  for (let round = -1; round < rounds; round++) {
    const ours = timed(() => ourSteps(problem, options, { final: true }));
    const byHand = timed(() => handWrittenDopri5(problem.evaluate, problem.y0, end, tolerance, FIRST_STEP).steps);
    const oursSaving = timed(() => ourSteps(problem, options, { steps: true }));
    const scipy = await peer?.time(problem.name, peerEnd, tolerance);
    // The first round compiles.
    if (round < 0) continue;
    rates.ours.push(rate(ours));
    rates.byHand.push(rate(byHand));
    rates.oursSaving.push(rate(oursSaving));
    if (scipy) rates.scipy.push(rate(scipy));
  }
  return { problem, ...rates };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** The median over rounds of the quotient within a round. */
function ratio(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, i) => value / b[i]));
}

export function overheadTable(overheads: readonly Overhead[]): string {
  const figure = (rates: readonly number[]): string =>
    rates.length === 0 ? '–' : Math.round(median(rates)).toLocaleString('en-US');
  const rows = overheads.map(({ problem, ours, oursSaving, byHand, scipy }) => [
    problem.title,
    ...[ours, oursSaving, byHand, scipy].map(figure),
  ]);
  return markdownTable([['steps a second', 'ours', 'ours, every step kept', 'by hand', 'SciPy RK45'], ...rows]);
}

export function overheadGoals(overheads: readonly Overhead[]): Goal[] {
  return overheads.flatMap(({ problem, ours, oursSaving, byHand, scipy }) => {
    const [toPeer, toHand] = [ratio(oursSaving, scipy), ratio(byHand, ours)];
    return [
      {
        what: `${problem.title}: steps a second over SciPy's solve_ivp (RK45), both keeping every step`,
        goal: '≥ 10 ×',
        measured: scipy.length === 0 ? 'no SciPy here' : `${toPeer.toFixed(1)} ×`,
        met: scipy.length === 0 ? undefined : toPeer >= 10,
      },
      {
        what: `${problem.title}: time of a step over the same method written by hand`,
        goal: '≤ 3 ×',
        measured: `${toHand.toFixed(2)} ×`,
        met: toHand <= 3,
      },
    ];
  });
}
