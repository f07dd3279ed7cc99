/**
 * The continuous adjoint of Chen et al. 2018: a = ∂L/∂y and ∂L/∂θ solved backwards in time. At every saved time a takes
 * the jump ∂L/∂y(tᵢ). The gradient is exact to the tolerance of the two solves, not beyond.
 *
 * Where the states on the way back come from is a choice: solved backwards along with a, restarted at every saved time
 * from the stored state (memory that does not grow with the steps), or read off the forward solve's dense output (no
 * drift at all, memory in proportion to the steps). Along a known path the way back is linear, and a stiff field's is solved
 * by the same implicit method.
 */
import { type Controller, onKnots } from './controller.ts';
import { costateLinearization } from './costate-linearization.ts';
import { recordOutput } from './dense-record.ts';
import type { Differentiable, DifferentiableOptions, Gradient, Gradients } from './gradient.ts';
import type { Ending } from './integrate.ts';
import type { Method } from './method.ts';
import { type Pair, pairSpace } from './pair-space.ts';
import { createStatistics, type Statistics } from './problem.ts';
import { checkCotangents, checkDifferentiable, failedGradients, timing, vjpOf } from './pullback.ts';
import { controllerOf, endOfSpan, type Solution, type SolveOptions, solve, travelOrder } from './solve.ts';
import type { StateSpace } from './state-space.ts';
import type { VectorField } from './vector-field.ts';

export interface AdjointOptions {
  /** Of the backward solve; default: the forward solve's. */
  readonly method?: Method;
  readonly controller?: Controller;
  /**
   * `solved`: memory that does not grow with the steps, explicit methods only; `interpolated`: no drift, any method, memory in
   * proportion. Default: `solved`.
   */
  readonly path?: 'solved' | 'interpolated';
}

/** The continuous adjoint as a gradient mode. The error norm of the way back leaves ∂L/∂θ out (seminorm). */
export function adjoint({ path = 'solved', ...backward }: AdjointOptions = {}): Gradient {
  return {
    name: 'adjoint',
    forward: (options) => (path === 'solved' ? solvedPath(options, backward) : interpolatedPath(options, backward)),
  };
}

type Backward = Pick<AdjointOptions, 'method' | 'controller'>;

/** [[y, a], ∂L/∂θ] */
type Augmented<S, P> = Pair<Pair<S, S>, P>;

function solvedPath<S, P>(options: DifferentiableOptions<S, P>, backward: Backward): Differentiable<S, P> {
  checkDifferentiable(options);
  const { space, parameterSpace } = options;
  const solution = solve(options);
  const piece = createPieceSolver(options, backward, {
    space: pairSpace(pairSpace(space, space, 'both'), parameterSpace, 'first'),
    field: augmentedField(options),
  });
  return {
    solution,
    pullback: (cotangents) =>
      pullback(options, solution, cotangents, (statistics) => {
        const solvePiece = piece(statistics);
        return (from, to, y, a, p) => {
          const { end, ending } = solvePiece({ first: { first: y, second: a }, second: p }, from, to);
          space.dispose(end.first.first);
          return { a: end.first.second, p: end.second, ending };
        };
      }),
    dispose: () => {},
  };
}

function interpolatedPath<S, P>(options: DifferentiableOptions<S, P>, backward: Backward): Differentiable<S, P> {
  checkDifferentiable(options);
  const { solution, at, dispose } = recordOutput(options);
  const piece = createPieceSolver(options, backward, {
    space: costateSpace(options, at),
    field: costateField(options, at),
  });
  return {
    solution,
    pullback: (cotangents) =>
      pullback(options, solution, cotangents, (statistics) => {
        const solvePiece = piece(statistics);
        return (from, to, _y, first, second) => {
          const { end, ending } = solvePiece({ first, second }, from, to);
          return { a: end.first, p: end.second, ending };
        };
      }),
    dispose,
  };
}

/** [a, p], with linear algebra for implicit methods where the states have some. */
function costateSpace<S, P>(options: DifferentiableOptions<S, P>, at: (t: number) => S): StateSpace<Pair<S, P>> {
  const { space, parameterSpace, y0 } = options;
  const pair = pairSpace(space, parameterSpace, 'first');
  const create = space.createLinearization;
  if (create === undefined) return pair;
  return { ...pair, createLinearization: () => costateLinearization(options, at, create(y0)) };
}

/** −v for a product that the solver owns. v − 2v is −v exactly. */
function negative<T>(space: StateSpace<T>, value: T, into: T | undefined): T {
  return space.combine(value, [-2], [value], into);
}

/** d/dt [y, a, p] = [f, −aᵀ∂f/∂y, −aᵀ∂f/∂θ]: one evaluation and one vector–Jacobian product. */
function augmentedField<S, P>(options: DifferentiableOptions<S, P>): VectorField<Augmented<S, P>, P> {
  const { space, parameterSpace, field } = options;
  const pull = vjpOf(field);
  return {
    evaluate: (t, { first: { first: y, second: a } }, parameters, into) => {
      const slope = field.evaluate(t, y, parameters, into?.first.first);
      const pulled = pull(t, y, parameters, a);
      return {
        first: { first: slope, second: negative(space, pulled.y, into?.first.second) },
        second: negative(parameterSpace, pulled.parameters, into?.second),
      };
    },
  };
}

/** d/dt [a, p] = [−aᵀ∂f/∂y, −aᵀ∂f/∂θ] along a known path. */
function costateField<S, P>(
  { space, parameterSpace, field }: DifferentiableOptions<S, P>,
  at: (t: number) => S,
): VectorField<Pair<S, P>, P> {
  const pull = vjpOf(field);
  return {
    evaluate: (t, { first: a }, parameters, into) => {
      const pulled = pull(t, at(t), parameters, a);
      return {
        first: negative(space, pulled.y, into?.first),
        second: negative(parameterSpace, pulled.parameters, into?.second),
      };
    },
  };
}

/** From one saved time back to the next, in which nothing jumps. */
type Piece<S, P> = (
  from: number,
  to: number,
  y: S,
  a: S,
  p: P,
) => { readonly a: S; readonly p: P; readonly ending: Ending };

/** Backwards from saved time to saved time, and from the first of them to the start. */
function pullback<S, P>(
  options: DifferentiableOptions<S, P>,
  solution: Solution<S>,
  cotangents: readonly S[],
  createPiece: (statistics: Statistics) => Piece<S, P>,
): Gradients<S, P> {
  const { space, parameterSpace, t0 } = options;
  checkCotangents(options, solution, cotangents);
  const statistics = createStatistics();
  if (solution.status !== 'success') return failedGradients(options, solution, solution, statistics);
  const solvePiece = createPiece(statistics);
  const order = travelOrder(solution.times, direction(solution.times, t0)).reverse();
  let a = space.zeros(options.y0);
  let p = parameterSpace.zeros(options.parameters);
  for (let i = 0; i < order.length; i++) {
    const from = order[i];
    a = replaced(space, a, space.combine(a, [1], [cotangents[from]]));
    const to = i + 1 < order.length ? solution.times[order[i + 1]] : t0;
    if (to === solution.times[from]) continue;
    const end = solvePiece(solution.times[from], to, solution.ys[from], a, p);
    a = replaced(space, a, end.a);
    p = replaced(parameterSpace, p, end.p);
    if (end.ending.status !== 'success') {
      space.dispose(a);
      parameterSpace.dispose(p);
      return failedGradients(options, solution, end.ending, statistics);
    }
  }
  const gradient = { y0: a, parameters: p };
  return { status: 'success', ...gradient, timing: () => timing(options, solution, cotangents, a), statistics };
}

function direction(times: Float64Array, t0: number): number {
  return Math.sign(times.reduce((sum, time) => sum + Math.sign(time - t0), 0)) || 1;
}

function replaced<T>(space: { dispose(state: T): void }, before: T, after: T): T {
  space.dispose(before);
  return after;
}

/** Solves one piece after another; the next begins with the step length that the last would have tried. */
function createPieceSolver<S, P, X>(
  options: DifferentiableOptions<S, P>,
  backward: Backward,
  system: { readonly space: StateSpace<X>; readonly field: VectorField<X, P> },
): (statistics: Statistics) => (start: X, t0: number, t1: number) => { readonly end: X; readonly ending: Ending } {
  const { parameters, jumps, maxSteps } = options;
  const method = backward.method ?? options.method;
  const controller = backward.controller ?? retraced(options);
  return (statistics) => {
    let nextStep: number | undefined;
    return (y0, t0, t1) => {
      const piece: SolveOptions<X, P> = { ...system, parameters, jumps, maxSteps, method, y0, t0, t1 };
      const { status, failedAt, ys, ...rest } = solve({ ...piece, controller: warm(controller, nextStep) });
      nextStep = rest.nextStep;
      statistics.functionEvaluations += rest.statistics.functionEvaluations;
      statistics.accepted += rest.statistics.accepted;
      statistics.rejected += rest.statistics.rejected;
      return { end: ys[0], ending: { status, failedAt } };
    };
  };
}

/** Fixed steps go back over the grid that they came by, whatever the pieces between saved times are. */
function retraced<S, P>(options: DifferentiableOptions<S, P>): Controller {
  const { t0, t1, saveAt } = options;
  const controller = controllerOf(options);
  if (controller.kind !== 'fixed') return controller;
  return onKnots(controller.grid(t0, endOfSpan(t0, t1, saveAt)));
}

function warm(controller: Controller, firstStep: number | undefined): Controller {
  if (controller.kind !== 'adaptive' || firstStep === undefined) return controller;
  return { ...controller, firstStep };
}
