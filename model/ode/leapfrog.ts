/**
 * The asynchronous leapfrog integrator (Mutze 2013; Zhuang et al. 2021, "MALI", algorithm 2): order 2, one evaluation a
 * step, and an algebraic inverse, so that a gradient retraces the very steps of the solve at no memory. It carries a
 * slope v along, which starts as f(t0, y0):
 *
 *   k = y + h/2·v,  u = f(t + h/2, k),  v1 = 2u − v,  y1 = k + h/2·v1
 */
import { BufferedStepper } from './buffered-stepper.ts';
import { hermiteWeights } from './interpolate.ts';
import type { Method, Reversal, Segment, SegmentCotangent, StepEnd } from './method.ts';
import { evaluate, type Problem } from './problem.ts';
import type { Tolerance } from './tolerance.ts';

/** Order 2, with an embedded Euler step for the error; the method of `reversible()`. */
export const leapfrog: Method = {
  name: 'leapfrog',
  order: 2,
  errorOrder: 1,
  endIndex: 1,
  carriesSlope: true,
  outputWeights: (theta, h) => hermiteWeights(theta, h, 1),
  pull: { output: () => {}, step: pullStep },
  retrace,
  start: (problem, t, y, slope) => new LeapfrogStepper(problem, t, y, slope),
};

class LeapfrogStepper<S, P> extends BufferedStepper<S, P> {
  readonly #zero: S;
  readonly #computeInScope: () => Segment<S>;
  #tolerance: Tolerance | undefined;
  #middle: S | undefined;
  #slope: S | undefined;

  constructor(problem: Problem<S, P>, t: number, y: S, slope?: S) {
    super(problem, 1, t, y, slope);
    this.#zero = problem.space.zeros(y);
    this.#computeInScope = () => this.#compute();
  }

  attempt(tolerance: Tolerance | undefined): void {
    this.memory.begin(this.trial);
    this.#tolerance = tolerance;
    this.space.scope(this.#computeInScope);
  }

  override dispose(): void {
    super.dispose();
    this.space.dispose(this.#zero);
  }

  #compute(): Segment<S> {
    const memory = this.memory;
    const { problem, segment } = memory;
    const { t, h, y, slopes } = segment;
    const { space } = problem;
    this.#middle = space.combine(y, [h / 2], [slopes[0]], memory.buffer(this.#middle));
    this.#slope = evaluate(problem, t + h / 2, this.#middle, memory.buffer(this.#slope));
    slopes[1] = space.combine(this.#slope, [1, -1], [this.#slope, slopes[0]], memory.buffer(slopes[1]));
    segment.y1 = space.combine(this.#middle, [h / 2], [slopes[1]], memory.buffer(segment.y1));
    memory.filled = 2;
    this.trial.ratio = this.#tolerance === undefined ? 0 : this.#errorRatio(this.#tolerance);
    return segment;
  }

  /** The distance to Euler's step: h/2·(v1 − v). */
  #errorRatio({ rtol, atol }: Tolerance): number {
    const { problem, segment } = this.memory;
    const { h, y, y1, slopes } = segment;
    // The midpoint is not needed any more: its buffer takes the error.
    this.#middle = problem.space.combine(
      this.#zero,
      [h / 2, -h / 2],
      [slopes[1], slopes[0]],
      this.memory.buffer(this.#middle),
    );
    return problem.space.errorRatio(this.#middle, y, y1, rtol, atol);
  }
}

/** The step's equations read from the last to the first. */
function retrace<S, P>(problem: Problem<S, P>, { t, t1, y1, slope1 }: StepEnd<S>): Segment<S> {
  const { space } = problem;
  const h = t1 - t;
  return space.scope(() => {
    const middle = space.combine(y1, [-h / 2], [slope1]);
    const slope = evaluate(problem, t + h / 2, middle);
    const slope0 = space.combine(slope, [1, -1], [slope, slope1]);
    return { t, t1, h, y: space.combine(middle, [-h / 2], [slope0]), y1, slopes: [slope0, slope1] };
  });
}

/** And once more for the cotangents. */
function pullStep<S, P>(
  { add, vjp, problem }: Reversal<S, P>,
  { t, h, y, slopes: [slope0] }: Segment<S>,
  cotangent: SegmentCotangent<S>,
): void {
  const { y1, slopes } = cotangent;
  if (y1 !== undefined) {
    cotangent.y = add(cotangent.y, [1], [y1]);
    slopes[1] = add(slopes[1], [h / 2], [y1]);
    slopes[0] = add(slopes[0], [h / 2], [y1]);
  }
  const end = slopes[1];
  if (end === undefined) return;
  const middle = problem.space.combine(y, [h / 2], [slope0]);
  const pulled = vjp(t + h / 2, middle, add(undefined, [2], [end]));
  cotangent.y = add(cotangent.y, [1], [pulled]);
  slopes[0] = add(slopes[0], [h / 2, -1], [pulled, end]);
}
