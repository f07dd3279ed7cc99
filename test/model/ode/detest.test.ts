/** The work and the precision of the methods over all of DETEST, against the figures that others' solvers reach there. */
import { describe, expect, it } from 'vitest';
import {
  type Controller,
  dop853,
  dopri5,
  float64Space,
  integral,
  type Method,
  pi,
  solve,
  tsit5,
  vern7,
} from '../../../model/ode/index.ts';
import { DETEST, type DetestProblem } from '../../problems.ts';
import { relativeError } from './support.ts';

function endOf({ slope, y0 }: DetestProblem, method: Method, controller: Controller) {
  const options = { space: float64Space, field: { evaluate: slope }, parameters: null };
  const { ys, status, statistics } = solve({ ...options, y0, t0: 0, t1: 20, method, controller });
  expect(status).toBe('success');
  return { y: ys[0], evaluations: statistics.functionEvaluations };
}

const REFERENCES = DETEST.map((problem) => endOf(problem, dop853, pi({ rtol: 1e-13, atol: 1e-14 })).y);

/** All evaluations, and the geometric mean over the problems of the largest error at the end. */
function measure(method: Method, controller: Controller): { evaluations: number; error: number } {
  const ends = DETEST.map((problem) => endOf(problem, method, controller));
  const errors = ends.map(({ y }, i) => Math.max(...y.map((value, j) => Math.abs(value - REFERENCES[i][j]))));
  const evaluations = ends.reduce((sum, end) => sum + end.evaluations, 0);
  const logs = errors.map((error) => Math.log(Math.max(error, Number.EPSILON)));
  return { evaluations, error: Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length) };
}

const at = (tolerance: number): Controller => pi({ rtol: tolerance, atol: tolerance });

describe('the references', () => {
  it('of dop853 and of vern7 agree to 1e-8 of the state', () => {
    DETEST.forEach((problem, i) => {
      expect(relativeError(endOf(problem, vern7, pi({ rtol: 1e-12, atol: 1e-13 })).y, REFERENCES[i])).toBeLessThan(
        1e-8,
      );
    });
  });

  it("dopri5 under integral control costs what SciPy's RK45 does, 4238 and 10916 evaluations, to 0.1 %", () => {
    for (const [tolerance, evaluations] of [
      [1e-3, 4238],
      [1e-6, 10916],
    ]) {
      const measured = measure(dopri5, integral({ rtol: tolerance, atol: tolerance }));
      expect(Math.abs(measured.evaluations / evaluations - 1)).toBeLessThan(1e-3);
    }
  });
});

/** torchdiffeq 0.2.5's dopri5 at 1e-3, 1e-6 and 1e-9, and SciPy's DOP853 at 1e-9: evaluations and mean end error. */
const PEERS = {
  coarse: { evaluations: 4658, error: 1.22e-2 },
  middle: { evaluations: 10520, error: 9.9e-6 },
  fine: { evaluations: 32930, error: 6.24e-9 },
  dop853: { evaluations: 20102, error: 8.8e-10 },
};

describe('at least 15 % fewer evaluations than the peer at no larger error', () => {
  it.each([
    ['1e-3', tsit5, 8e-3, PEERS.coarse],
    ['1e-6', dop853, 1e-4, PEERS.middle],
    ['1e-9', dop853, 5e-8, PEERS.fine],
  ] as const)('at the error that it reaches at %s', (_name, method, tolerance, peer) => {
    const measured = measure(method, at(tolerance));
    expect(measured.error).toBeLessThanOrEqual(peer.error);
    expect(measured.evaluations).toBeLessThanOrEqual(0.85 * peer.evaluations);
  });

  it("level with SciPy's DOP853 at its 1e-9 or better", () => {
    const measured = measure(dop853, at(1e-8));
    expect(measured.error).toBeLessThanOrEqual(PEERS.dop853.error);
    expect(measured.evaluations).toBeLessThanOrEqual(PEERS.dop853.evaluations);
  });
});

describe('the default method is never behind dopri5', () => {
  it.each([1e-3, 1e-6, 1e-9])('at %s it errs less at no more than 0.5 %% more evaluations', (tolerance) => {
    const [ours, theirs] = [measure(tsit5, at(tolerance)), measure(dopri5, at(tolerance))];
    expect(ours.error).toBeLessThan(theirs.error);
    expect(ours.evaluations).toBeLessThan(1.005 * theirs.evaluations);
  });
});
