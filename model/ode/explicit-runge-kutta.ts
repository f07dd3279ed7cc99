/** One stepper for every explicit Runge–Kutta tableau, on any state space. Not the loop: that is `integrate.ts`. */
import { hermiteWeights } from './interpolate.ts';
import type { Method, OutputWeights, Reversal, Segment, SegmentCotangent, Stepper, Tolerance } from './method.ts';
import { evaluate, type Problem } from './problem.ts';
import type { StateSpace } from './state-space.ts';
import { createTableau, type Tableau, type TableauSpec } from './tableau.ts';

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
    start: (problem, t, y) => new ExplicitRungeKuttaStepper(problem, tableau, t, y),
  };
}

/** The interpolant's weights at θ; without its own, cubic Hermite. */
function denseWeights({ dense, endIndex }: Tableau, theta: number, h: number): OutputWeights {
  if (!dense) return hermiteWeights(theta, h, endIndex);
  const slopes = dense.weights.map((row) => h * row.reduceRight((sum, weight) => (sum + weight) * theta, 0));
  return { end: 0, slopes };
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

/** The attempted step. A host space reuses its buffers, a device space makes new states each time. */
interface Work<S> {
  t: number;
  t1: number;
  h: number;
  y: S;
  y1: S;
  slopes: S[];
}

class ExplicitRungeKuttaStepper<S, P> implements Stepper<S> {
  readonly #problem: Problem<S, P>;
  readonly #space: StateSpace<S>;
  readonly #tableau: Tableau;
  /** The rows of a, then b, then the error's weights and damping; and the same times h. */
  readonly #rows: readonly (readonly number[])[];
  readonly #scaled: number[][];
  readonly #reuses: boolean;
  readonly #zero: S;
  readonly #work: Work<S>;
  readonly #computeInScope: () => Work<S>;
  #tolerance: Tolerance | undefined;
  #ratio = 0;
  /** How many of the slopes belong to the step at hand; the rest are buffers. */
  #filled = 0;
  #attempted = false;
  /** Buffers that only a host space has. */
  #argument: S | undefined;
  #error: S | undefined;

  constructor(problem: Problem<S, P>, tableau: Tableau, t: number, y: S) {
    const { space } = problem;
    const { a, b, error } = tableau;
    this.#problem = problem;
    this.#space = space;
    this.#tableau = tableau;
    this.#rows = [...a, b, error?.weights ?? [], error?.damping ?? []];
    this.#scaled = this.#rows.map((row) => [...row]);
    this.#reuses = space.residence === 'host';
    this.#zero = space.zeros(y);
    const own = space.combine(y, [], []);
    this.#work = { t, t1: t, h: 0, y: own, y1: this.#reuses ? space.zeros(y) : own, slopes: [] };
    this.#computeInScope = () => this.#compute();
  }

  get segment(): Segment<S> {
    return this.#work;
  }

  startSlope(): S {
    const { t, y, slopes } = this.#work;
    if (this.#filled === 0) {
      slopes[0] = evaluate(this.#problem, t, y, this.#buffer(slopes[0]));
      this.#filled = 1;
    }
    return slopes[0];
  }

  attempt(t1: number, tolerance: Tolerance | undefined): number {
    this.#discardAttempt();
    this.startSlope();
    this.#work.t1 = t1;
    this.#work.h = t1 - this.#work.t;
    this.#tolerance = tolerance;
    this.#space.scope(this.#computeInScope);
    this.#attempted = true;
    return this.#ratio;
  }

  prepareOutput(): void {
    const { dense, endIndex, stages } = this.#tableau;
    if (dense !== undefined && dense.weights.length <= stages) return;
    const { y1, t1, slopes } = this.#work;
    if (this.#filled <= endIndex) {
      slopes[endIndex] = evaluate(this.#problem, t1, y1, this.#buffer(slopes[endIndex]));
      this.#filled = endIndex + 1;
    }
    if (dense?.extra !== undefined && this.#filled === endIndex + 1) this.#evaluateExtra(dense.extra);
  }

  accept(retain: boolean): void {
    const { endIndex } = this.#tableau;
    const hasEnd = this.#filled > endIndex;
    if (retain) this.#handOver(hasEnd);
    else if (this.#reuses) this.#swap(hasEnd);
    else this.#replace(hasEnd);
    this.#work.t = this.#work.t1;
    this.#filled = hasEnd ? 1 : 0;
    this.#attempted = false;
  }

  jumpTo(t: number): void {
    if (!this.#reuses && this.#filled > 0) this.#space.dispose(this.#work.slopes[0]);
    this.#filled = 0;
    this.#work.t = t;
  }

  dispose(): void {
    this.#discardAttempt();
    this.jumpTo(Number.NaN);
    this.#space.dispose(this.#work.y);
    this.#space.dispose(this.#zero);
  }

  /** Stages, end and error ratio; the returned object keeps the states that it names alive. */
  #compute(): Work<S> {
    const work = this.#work;
    const { stages, fsal, c } = this.#tableau;
    const { t, h, y, slopes } = work;
    const inner = fsal ? stages - 1 : stages;
    for (let i = 1; i < inner; i++) {
      this.#argument = this.#combined(i, y, this.#buffer(this.#argument));
      slopes[i] = evaluate(this.#problem, t + c[i] * h, this.#argument, this.#buffer(slopes[i]));
    }
    work.y1 = this.#combined(stages, y, this.#buffer(work.y1));
    if (fsal) slopes[inner] = evaluate(this.#problem, work.t1, work.y1, this.#buffer(slopes[inner]));
    this.#filled = stages;
    this.#ratio = this.#tolerance === undefined ? 0 : this.#errorRatio(this.#tolerance);
    return work;
  }

  #evaluateExtra({ c, a }: { readonly c: readonly number[]; readonly a: readonly (readonly number[])[] }): void {
    const { t, h, y, slopes } = this.#work;
    for (let i = 0; i < a.length; i++) {
      const weights = a[i].map((weight) => h * weight);
      this.#argument = this.#space.combine(y, weights, slopes, this.#buffer(this.#argument));
      slopes[this.#filled] = evaluate(this.#problem, t + c[i] * h, this.#argument, this.#buffer(slopes[this.#filled]));
      if (!this.#reuses) this.#space.dispose(this.#argument);
      this.#filled++;
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
    const { y, y1 } = this.#work;
    this.#error = this.#combined(row, this.#zero, this.#buffer(this.#error));
    return this.#space.errorRatio(this.#error, y, y1, rtol, atol);
  }

  /** base + h·Σ rowⱼ·kⱼ */
  #combined(row: number, base: S, into: S | undefined): S {
    const { h, slopes } = this.#work;
    const weights = this.#rows[row];
    const scaled = this.#scaled[row];
    for (let j = 0; j < scaled.length; j++) scaled[j] = h * weights[j];
    return this.#space.combine(base, scaled, slopes, into);
  }

  #buffer(state: S | undefined): S | undefined {
    return this.#reuses ? state : undefined;
  }

  /** Frees a rejected attempt on a device; what it had stored in buffers is simply overwritten. */
  #discardAttempt(): void {
    if (!this.#attempted) return;
    const { y1, slopes } = this.#work;
    if (!this.#reuses) for (const state of [y1, ...slopes.splice(1)]) this.#space.dispose(state);
    this.#filled = 1;
    this.#attempted = false;
  }

  /** The segment's states are the caller's: go on with new buffers. */
  #handOver(hasEnd: boolean): void {
    const work = this.#work;
    const slope = work.slopes[this.#tableau.endIndex];
    work.slopes = hasEnd ? [this.#space.combine(slope, [], [])] : [];
    work.y = this.#space.combine(work.y1, [], []);
    work.y1 = this.#reuses ? this.#space.zeros(work.y) : work.y;
  }

  #swap(hasEnd: boolean): void {
    const work = this.#work;
    const { endIndex } = this.#tableau;
    const { y, slopes } = work;
    work.y = work.y1;
    work.y1 = y;
    if (!hasEnd) return;
    const start = slopes[0];
    slopes[0] = slopes[endIndex];
    slopes[endIndex] = start;
  }

  #replace(hasEnd: boolean): void {
    const work = this.#work;
    const next = hasEnd ? work.slopes[this.#tableau.endIndex] : undefined;
    for (const slope of work.slopes) if (slope !== next) this.#space.dispose(slope);
    this.#space.dispose(work.y);
    work.y = work.y1;
    work.slopes = next === undefined ? [] : [next];
  }
}
