/**
 * Rosenbrock methods for stiff fields: Newton's method with exactly one iteration, written into the formula, so that a
 * stage is one linear solve (Hairer and Wanner II, IV.7, eq. 7.25). No reversal: that would take second derivatives.
 */
import { linearizeOf } from './esdirk.ts';
import type { Method, OutputWeights, Segment, Stepper, Tolerance } from './method.ts';
import { evaluate, type Problem } from './problem.ts';
import type { ShiftedSolver, StateSpace } from './state-space.ts';
import { StepMemory } from './step-memory.ts';

export interface RosenbrockTableau {
  readonly name: string;
  readonly order: number;
  readonly errorOrder: number;
  readonly gamma: number;
  /** [s] times of the stages and weights of ∂f/∂t. */
  readonly alpha: readonly number[];
  readonly gammas: readonly number[];
  /** Row i has i entries: weights of the stages before in the argument, and in the right-hand side times 1/h. */
  readonly a: readonly (readonly number[])[];
  readonly c: readonly (readonly number[])[];
  /** [s] weights of the solution, and of its error. */
  readonly m: readonly number[];
  readonly error: readonly number[];
  /** [2][s] y(θ) = (1 − θ)·y + θ·y1 + θ(1 − θ)·(Σ dense₀ⱼUⱼ + θ·Σ dense₁ⱼUⱼ) (Hairer and Wanner II, IV.7, eq. 7.27). */
  readonly dense: readonly [readonly number[], readonly number[]];
}

export function rosenbrock(tableau: RosenbrockTableau): Method {
  return {
    name: tableau.name,
    order: tableau.order,
    errorOrder: tableau.errorOrder,
    endIndex: tableau.m.length + 1,
    outputWeights: (theta) => denseWeights(tableau, theta),
    start: (problem, t, y, slope) => new RosenbrockStepper(problem, tableau, t, y, slope),
  };
}

/** Over the slopes of a segment, which are f(t, y) and the stages U. */
function denseWeights({ dense: [first, second] }: RosenbrockTableau, theta: number): OutputWeights {
  const inside = theta * (1 - theta);
  return { end: theta, slopes: [0, ...first.map((weight, j) => inside * (weight + theta * second[j]))] };
}

/** What a step needs of its start, whatever its length. */
interface Start<S> {
  readonly shifted: (scale: number) => ShiftedSolver<S>;
  /** ∂f/∂t by differences. */
  readonly drift: S;
}

class RosenbrockStepper<S, P> implements Stepper<S> {
  readonly #memory: StepMemory<S, P>;
  readonly #tableau: RosenbrockTableau;
  readonly #linearize: NonNullable<StateSpace<S>['linearize']>;
  #start: Start<S> | undefined;

  constructor(problem: Problem<S, P>, tableau: RosenbrockTableau, t: number, y: S, slope?: S) {
    this.#linearize = linearizeOf(problem.space, tableau.name);
    this.#memory = new StepMemory(problem, tableau.m.length + 1, t, y, slope);
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
    const { segment, problem } = memory;
    const { space } = problem;
    const { m, error } = this.#tableau;
    const stages = this.#stages();
    segment.y1 = space.combine(segment.y, m, stages);
    stages.forEach((stage, i) => {
      segment.slopes[i + 1] = stage;
    });
    memory.filled = stages.length + 1;
    if (tolerance === undefined) return 0;
    const estimate = space.combine(space.zeros(segment.y), error, stages);
    return space.errorRatio(estimate, segment.y, segment.y1, tolerance.rtol, tolerance.atol);
  }

  prepareOutput(): void {}

  accept(retain: boolean): void {
    this.#start = undefined;
    this.#memory.accept(retain);
  }

  jumpTo(t: number): void {
    this.#start = undefined;
    this.#memory.jumpTo(t);
  }

  dispose(): void {
    this.#memory.dispose();
  }

  /** (I − γhJ)·Uᵢ = γh·(f(t + αᵢh, y + Σ aᵢⱼUⱼ) + Σ cᵢⱼUⱼ/h + γᵢh·∂f/∂t) */
  #stages(): S[] {
    const { problem, segment } = this.#memory;
    const { space } = problem;
    const { gamma, gammas, alpha, a, c } = this.#tableau;
    const { t, h, y, slopes } = segment;
    this.#start ??= this.#prepare();
    const { drift, shifted } = this.#start;
    const solver = shifted(gamma * h);
    const stages: S[] = [];
    for (let i = 0; i < a.length; i++) {
      const slope = i === 0 ? slopes[0] : evaluate(problem, t + alpha[i] * h, space.combine(y, a[i], stages));
      const pulls = [...c[i].map((weight) => gamma * weight), gamma * h - 1, gamma * gammas[i] * h * h];
      // slope + (γh − 1)·slope is γh·slope.
      stages.push(solver.solve(space.combine(slope, pulls, [...stages, slope, drift])));
    }
    return stages;
  }

  #prepare(): Start<S> {
    const { problem, segment } = this.#memory;
    const { t, h, y, slopes } = segment;
    const { shifted } = this.#linearize((state) => evaluate(problem, t, state), y);
    const delta =
      Math.sign(h) * Math.min(Math.abs(h), Math.sqrt(Number.EPSILON) * Math.max(Math.abs(t), 1e-2 * Math.abs(h)));
    const moved = t + delta - t;
    const ahead = evaluate(problem, t + moved, y);
    const difference = problem.space.combine(ahead, [-1], [slopes[0]]);
    return { shifted, drift: problem.space.combine(difference, [1 / moved - 1], [difference]) };
  }
}
