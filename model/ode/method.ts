/**
 * The seam between the loop in `integrate.ts` and the families of methods.
 *
 * Terminology: a step is *attempted* from (t, y) with a signed length h; if its error is small it is *accepted* and its
 * end becomes the next start. A *segment* is one attempted step with all that interpolation and reversal need.
 */
import type { Problem } from './problem.ts';

export interface Segment<S> {
  readonly t: number;
  /** Signed: negative when time runs backwards. */
  readonly h: number;
  readonly y: S;
  readonly y1: S;
  /** Slopes that the method computed; the first is f(t, y) and is undefined before the first attempt. */
  readonly stages: readonly S[];
  /** f(t + h, y1), once something needed it. */
  readonly endSlope: S | undefined;
}

/**
 * Every interpolant is linear in what a segment holds:
 * y(θ) = (1 − end)·y + end·y1 + Σ stages[i]·kᵢ + endSlope·f(t + h, y1), with h already in the slopes' weights.
 */
export interface OutputWeights {
  readonly end: number;
  readonly stages: readonly number[];
  readonly endSlope: number;
}

export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** One solve's moving parts. It owns its buffers. */
export interface Stepper<S> {
  /** The step attempted last; valid until the next call of `attempt` or `accept`. */
  readonly segment: Segment<S>;
  /** f at the start of the coming step. */
  startSlope(): S;
  /** Fills `segment` with a step of length `h`; the error in units of the tolerance, 0 when no tolerance is given. */
  attempt(h: number, tolerance: Tolerance | undefined): number;
  /** f at the end of the attempted step, computed at most once and used by the next step. */
  endSlope(): S;
  /** Moves to `t1`, the end of the attempted step. With `retain` the segment's states are the caller's from now on. */
  accept(t1: number, retain: boolean): void;
  /** Forgets the slope at the start: the field jumps here. */
  forgetSlope(): void;
  dispose(): void;
}

export interface Method {
  readonly name: string;
  /** Order of the solution. */
  readonly order: number;
  /** Order of the embedded solution, where there is one: without it no controller can adapt the step. */
  readonly errorOrder: number | undefined;
  /** Whether `outputWeights` asks for the slope at the end. */
  readonly needsEndSlope: boolean;
  outputWeights(theta: number, h: number): OutputWeights;
  start<S, P>(problem: Problem<S, P>, t: number, y: S): Stepper<S>;
}
