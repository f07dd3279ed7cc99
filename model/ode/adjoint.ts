/**
 * The continuous adjoint of Chen et al. 2018: [y, a, ∂L/∂θ] solved backwards in time, at memory that does not grow with
 * the steps. At every saved time it restarts from the stored state, so that the backward path cannot drift from the
 * forward one, and a takes the jump ∂L/∂y(tᵢ). The gradient is exact to the tolerance of the two solves, not beyond.
 */
import { type Augmented, augmentedSpace } from './augmented-space.ts';
import { type Controller, onKnots } from './controller.ts';
import type { Differentiable, DifferentiableOptions, Gradient, Gradients } from './gradient.ts';
import type { Ending } from './integrate.ts';
import type { Method } from './method.ts';
import { createStatistics, type Statistics } from './problem.ts';
import { checkCotangents, checkDifferentiable, failedGradients, timing } from './pullback.ts';
import { endOfSpan, type Solution, type SolveOptions, solve, travelOrder } from './solve.ts';
import type { VectorField } from './vector-field.ts';

export interface AdjointOptions {
  /** Of the backward solve; default: the forward solve's. */
  readonly method?: Method;
  readonly controller?: Controller;
}

export function adjoint(choices: AdjointOptions = {}): Gradient {
  return { name: 'adjoint', forward: (options) => forward(options, choices) };
}

function forward<S, P>(options: DifferentiableOptions<S, P>, choices: AdjointOptions): Differentiable<S, P> {
  checkDifferentiable(options);
  const solution = solve(options);
  const backward = { controller: retraced(options), ...choices };
  return {
    solution,
    pullback: (cotangents) => pullback({ ...options, ...backward }, solution, cotangents),
    dispose: () => {},
  };
}

/** Fixed steps go back over the grid that they came by, whatever the pieces between saved times are. */
function retraced<S, P>({ controller, t0, t1, saveAt }: DifferentiableOptions<S, P>): Controller | undefined {
  if (controller?.kind !== 'fixed') return controller;
  return onKnots(controller.grid(t0, endOfSpan(t0, t1, saveAt)));
}

/** d/dt [y, a, p] = [f, −aᵀ∂f/∂y, −aᵀ∂f/∂θ]: one evaluation and one vector–Jacobian product. */
function augmentedField<S, P>({
  space,
  parameterSpace,
  field,
}: DifferentiableOptions<S, P>): VectorField<Augmented<S, P>, P> {
  return {
    evaluate: (t, { y, a }, parameters, into) => {
      const slope = field.evaluate(t, y, parameters, into?.y);
      const pulled = field.vjp?.(t, y, parameters, a);
      if (pulled === undefined) throw new TypeError('field.vjp was there when the solve began');
      // v − 2v is −v exactly.
      return {
        y: slope,
        a: space.combine(pulled.y, [-2], [pulled.y], into?.a),
        p: parameterSpace.combine(pulled.parameters, [-2], [pulled.parameters], into?.p),
      };
    },
  };
}

/** Backwards from saved time to saved time, and from the first of them to the start. */
function pullback<S, P>(
  options: DifferentiableOptions<S, P>,
  solution: Solution<S>,
  cotangents: readonly S[],
): Gradients<S, P> {
  const { space, parameterSpace, t0 } = options;
  checkCotangents(options, solution, cotangents);
  const statistics = createStatistics();
  if (solution.status !== 'success') return failedGradients(options, solution, solution, statistics);
  const solveBack = createSegmentSolver(options, statistics);
  const order = travelOrder(solution.times, direction(solution.times, t0)).reverse();
  let a = space.zeros(options.y0);
  let p = parameterSpace.zeros(options.parameters);
  for (let i = 0; i < order.length; i++) {
    const from = order[i];
    a = replaced(space, a, space.combine(a, [1], [cotangents[from]]));
    const to = i + 1 < order.length ? solution.times[order[i + 1]] : t0;
    if (to === solution.times[from]) continue;
    const { end, ending } = solveBack({ y: solution.ys[from], a, p }, solution.times[from], to);
    space.dispose(end.y);
    a = replaced(space, a, end.a);
    p = replaced(parameterSpace, p, end.p);
    if (ending.status !== 'success') return failedGradients(options, solution, ending, statistics);
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

type SegmentSolver<S, P> = (start: Augmented<S, P>, t0: number, t1: number) => { end: Augmented<S, P>; ending: Ending };

/** Solves one piece after another; the next begins with the step length that the last would have tried. */
function createSegmentSolver<S, P>(options: DifferentiableOptions<S, P>, statistics: Statistics): SegmentSolver<S, P> {
  const { parameters, jumps, method, controller, maxSteps } = options;
  const space = augmentedSpace(options.space, options.parameterSpace);
  const common = { parameters, space, field: augmentedField(options), jumps, method, maxSteps };
  let nextStep: number | undefined;
  return (y0, t0, t1) => {
    const piece: SolveOptions<Augmented<S, P>, P> = { ...common, y0, t0, t1, controller: warm(controller, nextStep) };
    const { status, failedAt, ys, statistics: cost, ...rest } = solve(piece);
    nextStep = rest.nextStep;
    statistics.functionEvaluations += cost.functionEvaluations;
    statistics.accepted += cost.accepted;
    statistics.rejected += cost.rejected;
    return { end: ys[0], ending: { status, failedAt } };
  };
}

function warm(controller: Controller | undefined, firstStep: number | undefined): Controller | undefined {
  if (controller?.kind !== 'adaptive' || firstStep === undefined) return controller;
  return { ...controller, firstStep };
}
