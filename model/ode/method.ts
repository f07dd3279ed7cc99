/**
 * The seam between the loop in `integrate.ts` and the families of methods.
 *
 * Terminology: a step is *attempted* from (t, y) with a signed length h; if its error is small it is *accepted* and its
 * end becomes the next start. A *segment* is one attempted step with all that interpolation and reversal need.
 */
import type { Problem } from './problem.ts';
import type { Tolerance } from './tolerance.ts';

export interface Segment<S> {
  readonly t: number;
  /** End of the step, exactly as it was asked for. */
  readonly t1: number;
  /** t1 − t: negative when time runs backwards. */
  readonly h: number;
  readonly y: S;
  readonly y1: S;
  /**
   * Slopes: the stages, the first of which is f(t, y); f(t1, y1), if it is not the last stage; and what else dense output
   * needs. Those after the stages are there only once `prepareOutput` was called.
   */
  readonly slopes: readonly S[];
}

/**
 * Every interpolant is linear in what a segment holds:
 * y(θ) = (1 − end)·y + end·y1 + Σ slopes[i]·kᵢ, with h already in the slopes' weights.
 */
export interface OutputWeights {
  readonly end: number;
  readonly slopes: readonly number[];
}

/**
 * What an attempt is asked and what it answers. Not an argument and a result: a number that passes through a call that the
 * engine does not inline is boxed, and a step leaves no garbage.
 */
export interface Trial {
  /** Where the step shall end. */
  t1: number;
  /** Its error in units of the tolerance, 0 when no tolerance is given. */
  ratio: number;
}

/** One solve's moving parts. It owns its buffers. */
export interface Stepper<S> {
  /** The step attempted last; always the same object, its contents valid until the next call of `attempt` or `accept`. */
  readonly segment: Segment<S>;
  readonly trial: Trial;
  /** f at the start of the coming step. */
  startSlope(): S;
  /** Fills `segment` with a step to `trial.t1`, and `trial.ratio`. */
  attempt(tolerance: Tolerance | undefined): void;
  /** Computes the slopes that interpolation inside the attempted step needs; the one at the end serves the next step. */
  prepareOutput(): void;
  /** Moves to the end of the attempted step. With `retain` the segment's states are the caller's from now on. */
  accept(retain: boolean): void;
  /** The field jumps: go on from time `t` with the same state and nothing else that was known. */
  jumpTo(t: number): void;
  dispose(): void;
  /**
   * After an accepted error: h times an estimate of the field's dominant eigenvalue, in units of the method's stability
   * boundary on the negative real axis. Above 1 by stability alone. Absent: not known.
   */
  stiffness?(): number;
}

export interface Method {
  readonly name: string;
  /** Order of the solution. */
  readonly order: number;
  /** Order of the embedded solution, where there is one: without it no controller can adapt the step. */
  readonly errorOrder: number | undefined;
  /** Where in a segment's slopes f(t1, y1) is. */
  readonly endIndex: number;
  outputWeights(theta: number, h: number): OutputWeights;
  /** Starts at y(t); `slope`, if it is known, is what the stepper that was there had for its start. */
  start<S, P>(problem: Problem<S, P>, t: number, y: S, slope?: S): Stepper<S>;
  /** How gradients go back through one step exactly. Absent: only the continuous adjoint is left. */
  readonly pull?: StepPull;
  /** Whether its steps solve equations, for which it needs a space with linear algebra. */
  readonly implicit?: boolean;
  /** Whether `slopes[0]` is a variable that steps hand on, rather than f(t, y) itself. */
  readonly carriesSlope?: boolean;
  /** The algebraic inverse of a step: the segment that ended at `t1` in (y1, slope1). */
  retrace?<S, P>(problem: Problem<S, P>, end: StepEnd<S>): Segment<S>;
}

export interface StepEnd<S> {
  readonly t: number;
  readonly t1: number;
  readonly y1: S;
  readonly slope1: S;
}

/** Both add to the cotangents of what came before; between them the slope at the end is pulled back by the caller. */
export interface StepPull {
  /** From the slopes after the end's, which only output reads, to the others and `y`. */
  output<S, P>(reversal: Reversal<S, P>, segment: Segment<S>, cotangent: SegmentCotangent<S>): void;
  /** From `y1` and the stages to `slopes[0]` and `y`. */
  step<S, P>(reversal: Reversal<S, P>, segment: Segment<S>, cotangent: SegmentCotangent<S>): void;
}

/** ∂L/∂ of what a segment holds; undefined is zero. */
export interface SegmentCotangent<S> {
  y: S | undefined;
  y1: S | undefined;
  slopes: (S | undefined)[];
}

/** What reversing a step needs of its surroundings. */
export interface Reversal<S, P> {
  readonly problem: Problem<S, P>;
  /** cotangentᵀ·∂f/∂y at (t, y); adds cotangentᵀ·∂f/∂θ to the parameters' gradient. */
  vjp(t: number, y: S, cotangent: S): S;
  /** The same product, without the parameters' part. */
  vjpOfState(t: number, y: S, cotangent: S): S;
  /** sum + Σ cᵢ·termᵢ, reusing `sum`, which may be undefined for zero. */
  add(sum: S | undefined, coefficients: readonly number[], terms: readonly S[]): S;
}
