/** One stepper for every explicit Runge–Kutta tableau, on any state space. Not the loop: that is `integrate.ts`. */
import { hermiteWeights } from './interpolate.ts';
import type { Method, OutputWeights, Reversal, Segment, SegmentCotangent, Stepper, Tolerance } from './method.ts';
import { evaluate, type Problem } from './problem.ts';
import type { StateSpace } from './state-space.ts';
import { createTableau, type Tableau, type TableauSpec } from './tableau.ts';

/** A method that is nothing but a table: what reverses its steps exactly can read it. */
export interface ExplicitRungeKutta extends Method {
  readonly tableau: Tableau;
}

/** The interpolant's weights at θ; without its own, cubic Hermite. */
function denseWeights(tableau: Tableau, theta: number, h: number): OutputWeights {
  if (!tableau.dense) return hermiteWeights(theta, h, tableau.stages);
  const stages = tableau.dense.map((row) => h * row.reduceRight((sum, weight) => (sum + weight) * theta, 0));
  return { end: 0, stages, endSlope: 0 };
}

/** @throws OdeError `bad-tableau` */
export function explicitRungeKutta(spec: TableauSpec): ExplicitRungeKutta {
  const tableau = createTableau(spec);
  return {
    name: tableau.name,
    order: tableau.order,
    errorOrder: tableau.error?.order,
    needsEndSlope: tableau.dense === undefined,
    sharesEndSlope: tableau.fsal,
    tableau,
    outputWeights: (theta, h) => denseWeights(tableau, theta, h),
    pull: (reversal, segment, cotangent) => pullStep(tableau, reversal, segment, cotangent),
    start: (problem, t, y) => new ExplicitRungeKuttaStepper(problem, tableau, t, y),
  };
}

/** Cotangents of the stages in reverse order: Hairer, Lubich, Wanner, Geometric Numerical Integration, eq. VI.6.24 f. */
function pullStep<S, P>(
  { stages, fsal, a, b, c }: Tableau,
  reversal: Reversal<S, P>,
  { t, h, y, stages: slopes }: Segment<S>,
  cotangent: SegmentCotangent<S>,
): void {
  const { add, vjp, problem } = reversal;
  const bars = cotangent.stages;
  const end = cotangent.y1;
  if (end !== undefined) {
    cotangent.y = add(cotangent.y, [1], [end]);
    for (let i = 0; i < stages; i++) if (b[i] !== 0) bars[i] = add(bars[i], [h * b[i]], [end]);
  }
  for (let i = stages - (fsal ? 2 : 1); i > 0; i--) {
    const bar = bars[i];
    if (bar === undefined) continue;
    const argument = problem.space.combine(
      y,
      a[i].map((weight) => h * weight),
      slopes,
    );
    const pulled = vjp(t + c[i] * h, argument, bar);
    cotangent.y = add(cotangent.y, [1], [pulled]);
    for (let j = 0; j < i; j++) if (a[i][j] !== 0) bars[j] = add(bars[j], [h * a[i][j]], [pulled]);
  }
}

/** The attempted step. A host space reuses its buffers, a device space makes new states each time. */
interface Work<S> {
  t: number;
  t1: number;
  h: number;
  y: S;
  y1: S;
  stages: S[];
  endSlope: S | undefined;
}

class ExplicitRungeKuttaStepper<S, P> implements Stepper<S> {
  readonly #problem: Problem<S, P>;
  readonly #space: StateSpace<S>;
  readonly #tableau: Tableau;
  /** The rows of a, then b, then the error weights; and the same times h. */
  readonly #rows: readonly (readonly number[])[];
  readonly #scaled: number[][];
  readonly #reuses: boolean;
  readonly #zero: S;
  readonly #work: Work<S>;
  readonly #computeInScope: () => Work<S>;
  #tolerance: Tolerance | undefined;
  #ratio = 0;
  #hasStart = false;
  #hasEnd = false;
  #attempted = false;
  /** Buffers that only a host space has: the argument of a stage, the error, and the end slope's spare. */
  #argument: S | undefined;
  #error: S | undefined;
  #spare: S | undefined;

  constructor(problem: Problem<S, P>, tableau: Tableau, t: number, y: S) {
    const { space } = problem;
    this.#problem = problem;
    this.#space = space;
    this.#tableau = tableau;
    this.#rows = [...tableau.a, tableau.b, tableau.error?.weights ?? []];
    this.#scaled = this.#rows.map((row) => [...row]);
    this.#reuses = space.residence === 'host';
    this.#zero = space.zeros(y);
    this.#work = { t, t1: t, h: 0, y: space.combine(y, [], []), y1: y, stages: [], endSlope: undefined };
    this.#work.y1 = space.residence === 'host' ? space.zeros(y) : this.#work.y;
    this.#computeInScope = () => this.#compute();
  }

  get segment(): Segment<S> {
    return this.#work;
  }

  startSlope(): S {
    const work = this.#work;
    if (!this.#hasStart) work.stages[0] = evaluate(this.#problem, work.t, work.y, this.#buffer(work.stages[0]));
    this.#hasStart = true;
    return work.stages[0];
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

  endSlope(): S {
    const work = this.#work;
    if (this.#hasEnd && work.endSlope !== undefined) return work.endSlope;
    work.endSlope = evaluate(this.#problem, work.t1, work.y1, this.#buffer(this.#spare));
    this.#hasEnd = true;
    return work.endSlope;
  }

  accept(retain: boolean): void {
    const slope = this.#hasEnd ? this.#work.endSlope : undefined;
    if (retain) this.#handOver(slope);
    else if (this.#reuses) this.#swap(slope);
    else this.#replace(slope);
    this.#work.t = this.#work.t1;
    this.#hasStart = slope !== undefined;
    this.#hasEnd = false;
    this.#attempted = false;
  }

  forgetSlope(): void {
    this.#hasStart = false;
  }

  dispose(): void {
    this.#discardAttempt();
    const { y, stages } = this.#work;
    for (const state of [y, this.#zero, ...(this.#hasStart ? stages.slice(0, 1) : [])]) this.#space.dispose(state);
  }

  /** Stages, end and error ratio; the returned object keeps the states that it names alive. */
  #compute(): Work<S> {
    const work = this.#work;
    const { stages, fsal, c } = this.#tableau;
    const problem = this.#problem;
    const { t, h, y, stages: slopes } = work;
    const inner = fsal ? stages - 1 : stages;
    for (let i = 1; i < inner; i++) {
      this.#argument = this.#combined(i, y, this.#buffer(this.#argument));
      slopes[i] = evaluate(problem, t + c[i] * h, this.#argument, this.#buffer(slopes[i]));
    }
    work.y1 = this.#combined(stages, y, this.#buffer(work.y1));
    if (fsal) work.endSlope = slopes[inner] = evaluate(problem, work.t1, work.y1, this.#buffer(slopes[inner]));
    this.#hasEnd = fsal;
    this.#ratio = this.#tolerance === undefined ? 0 : this.#errorRatio(this.#tolerance);
    return work;
  }

  #errorRatio(tolerance: Tolerance): number {
    const { y, y1 } = this.#work;
    this.#error = this.#combined(this.#tableau.stages + 1, this.#zero, this.#buffer(this.#error));
    return this.#space.errorRatio(this.#error, y, y1, tolerance.rtol, tolerance.atol);
  }

  /** base + h·Σ rowⱼ·kⱼ */
  #combined(row: number, base: S, into: S | undefined): S {
    const { h, stages } = this.#work;
    const weights = this.#rows[row];
    const scaled = this.#scaled[row];
    for (let j = 0; j < scaled.length; j++) scaled[j] = h * weights[j];
    return this.#space.combine(base, scaled, stages, into);
  }

  #buffer(state: S | undefined): S | undefined {
    return this.#reuses ? state : undefined;
  }

  /** Frees a rejected attempt on a device; what it had stored in buffers is simply overwritten. */
  #discardAttempt(): void {
    const { y1, stages, endSlope } = this.#work;
    if (!this.#attempted || this.#reuses) return;
    this.#space.dispose(y1);
    for (const state of stages.slice(1)) this.#space.dispose(state);
    if (this.#hasEnd && !this.#tableau.fsal && endSlope !== undefined) this.#space.dispose(endSlope);
    this.#attempted = false;
  }

  /** The segment's states are the caller's: go on with new buffers. */
  #handOver(slope: S | undefined): void {
    const work = this.#work;
    work.y = this.#space.combine(work.y1, [], []);
    work.y1 = this.#reuses ? this.#space.zeros(work.y) : work.y;
    work.stages = slope === undefined ? [] : [this.#space.combine(slope, [], [])];
    work.endSlope = undefined;
    this.#spare = undefined;
  }

  #swap(slope: S | undefined): void {
    const work = this.#work;
    const { y, stages } = work;
    const start = stages[0];
    work.y = work.y1;
    work.y1 = y;
    if (slope === undefined) return;
    stages[0] = slope;
    if (this.#tableau.fsal) stages[this.#tableau.stages - 1] = start;
    else this.#spare = start;
    work.endSlope = undefined;
  }

  #replace(slope: S | undefined): void {
    const work = this.#work;
    this.#space.dispose(work.y);
    for (const state of work.stages) if (state !== slope) this.#space.dispose(state);
    work.y = work.y1;
    work.stages = slope === undefined ? [] : [slope];
    work.endSlope = undefined;
  }
}
