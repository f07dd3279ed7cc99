/** One stepper for every explicit Runge–Kutta tableau, on any state space. Not the loop: that is `integrate.ts`. */
import { BufferedStepper } from './buffered-stepper.ts';
import { CombinedStages } from './combined-stages.ts';
import { hermiteWeights, polynomialWeights } from './interpolate.ts';
import type { Method, OutputWeights, Reversal, Segment, SegmentCotangent } from './method.ts';
import { evaluate, type Problem } from './problem.ts';
import type { Stages, StageTable } from './state-space.ts';
import { createTableau, stabilityBoundary, type Tableau, type TableauSpec } from './tableau.ts';
import type { Tolerance } from './tolerance.ts';

/** A method that is nothing but a table. */
export interface ExplicitRungeKutta extends Method {
  readonly tableau: Tableau;
}

/** @throws OdeError `bad-tableau` */
export function explicitRungeKutta(spec: TableauSpec): ExplicitRungeKutta {
  const tableau = createTableau(spec);
  return {
    name: tableau.name,
    order: tableau.order,
    errorOrder: tableau.error?.order,
    endIndex: tableau.endIndex,
    tableau,
    outputWeights: (theta, h) => denseWeights(tableau, theta, h),
    pull: {
      output: (reversal, segment, cotangent) => pullOutput(tableau, reversal, segment, cotangent),
      step: (reversal, segment, cotangent) => pullStep(tableau, reversal, segment, cotangent),
    },
    start: (problem, t, y, slope) => new ExplicitRungeKuttaStepper(problem, tableau, t, y, slope),
  };
}

/** The interpolant's weights at θ; without its own, cubic Hermite. */
function denseWeights({ dense, endIndex }: Tableau, theta: number, h: number): OutputWeights {
  return dense ? polynomialWeights(dense.weights, theta, h) : hermiteWeights(theta, h, endIndex);
}

/** Extra stages of dense output, last to first. */
function pullOutput<S, P>(
  { dense, endIndex }: Tableau,
  reversal: Reversal<S, P>,
  segment: Segment<S>,
  cotangent: SegmentCotangent<S>,
): void {
  const { c = [], a = [] } = dense?.extra ?? {};
  for (let i = a.length - 1; i >= 0; i--) pullStage(reversal, segment, cotangent, endIndex + 1 + i, c[i], a[i]);
}

/** Stages last to first: Hairer, Lubich, Wanner, Geometric Numerical Integration, VI.6. */
function pullStep<S, P>(
  { stages, fsal, a, b, c }: Tableau,
  reversal: Reversal<S, P>,
  segment: Segment<S>,
  cotangent: SegmentCotangent<S>,
): void {
  const { y1, slopes } = cotangent;
  if (y1 !== undefined) {
    cotangent.y = reversal.add(cotangent.y, [1], [y1]);
    for (let i = 0; i < stages; i++) if (b[i] !== 0) slopes[i] = reversal.add(slopes[i], [segment.h * b[i]], [y1]);
  }
  for (let i = stages - (fsal ? 2 : 1); i > 0; i--) pullStage(reversal, segment, cotangent, i, c[i], a[i]);
}

/** Stage k = f(t + c·h, y + h·Σ rowⱼ·kⱼ): from its cotangent to those of y and of the slopes before it. */
function pullStage<S, P>(
  { add, vjp, problem }: Reversal<S, P>,
  { t, h, y, slopes }: Segment<S>,
  cotangent: SegmentCotangent<S>,
  index: number,
  c: number,
  row: readonly number[],
): void {
  const bar = cotangent.slopes[index];
  if (bar === undefined) return;
  const argument = problem.space.combine(
    y,
    row.map((weight) => h * weight),
    slopes,
  );
  const pulled = vjp(t + c * h, argument, bar);
  cotangent.y = add(cotangent.y, [1], [pulled]);
  for (let j = 0; j < row.length; j++) {
    if (row[j] !== 0) cotangent.slopes[j] = add(cotangent.slopes[j], [h * row[j]], [pulled]);
  }
}

/** The rows that make a step: of a from the second stage on, of its end, and of its errors. */
function stageTable({ a, b, c, error, fsal }: Tableau): StageTable {
  const errors = error === undefined ? [] : [error.weights, ...(error.damping ? [error.damping] : [])];
  return { c, rows: [...a.slice(1), ...(fsal ? [] : [b])], errors };
}

const MINUS_ONE = [-1];
const UNIT: Tolerance = { rtol: 0, atol: 1 };

class ExplicitRungeKuttaStepper<S, P> extends BufferedStepper<S, P> {
  readonly #tableau: Tableau;
  readonly #stages: Stages<S>;
  /** How many slopes it computes, the first included. */
  readonly #count: number;
  readonly #damped: boolean;
  readonly #computeInScope: () => Segment<S>;
  #tolerance: Tolerance | undefined;
  readonly #subtrahend: S[] = [];
  readonly #size = { ratio: Number.NaN };
  /** A buffer that only a host space has. */
  #scratch: S | undefined;

  constructor(problem: Problem<S, P>, tableau: Tableau, t: number, y: S, slope?: S) {
    super(problem, tableau.endIndex, t, y, slope);
    const { space } = problem;
    const table = stageTable(tableau);
    this.#tableau = tableau;
    this.#stages = space.createStages?.(table, y) ?? new CombinedStages(table, space, y);
    this.#count = tableau.stages;
    this.#damped = tableau.error?.damping !== undefined;
    this.#computeInScope = () => this.#compute();
  }

  attempt(tolerance: Tolerance | undefined): void {
    this.memory.aim(this.trial);
    this.#tolerance = tolerance;
    if (this.memory.reuses) this.#compute();
    else this.#computeOnDevice();
  }

  override prepareOutput(): void {
    const { dense, endIndex, stages } = this.#tableau;
    if (dense !== undefined && dense.weights.length <= stages) return;
    this.memory.prepareEnd();
    if (dense?.extra !== undefined && this.memory.filled === endIndex + 1) this.#evaluateExtra(dense.extra);
  }

  /**
   * Two stages at the end of the step, from two arguments that differ: their slopes' difference over the arguments' is the
   * eigenvalue that dominates (Shampine 1977; Hairer and Wanner II, IV.2, eq. 2.12).
   */
  stiffness(): number {
    const { fsal, c } = this.#tableau;
    const { h, y1, slopes } = this.memory.segment;
    const before = this.#count - (fsal ? 2 : 1);
    const { argument } = this.#stages;
    if (!this.memory.reuses || argument === undefined || c[before] !== 1) return 0;
    if (this.memory.filled <= before + 1) return 0;
    this.#measureDistance(y1, argument);
    const moved = this.#size.ratio;
    if (moved === 0) return 0;
    this.#measureDistance(slopes[before + 1], slopes[before]);
    const turned = this.#size.ratio;
    return (Math.abs(h) * turned) / moved / stabilityBoundary(this.#tableau);
  }

  override dispose(): void {
    super.dispose();
    this.#stages.dispose();
  }

  /** Puts the size of a − b into #size: see `Trial`. */
  #measureDistance(a: S, b: S): void {
    const stages = this.#stages;
    this.#subtrahend[0] = b;
    stages.errors[0] = this.space.combine(a, MINUS_ONE, this.#subtrahend, stages.errors[0]);
    stages.measure(0, this.memory.segment, UNIT, this.#size);
  }

  /** The start's slope outlives the step: it is made outside of its scope. */
  #computeOnDevice(): void {
    this.memory.startSlope();
    this.space.scope(this.#computeInScope);
  }

  /** Stages, end and error ratio; the returned object keeps the states that it names alive. */
  #compute(): Segment<S> {
    const { memory, problem, trial } = this;
    const { segment } = memory;
    const begun = memory.filled > 0;
    this.#stages.run(problem.field, problem.parameters, segment, begun, this.#tolerance !== undefined);
    problem.statistics.functionEvaluations += begun ? this.#count - 1 : this.#count;
    memory.filled = this.#count;
    trial.ratio = 0;
    if (this.#tolerance !== undefined) this.#judge(this.#tolerance);
    return segment;
  }

  #judge(tolerance: Tolerance): void {
    const { trial } = this;
    const { segment } = this.memory;
    this.#stages.measure(0, segment, tolerance, trial);
    const first = trial.ratio;
    if (!this.#damped || first === 0) return;
    this.#stages.measure(1, segment, tolerance, trial);
    trial.ratio = (first * first) / Math.sqrt(first * first + 0.01 * trial.ratio * trial.ratio);
  }

  #evaluateExtra({ c, a }: { readonly c: readonly number[]; readonly a: readonly (readonly number[])[] }): void {
    const memory = this.memory;
    const { t, h, y, slopes } = memory.segment;
    for (let i = 0; i < a.length; i++) {
      const weights = a[i].map((weight) => h * weight);
      const argument = this.space.combine(y, weights, slopes, memory.buffer(this.#scratch));
      this.#scratch = memory.buffer(argument);
      slopes[memory.filled] = evaluate(this.problem, t + c[i] * h, argument, memory.buffer(slopes[memory.filled]));
      if (!memory.reuses) this.space.dispose(argument);
      memory.filled++;
    }
  }
}
