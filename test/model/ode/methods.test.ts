import { describe, expect, it } from 'vitest';
import {
  bosh3,
  constantSteps,
  createTableau,
  dop853,
  dopri5,
  type ExplicitRungeKutta,
  euler,
  fehlberg45,
  heun,
  heun21,
  leapfrog,
  METHODS,
  type Method,
  midpoint,
  OdeError,
  pi,
  ralston,
  rk4,
  rk438,
  solve,
  type Tableau,
  tsit5,
  vern7,
} from '../../../model/ode/index.ts';
import { exactProblem } from '../../problems.ts';
import { rootedTrees, type Tree } from './rooted-trees.ts';
import { linspace, optionsFor, relativeError } from './support.ts';

const FIXED = [euler, midpoint, heun, ralston, rk4, rk438];
const ADAPTIVE = [heun21, bosh3, fehlberg45, dopri5, tsit5, vern7, dop853];
const ALL: readonly ExplicitRungeKutta[] = [...FIXED, ...ADAPTIVE];

/** Elementary weight of a tree for each stage; a missing entry of a row is 0. */
function stageWeights({ a, stages }: Tableau, tree: Tree): number[] {
  const inner = tree.children.map((child) => stageWeights({ a, stages } as Tableau, child));
  const products = Array.from({ length: stages }, (_, j) =>
    inner.reduce((product, weights) => product * weights[j], 1),
  );
  if (tree.root) return products;
  return a.map((row) => row.reduce((sum, weight, j) => sum + weight * products[j], 0));
}

/** Largest |Σ bᵢ Φᵢ(τ) − 1/γ(τ)| over all trees of `order` nodes (Hairer, Nørsett, Wanner II.2, theorem 2.13). */
function worstCondition(tableau: Tableau, b: readonly number[], order: number): number {
  const residuals = rootedTrees(order).map((tree) => {
    const weights = stageWeights(tableau, { ...tree, root: true });
    return Math.abs(b.reduce((sum, value, i) => sum + value * weights[i], 0) - 1 / tree.gamma);
  });
  return Math.max(...residuals);
}

describe.each(ALL.map((method) => [method.name, method] as const))('%s', (_name, { tableau, order }) => {
  it('meets every order condition up to its order to 1e-12, and not all of the next', () => {
    for (let p = 1; p <= order; p++) expect(worstCondition(tableau, tableau.b, p)).toBeLessThan(1e-12);
    expect(worstCondition(tableau, tableau.b, order + 1)).toBeGreaterThan(1e-7);
  });
});

describe('embedded solutions meet the conditions up to their order to 1e-12', () => {
  // dop853 combines two estimates: neither is the difference to an embedded solution of order 7.
  const embedded = ADAPTIVE.filter(({ tableau }) => tableau.error?.damping === undefined);
  it.each(embedded.map((method) => [method.name, method] as const))('%s', (_name, { tableau, errorOrder }) => {
    const b = tableau.b.map((value, i) => value - (tableau.error?.weights[i] ?? 0));
    for (let p = 1; p <= (errorOrder ?? 0); p++) expect(worstCondition(tableau, b, p)).toBeLessThan(1e-12);
  });
});

describe('observed order within ±0.2 of nominal', () => {
  const problem = exactProblem('second order');
  // Small enough for the leading term, large enough to stay above rounding; the leading terms
  // of tsit5 and leapfrog are unusually small.
  const steps: Record<number, number> = { 1: 4000, 2: 800, 3: 400, 4: 160, 5: 100, 7: 32, 8: 20 };
  const stepsOf = ({ name, order }: Method): number =>
    name === 'tsit5' ? 128 : name === 'leapfrog' ? 4000 : steps[order];
  it.each([...ALL, leapfrog].map((method) => [method.name, method] as const))('%s', (_name, method) => {
    const error = (count: number): number => {
      const { ys } = solve({ ...optionsFor(problem), method, controller: constantSteps(count) });
      return relativeError(ys[0], problem.exact(problem.t1));
    };
    const observed = Math.log2(error(stepsOf(method)) / error(2 * stepsOf(method)));
    expect(Math.abs(observed - method.order)).toBeLessThan(0.2);
  });
});

describe('first same as last is derived from the table', () => {
  it.each([
    [dopri5, true],
    [tsit5, true],
    [bosh3, true],
    [rk4, false],
    [fehlberg45, false],
    [vern7, false],
    [dop853, false],
    [euler, false],
  ] as const)('%o', (method, expected) => {
    expect(method.tableau.fsal).toBe(expected);
  });
});

describe('dense output: the error anywhere is below the tolerance, 1e-7', () => {
  const problem = exactProblem('second order');
  it.each([dopri5, tsit5, vern7, dop853].map((method) => [method.name, method] as const))('%s', (_name, method) => {
    const controller = pi({ rtol: 1e-7, atol: 1e-9 });
    const asked = linspace(0, 5, 333);
    const { ys } = solve({ ...optionsFor(problem), method, controller, saveAt: { times: asked } });
    expect(Math.max(...ys.map((y, i) => relativeError(y, problem.exact(asked[i]))))).toBeLessThan(1e-7);
  });

  it('an output time inside a step of dop853 costs three evaluations, at its end none', () => {
    const options = { ...optionsFor(problem), method: dop853 };
    const steps = solve({ ...options, saveAt: { steps: true } });
    const evaluations = (times: readonly number[]): number =>
      solve({ ...options, saveAt: { times } }).statistics.functionEvaluations;
    const middle = (steps.times[2] + steps.times[3]) / 2;
    expect(evaluations([steps.times[2]])).toBe(steps.statistics.functionEvaluations);
    expect(evaluations([middle, middle + 1e-6])).toBe(steps.statistics.functionEvaluations + 3);
  });
});

describe('a tableau that is not consistent is refused with its reason', () => {
  const good = { name: 'mine', order: 1, c: [0], a: [[]], b: [1] };
  it.each([
    ['b', { ...good, b: [0.9] }, /b sums to 0.9/],
    ['row sums', { ...good, c: [0, 0.5], a: [[], [0.4]], b: [0.5, 0.5] }, /row 1 of a/],
    ['implicit', { ...good, a: [[1]], c: [1] }, /explicit/],
    ['error weights', { ...good, error: { order: 0, weights: [0.1] } }, /error weights/],
    ['dense', { ...good, dense: { weights: [[0.5]] } }, /dense row 0/],
  ])('%s', (_what, spec, message) => {
    const act = () => createTableau(spec);
    expect(act).toThrow(OdeError);
    expect(act).toThrow(message);
  });
});

describe('every method by name', () => {
  const problem = exactProblem('linear');

  it('no two share one', () => {
    expect(METHODS.size).toBe(25);
    for (const [name, method] of METHODS) expect(method.name).toBe(name);
  });

  it.each([...METHODS])('%s rotates ten dimensions and back to within 1 %', (_name, method) => {
    const count = method.order === 1 ? 20_000 : 500;
    const options = { ...optionsFor(problem), method, controller: constantSteps(count) };
    const there = solve(options);
    const back = solve({ ...options, y0: there.ys[0], t0: problem.t1, t1: problem.t0 });
    expect(relativeError(there.ys[0], problem.exact(problem.t1))).toBeLessThan(1e-2);
    expect(relativeError(back.ys[0], problem.exact(problem.t0))).toBeLessThan(1e-2);
  });
});
