/** One stepper for every explicit Runge–Kutta tableau, on any state space. Not the loop: that is `integrate.ts`. */
import { BufferedStepper } from './buffered-stepper.ts';
import { hermiteWeights, polynomialWeights } from './interpolate.ts';
import type { Method, OutputWeights, Reversal, Segment, SegmentCotangent, Tolerance } from './method.ts';
import { evaluate, type Problem } from './problem.ts';
import { createTableau, stabilityBoundary, type Tableau, type TableauSpec } from './tableau.ts';
import { addRow, createRow, type WeightRow } from './weight-row.ts';

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

class ExplicitRungeKuttaStepper<S, P> extends BufferedStepper<S, P> {
  readonly #tableau: Tableau;
  /** The rows of a, then b, then the error's weights and damping. */
  readonly #rows: readonly WeightRow[];
  readonly #zero: S;
  readonly #computeInScope: () => Segment<S>;
  #tolerance: Tolerance | undefined;
  #ratio = 0;
  /** Buffers that only a host space has. */
  #argument: S | undefined;
  #error: S | undefined;

  constructor(problem: Problem<S, P>, tableau: Tableau, t: number, y: S, slope?: S) {
    const { a, b, error, endIndex } = tableau;
    super(problem, endIndex, t, y, slope);
    this.#tableau = tableau;
    this.#rows = [...a, b, error?.weights ?? [], error?.damping ?? []].map(createRow);
    this.#zero = problem.space.zeros(y);
    this.#computeInScope = () => this.#compute();
  }

  attempt(t1: number, tolerance: Tolerance | undefined): number {
    this.memory.begin(t1);
    this.#tolerance = tolerance;
    if (this.memory.reuses) this.#compute();
    else this.space.scope(this.#computeInScope);
    return this.#ratio;
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
    const { stages, fsal, c } = this.#tableau;
    const { h, y1, slopes } = this.memory.segment;
    const before = fsal ? stages - 2 : stages - 1;
    const argument = this.#argument;
    if (!this.memory.reuses || argument === undefined || c[before] !== 1 || this.memory.filled <= before + 1) return 0;
    const size = (a: S, b: S): number => {
      this.#error = this.space.combine(a, [-1], [b], this.#error);
      return this.space.errorRatio(this.#error, a, a, 0, 1);
    };
    const moved = size(y1, argument);
    return moved === 0
      ? 0
      : (Math.abs(h) * size(slopes[before + 1], slopes[before])) / moved / stabilityBoundary(this.#tableau);
  }

  override dispose(): void {
    super.dispose();
    this.space.dispose(this.#zero);
  }

  /** Stages, end and error ratio; the returned object keeps the states that it names alive. */
  #compute(): Segment<S> {
    const memory = this.memory;
    const work = memory.segment;
    const { stages, fsal, c } = this.#tableau;
    const { t, h, y, slopes } = work;
    const inner = fsal ? stages - 1 : stages;
    for (let i = 1; i < inner; i++) {
      this.#argument = this.#combined(i, y, memory.buffer(this.#argument));
      slopes[i] = evaluate(this.problem, t + c[i] * h, this.#argument, memory.buffer(slopes[i]));
    }
    work.y1 = this.#combined(stages, y, memory.buffer(work.y1));
    if (fsal) slopes[inner] = evaluate(this.problem, work.t1, work.y1, memory.buffer(slopes[inner]));
    memory.filled = stages;
    this.#ratio = this.#tolerance === undefined ? 0 : this.#errorRatio(this.#tolerance);
    return work;
  }

  #evaluateExtra({ c, a }: { readonly c: readonly number[]; readonly a: readonly (readonly number[])[] }): void {
    const memory = this.memory;
    const { t, h, y, slopes } = memory.segment;
    for (let i = 0; i < a.length; i++) {
      const weights = a[i].map((weight) => h * weight);
      const argument = this.space.combine(y, weights, slopes, memory.buffer(this.#argument));
      slopes[memory.filled] = evaluate(this.problem, t + c[i] * h, argument, memory.buffer(slopes[memory.filled]));
      if (!memory.reuses) this.space.dispose(argument);
      memory.filled++;
    }
  }

  #errorRatio(tolerance: Tolerance): number {
    const { stages, error } = this.#tableau;
    const first = this.#estimate(stages + 1, tolerance);
    if (error?.damping === undefined || first === 0) return first;
    const second = this.#estimate(stages + 2, tolerance);
    return (first * first) / Math.sqrt(first * first + 0.01 * second * second);
  }

  #estimate(row: number, { rtol, atol }: Tolerance): number {
    const { y, y1 } = this.memory.segment;
    this.#error = this.#combined(row, this.#zero, this.memory.buffer(this.#error));
    return this.space.errorRatio(this.#error, y, y1, rtol, atol);
  }

  /** base + h·Σ rowⱼ·kⱼ */
  #combined(row: number, base: S, into: S | undefined): S {
    const { h, slopes } = this.memory.segment;
    return addRow(this.space, this.#rows[row], h, base, slopes, into);
  }
}
