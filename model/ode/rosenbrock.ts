/**
 * Rosenbrock methods for stiff fields: Newton's method with exactly one iteration, written into the formula, so that a
 * stage is one linear solve (Hairer and Wanner II, IV.7, eq. 7.25). No reversal: that would take second derivatives.
 */
import { BufferedStepper } from './buffered-stepper.ts';
import { type FieldJacobian, fieldJacobian, linearizationOf } from './field-jacobian.ts';
import type { Method, OutputWeights } from './method.ts';
import { evaluate, type Problem } from './problem.ts';
import type { Linearization } from './state-space.ts';
import type { Tolerance } from './tolerance.ts';
import { addRow, createRow, type WeightRow } from './weight-row.ts';

/** In the transformed variables U of Hairer and Wanner II, IV.7 (eq. 7.25), which need no product with the Jacobian. */
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

/** A method from its table. Host states only; no exact gradient. */
export function rosenbrock(tableau: RosenbrockTableau): Method {
  return {
    name: tableau.name,
    order: tableau.order,
    errorOrder: tableau.errorOrder,
    endIndex: tableau.m.length + 1,
    implicit: true,
    outputWeights: (theta) => denseWeights(tableau, theta),
    start: (problem, t, y, slope) => new RosenbrockStepper(problem, tableau, t, y, slope),
  };
}

/** Over the slopes of a segment, which are f(t, y) and the stages U. */
function denseWeights({ dense: [first, second] }: RosenbrockTableau, theta: number): OutputWeights {
  const inside = theta * (1 - theta);
  return { end: theta, slopes: [0, ...first.map((weight, j) => inside * (weight + theta * second[j]))] };
}

class RosenbrockStepper<S, P> extends BufferedStepper<S, P> {
  readonly #tableau: RosenbrockTableau;
  /** Over f(t, y) and the stages: arguments, right-hand sides, the solution and its error. */
  readonly #arguments: readonly WeightRow[];
  readonly #pulls: readonly WeightRow[];
  readonly #end: WeightRow;
  readonly #errorRow: WeightRow;
  readonly #zero: S;
  readonly #jacobian: FieldJacobian<S>;
  readonly #linear: Linearization<S>;
  /** Whether Jacobian and ∂f/∂t are those of the step's start, whatever its length. */
  #prepared = false;
  #drift: S | undefined;
  #argument: S | undefined;
  #slope: S | undefined;
  #side: S | undefined;

  constructor(problem: Problem<S, P>, tableau: RosenbrockTableau, t: number, y: S, slope?: S) {
    super(problem, tableau.m.length + 1, t, y, slope);
    const overSlopes = (row: readonly number[]): WeightRow => createRow([0, ...row]);
    this.#tableau = tableau;
    this.#arguments = tableau.a.map(overSlopes);
    this.#pulls = tableau.c.map(overSlopes);
    this.#end = overSlopes(tableau.m);
    this.#errorRow = overSlopes(tableau.error);
    this.#zero = problem.space.zeros(y);
    this.#jacobian = fieldJacobian(problem);
    this.#linear = linearizationOf(problem.space, y, tableau.name);
  }

  attempt(tolerance: Tolerance | undefined): void {
    const { memory, space, trial } = this;
    memory.begin(trial);
    this.#stages();
    const { segment } = memory;
    segment.y1 = addRow(space, this.#end, 1, segment.y, segment.slopes, memory.buffer(segment.y1));
    memory.filled = this.#tableau.m.length + 1;
    trial.ratio = 0;
    if (tolerance === undefined) return;
    this.#side = addRow(space, this.#errorRow, 1, this.#zero, segment.slopes, memory.buffer(this.#side));
    trial.ratio = space.errorRatio(this.#side, segment.y, segment.y1, tolerance.rtol, tolerance.atol);
  }

  override accept(retain: boolean): void {
    this.#prepared = false;
    super.accept(retain);
  }

  override jumpTo(t: number): void {
    this.#prepared = false;
    super.jumpTo(t);
  }

  override dispose(): void {
    super.dispose();
    this.space.dispose(this.#zero);
  }

  /** (I − γhJ)·Uᵢ = γh·(f(t + αᵢh, y + Σ aᵢⱼUⱼ) + Σ cᵢⱼUⱼ/h + γᵢh·∂f/∂t) */
  #stages(): void {
    const { memory, space, problem } = this;
    const { gamma, alpha, a } = this.#tableau;
    const { t, h, y, slopes } = memory.segment;
    const drift = this.#prepare();
    this.#linear.shift(gamma * h);
    for (let i = 0; i < a.length; i++) {
      if (i > 0) {
        this.#argument = addRow(space, this.#arguments[i], 1, y, slopes, memory.buffer(this.#argument));
        this.#slope = evaluate(problem, t + alpha[i] * h, this.#argument, memory.buffer(this.#slope));
      }
      const side = this.#rightHandSide(i, (i > 0 && this.#slope) || slopes[0], drift);
      slopes[i + 1] = this.#linear.solve(side, memory.buffer(slopes[i + 1]));
    }
  }

  #rightHandSide(stage: number, slope: S, drift: S): S {
    const { memory, space } = this;
    const { gamma, gammas } = this.#tableau;
    const { h, slopes } = memory.segment;
    const side = addRow(space, this.#pulls[stage], gamma, this.#zero, slopes, memory.buffer(this.#side));
    this.#side = space.combine(side, [gamma * h, gamma * gammas[stage] * h * h], [slope, drift], memory.buffer(side));
    return this.#side;
  }

  /** The Jacobian and ∂f/∂t at the step's start; returns the latter. */
  #prepare(): S {
    if (this.#prepared && this.#drift !== undefined) return this.#drift;
    const { t, y } = this.memory.segment;
    this.#jacobian.t = t;
    this.#linear.update(this.#jacobian, y);
    this.#drift = this.#byTime();
    this.#prepared = true;
    return this.#drift;
  }

  /** ∂f/∂t by the field's own product, or by a difference inside the step. */
  #byTime(): S {
    const { memory, space, problem } = this;
    const { t, h, y, slopes } = memory.segment;
    const { field, parameters, statistics } = problem;
    if (field.jvp !== undefined) {
      statistics.functionEvaluations++;
      const drift = field.jvp(t, y, parameters, { y: this.#zero, t: 1 });
      // The field may return one buffer for ever.
      return space.combine(drift, [], [], memory.buffer(this.#drift));
    }
    const delta =
      Math.sign(h) * Math.min(Math.abs(h), Math.sqrt(Number.EPSILON) * Math.max(Math.abs(t), 1e-2 * Math.abs(h)));
    const moved = t + delta - t;
    this.#slope = evaluate(problem, t + moved, y, memory.buffer(this.#slope));
    return space.combine(this.#zero, [1 / moved, -1 / moved], [this.#slope, slopes[0]], memory.buffer(this.#drift));
  }
}
