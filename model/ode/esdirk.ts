/**
 * Singly diagonally implicit Runge–Kutta methods with an explicit first stage, stiffly accurate: for stiff fields. Every
 * later stage solves k = f(t + c·h, base + γ·h·k) by Newton's method with one dense factorisation a step.
 */
import { hermiteWeights } from './interpolate.ts';
import type { Method, Reversal, Segment, SegmentCotangent, Stepper, Tolerance } from './method.ts';
import { ensure } from './ode-error.ts';
import { evaluate, type Problem } from './problem.ts';
import type { Linearization, ShiftedSolver, StateSpace } from './state-space.ts';
import { StepMemory } from './step-memory.ts';

export interface EsdirkTableau {
  readonly name: string;
  readonly order: number;
  readonly gamma: number;
  /** [s] */
  readonly c: readonly number[];
  /** Row i has i entries: the weights left of the diagonal, which is γ but for the first stage. The last row is b. */
  readonly a: readonly (readonly number[])[];
  readonly error: { readonly weights: readonly number[]; readonly order: number };
}

export interface Esdirk extends Method {
  readonly tableau: EsdirkTableau;
}

/** @throws OdeError `bad-tableau` */
export function esdirk(tableau: EsdirkTableau): Esdirk {
  checkTableau(tableau);
  const endIndex = tableau.c.length - 1;
  return {
    name: tableau.name,
    order: tableau.order,
    errorOrder: tableau.error.order,
    endIndex,
    tableau,
    outputWeights: (theta, h) => hermiteWeights(theta, h, endIndex),
    pull: { output: () => {}, step: (reversal, segment, cotangent) => pullStep(tableau, reversal, segment, cotangent) },
    start: (problem, t, y, slope) => new EsdirkStepper(problem, tableau, t, y, slope),
  };
}

function checkTableau({ name, gamma, c, a, error }: EsdirkTableau): void {
  const total = (row: readonly number[]): number => row.reduce((sum, value) => sum + value, 0);
  a.forEach((row, i) => {
    const near = row.length === i && Math.abs(total(row) + (i > 0 ? gamma : 0) - c[i]) < 1e-12;
    ensure(near, 'bad-tableau', () => `Tableau ${name}: row ${i} of a needs ${i} entries that sum with γ to c.`);
  });
  ensure(c.at(-1) === 1, 'bad-tableau', () => `Tableau ${name}: the last stage must end the step.`);
  ensure(
    Math.abs(total(error.weights)) < 1e-12,
    'bad-tableau',
    () => `Tableau ${name}: error weights do not sum to 0.`,
  );
}

/** The space's linear algebra. @throws OdeError `bad-method` where it has none. */
export function linearizeOf<S>(space: StateSpace<S>, name: string): NonNullable<StateSpace<S>['linearize']> {
  const { linearize } = space;
  ensure(
    linearize !== undefined,
    'bad-method',
    () => `${name} needs a space that can linearize, such as float64Space.`,
  );
  return linearize;
}

/** Of Newton's error to the step's. */
const NEWTON_SHARE = 0.01;
/** With a controller a shorter step is cheaper than many iterations; without one, patience is all there is. */
const NEWTON_STEPS = { adaptive: 10, fixed: 50 };
/** Where no controller says how exact a step is. */
const FIXED_TOLERANCE: Tolerance = { rtol: 1e-10, atol: 1e-12 };
/** The error ratio of a step whose stages did not converge: shrink a lot, but it is no NaN. */
const NOT_CONVERGED = 1e4;

class EsdirkStepper<S, P> implements Stepper<S> {
  readonly #memory: StepMemory<S, P>;
  readonly #tableau: EsdirkTableau;
  readonly #linearize: NonNullable<StateSpace<S>['linearize']>;
  /** At the start of some step before, until Newton converges slowly with it. */
  #jacobian: Linearization<S> | undefined;
  #fresh = false;
  #solver: { readonly scale: number; readonly shifted: ShiftedSolver<S> } | undefined;

  constructor(problem: Problem<S, P>, tableau: EsdirkTableau, t: number, y: S, slope?: S) {
    this.#linearize = linearizeOf(problem.space, tableau.name);
    this.#memory = new StepMemory(problem, tableau.c.length - 1, t, y, slope);
    this.#tableau = tableau;
  }

  get segment(): Segment<S> {
    return this.#memory.segment;
  }

  startSlope(): S {
    return this.#memory.startSlope();
  }

  attempt(t1: number, tolerance: Tolerance | undefined): number {
    const memory = this.#memory;
    memory.begin(t1);
    const converged = this.#stages(tolerance) || (this.#refresh() && this.#stages(tolerance));
    memory.filled = this.#tableau.c.length;
    if (converged) return tolerance === undefined ? 0 : this.#errorRatio(tolerance);
    const { space } = memory.problem;
    memory.segment.y1 = space.combine(memory.segment.y, [Number.NaN], [memory.segment.y]);
    return NOT_CONVERGED;
  }

  prepareOutput(): void {}

  accept(retain: boolean): void {
    this.#fresh = false;
    this.#memory.accept(retain);
  }

  jumpTo(t: number): void {
    this.#jacobian = undefined;
    this.#memory.jumpTo(t);
  }

  dispose(): void {
    this.#memory.dispose();
  }

  /** Drops a Jacobian of a step before; false when it is this step's already. */
  #refresh(): boolean {
    if (this.#fresh) return false;
    this.#jacobian = undefined;
    return true;
  }

  #shifted(scale: number): ShiftedSolver<S> {
    const { problem, segment } = this.#memory;
    if (this.#jacobian === undefined) {
      this.#jacobian = this.#linearize((y) => evaluate(problem, segment.t, y), segment.y);
      this.#fresh = true;
      this.#solver = undefined;
    }
    if (this.#solver?.scale !== scale) this.#solver = { scale, shifted: this.#jacobian.shifted(scale) };
    return this.#solver.shifted;
  }

  /** All stages; false as soon as one does not converge. */
  #stages(tolerance: Tolerance | undefined): boolean {
    const { problem, segment } = this.#memory;
    const { a, gamma } = this.#tableau;
    const { h, y, slopes } = segment;
    const solver = this.#shifted(gamma * h);
    for (let i = 1; i < a.length; i++) {
      const base = problem.space.combine(
        y,
        a[i].map((weight) => h * weight),
        slopes,
      );
      const slope = this.#newton(solver, i, base, this.#guess(i), tolerance);
      if (slope === undefined) return false;
      slopes[i] = slope;
      if (i === a.length - 1) segment.y1 = problem.space.combine(base, [gamma * h], [slope]);
    }
    return true;
  }

  /** Where Newton starts: the straight line through the two slopes nearest in time. */
  #guess(stage: number): S {
    const { problem, segment } = this.#memory;
    const { c } = this.#tableau;
    const distance = (i: number): number => Math.abs(c[i] - c[stage]);
    const known = Array.from({ length: stage }, (_, i) => i).sort((i, j) => distance(i) - distance(j));
    const [near, far = near] = known;
    if (far === near) return segment.slopes[near];
    const share = (c[stage] - c[near]) / (c[far] - c[near]);
    return problem.space.combine(segment.slopes[near], [share, -share], [segment.slopes[far], segment.slopes[near]]);
  }

  /** k = f(t + c·h, base + γ·h·k) to a share of the tolerance (Hairer, Wanner II, IV.8), or undefined. */
  #newton(solver: ShiftedSolver<S>, stage: number, base: S, guess: S, tolerance: Tolerance | undefined): S | undefined {
    const { problem, segment } = this.#memory;
    const { space } = problem;
    const { gamma, c } = this.#tableau;
    const scale = gamma * segment.h;
    const t = segment.t + c[stage] * segment.h;
    let slope = guess;
    const { rtol, atol } = tolerance ?? FIXED_TOLERANCE;
    const steps = tolerance === undefined ? NEWTON_STEPS.fixed : NEWTON_STEPS.adaptive;
    let before = Number.POSITIVE_INFINITY;
    for (let i = 0; i < steps; i++) {
      const residual = space.combine(evaluate(problem, t, space.combine(base, [scale], [slope])), [-1], [slope]);
      const change = solver.solve(residual);
      slope = space.combine(slope, [1], [change]);
      const moved = space.combine(change, [scale - 1], [change]);
      const size = space.errorRatio(moved, segment.y, segment.y, rtol, atol);
      const rate = size / before;
      before = size;
      if (
        size === 0 ||
        (i === 0 ? size < 1e-3 * NEWTON_SHARE : (size * rate) / (1 - rate) < NEWTON_SHARE && rate < 1)
      ) {
        return slope;
      }
      if (!(rate < 1 || i === 0)) return undefined;
    }
    return undefined;
  }

  #errorRatio({ rtol, atol }: Tolerance): number {
    const { problem, segment } = this.#memory;
    const { space } = problem;
    const weights = this.#tableau.error.weights.map((weight) => segment.h * weight);
    const error = space.combine(space.zeros(segment.y), weights, segment.slopes);
    return space.errorRatio(error, segment.y, segment.y1, rtol, atol);
  }
}

/** Implicit stages last to first: their cotangents solve the transposed linear system at the stage itself. */
function pullStep<S, P>(
  tableau: EsdirkTableau,
  reversal: Reversal<S, P>,
  segment: Segment<S>,
  cotangent: SegmentCotangent<S>,
): void {
  const { a, gamma } = tableau;
  const { add } = reversal;
  const { y1, slopes } = cotangent;
  const last = a.length - 1;
  // The end's slope was pulled back as a node already: what is left here comes from y1.
  slopes[last] = undefined;
  if (y1 !== undefined) {
    cotangent.y = add(cotangent.y, [1], [y1]);
    [...a[last], gamma].forEach((weight, i) => {
      if (weight !== 0) slopes[i] = add(slopes[i], [segment.h * weight], [y1]);
    });
  }
  for (let i = last; i > 0; i--) pullStage(tableau, reversal, segment, cotangent, i);
}

function pullStage<S, P>(
  { a, c, gamma }: EsdirkTableau,
  reversal: Reversal<S, P>,
  { t, h, y, slopes }: Segment<S>,
  cotangent: SegmentCotangent<S>,
  index: number,
): void {
  const bar = cotangent.slopes[index];
  if (bar === undefined) return;
  const { add, problem } = reversal;
  const row = [...a[index], gamma];
  const argument = problem.space.combine(
    y,
    row.map((weight) => h * weight),
    slopes,
  );
  const implicit = solveImplicit(reversal, t + c[index] * h, argument, gamma * h, bar);
  const pulled = reversal.vjp(t + c[index] * h, argument, implicit);
  cotangent.y = add(cotangent.y, [1], [pulled]);
  for (let j = 0; j < index; j++) {
    if (row[j] !== 0) cotangent.slopes[j] = add(cotangent.slopes[j], [h * row[j]], [pulled]);
  }
}

/** λ = bar + scale·Jᵀ·λ, refined with exact products until the differences' Jacobian leaves no trace. */
function solveImplicit<S, P>({ problem, vjpOfState }: Reversal<S, P>, t: number, y: S, scale: number, bar: S): S {
  const { space } = problem;
  const linearize = linearizeOf(space, 'the gradient of an implicit step');
  const { solveTransposed } = linearize((state) => evaluate(problem, t, state), y).shifted(scale);
  let lambda = solveTransposed(bar);
  for (let i = 0; i < 3; i++) {
    const residual = space.combine(bar, [scale, -1], [vjpOfState(t, y, lambda), lambda]);
    lambda = space.combine(lambda, [1], [solveTransposed(residual)]);
  }
  return lambda;
}
