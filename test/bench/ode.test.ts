/** The ODE bench at tiny size: its parts measure what they say. Its figures are the bench's business. */
import { describe, expect, it } from 'vitest';
import { detestGoals, detestTable } from '../../bench/ode/detest-report.ts';
import { goalTable } from '../../bench/ode/goal.ts';
import {
  collector,
  fittedExponent,
  GRADIENT_MODES,
  measureGradientMemory,
  memoryGoals,
  memoryTable,
} from '../../bench/ode/gradient-memory.ts';
import { handWrittenDopri5 } from '../../bench/ode/hand-written.ts';
import { measureOverhead, overheadGoals, overheadTable } from '../../bench/ode/overhead.ts';
import { PLANAR_PROBLEMS } from '../../bench/ode/planar-problems.ts';
import { PUBLISHED_PEERS } from '../../bench/ode/published-peers.ts';
import { evaluationsAt, measureCurve, referenceEnds } from '../../bench/ode/work-precision.ts';
import { bosh3, dopri5, float64Space, integral, leapfrog, solve, tsit5 } from '../../model/ode/index.ts';
import { DETEST } from '../problems.ts';

describe('work and precision', () => {
  const problems = DETEST.slice(0, 3);
  const references = referenceEnds(problems);
  const curve = (method: typeof tsit5, budget: number) =>
    measureCurve(method, [1e-3, 1e-5, 1e-7], budget, problems, references);

  it('a finer tolerance costs more and errs less', () => {
    const { points } = curve(tsit5, 1e5);
    expect(points).toHaveLength(3);
    for (const [i, { evaluations, error }] of points.entries()) {
      expect(evaluations).toBeGreaterThan(points[i - 1]?.evaluations ?? 0);
      expect(error).toBeLessThan(points[i - 1]?.error ?? 1);
    }
  });

  it('a method beyond the budget stops, and one that fails says where', () => {
    expect(curve(bosh3, 100).points).toHaveLength(1);
    expect(measureCurve(leapfrog, [1e-3], 1e5, problems, references).failures).toEqual([
      { solver: 'leapfrog', tolerance: 1e-3, failed: 'A1: max-steps' },
    ]);
  });

  it('between points a curve is straight in the logarithmic plane, outside of them it is unknown', () => {
    const at = (evaluations: number, error: number) => ({ solver: 'a', tolerance: 1, evaluations, error });
    const line = [at(100, 1e-2), at(10_000, 1e-6)];
    expect(evaluationsAt(line, 1e-4)).toBeCloseTo(1000, 6);
    expect(evaluationsAt(line, 1e-7)).toBeUndefined();
  });

  it('promises are held against the peers and printed', () => {
    const goals = detestGoals(curve(tsit5, 1e5).points, PUBLISHED_PEERS);
    expect(goalTable(goals).split('\n')).toHaveLength(2 + goals.length);
    expect(detestTable(PUBLISHED_PEERS)).toContain('4658 / 1.22e-2');
  });
});

describe('the cost of a step', () => {
  it.each(PLANAR_PROBLEMS)('by hand, $title: the steps of the library, and its end to 1e-9', ({ y0, evaluate }) => {
    const controller = integral({ rtol: 1e-6, atol: 1e-6, firstStep: 1e-3 });
    const options = { space: float64Space, field: { evaluate }, parameters: null, y0, t0: 0, t1: 10, controller };
    const { ys, statistics } = solve({ ...options, method: dopri5 });
    const byHand = handWrittenDopri5(evaluate, y0, 10, 1e-6, 1e-3);
    expect(byHand.steps).toBe(statistics.accepted);
    byHand.y.forEach((value, i) => {
      expect(Math.abs(value - ys[0][i])).toBeLessThan(1e-9);
    });
  });

  it('is measured round by round, with or without a peer', async () => {
    const options = { end: 20, peerEnd: 5, tolerance: 1e-4, rounds: 2 };
    const peer = { time: async () => ({ steps: 10, seconds: 1 }), close: () => {} };
    const [alone, beside] = [
      await measureOverhead(PLANAR_PROBLEMS[0], options, undefined),
      await measureOverhead(PLANAR_PROBLEMS[0], options, peer),
    ];
    expect(alone.ours).toHaveLength(2);
    expect(overheadTable([alone, beside])).toContain('Van der Pol');
    expect(overheadGoals([alone])[0].met).toBeUndefined();
    expect(overheadGoals([beside])[0].met).toBe(true);
  });
});

describe('the memory of a gradient', () => {
  it('a power is found again', () => {
    const points = [1, 10, 100].map((steps) => ({ steps, value: 3 * steps ** 0.5 }));
    expect(fittedExponent(points)).toBeCloseTo(0.5, 12);
  });

  it('reversible keeps as many states for 256 steps as for 64, backprop about four times as many', () => {
    const modes = GRADIENT_MODES.filter(({ name }) => name === 'reversible' || name === 'backprop');
    const points = measureGradientMemory(modes, [64, 256], 16, collector());
    const [few, many, fewKept, manyKept] = points.map(({ states }) => states);
    expect(many).toBe(few);
    expect(manyKept / fewKept).toBeGreaterThan(3);
    expect(memoryTable(modes, points)).toContain('reversible, leapfrog');
    expect(memoryGoals(modes, points)).toHaveLength(2);
  });
});
