/**
 * Who owns which state during a solve: the start of a step, its end, its slopes. A host space reuses its buffers from step
 * to step, a device space makes new states and frees the old ones. Every family of methods computes into one of these.
 */
import type { Segment, Trial } from './method.ts';
import { evaluate, type Problem } from './problem.ts';

interface Work<S> {
  t: number;
  t1: number;
  h: number;
  y: S;
  y1: S;
  slopes: S[];
}

export class StepMemory<S, P> {
  readonly problem: Problem<S, P>;
  readonly segment: Work<S> & Segment<S>;
  /** Whether buffers are overwritten. */
  readonly reuses: boolean;
  /** How many of the slopes belong to the step at hand; the rest are buffers. */
  filled = 0;
  /** Where among the slopes the one is that the next step starts with. */
  readonly #endIndex: number;
  #attempted = false;
  /** Whether the start's state and slope belong to a segment that was handed over: a device may share what it never writes. */
  #borrowed = false;
  #slopeBorrowed = false;

  /** `slope`, if it is known, is f(t, y). Both states are copied. */
  constructor(problem: Problem<S, P>, endIndex: number, t: number, y: S, slope?: S) {
    const { space } = problem;
    this.problem = problem;
    this.reuses = space.residence === 'host';
    this.#endIndex = endIndex;
    const own = space.combine(y, [], []);
    const slopes = slope === undefined ? [] : [space.combine(slope, [], [])];
    this.segment = { t, t1: t, h: 0, y: own, y1: this.reuses ? space.zeros(y) : own, slopes };
    this.filled = slopes.length;
  }

  /** What may be overwritten with a new state. */
  buffer(state: S | undefined): S | undefined {
    return this.reuses ? state : undefined;
  }

  startSlope(): S {
    const { t, y, slopes } = this.segment;
    if (this.filled === 0) {
      slopes[0] = evaluate(this.problem, t, y, this.buffer(slopes[0]));
      this.filled = 1;
      this.#slopeBorrowed = false;
    }
    return slopes[0];
  }

  /** Begins an attempt: discards the one before it unless that was accepted. */
  begin(trial: Trial): void {
    this.aim(trial);
    if (this.filled === 0) this.startSlope();
  }

  /** The same, but the start's slope may be missing. */
  aim({ t1 }: Trial): void {
    if (this.#attempted) this.#discard();
    this.segment.t1 = t1;
    this.segment.h = t1 - this.segment.t;
    this.#attempted = true;
  }

  /** The end's slope, if it is not there yet. */
  prepareEnd(): void {
    if (this.filled > this.#endIndex) return;
    const { t1, y1, slopes } = this.segment;
    slopes[this.#endIndex] = evaluate(this.problem, t1, y1, this.buffer(slopes[this.#endIndex]));
    this.filled = this.#endIndex + 1;
  }

  /** Moves to the end. With `retain` the segment's states are somebody else's from now on. */
  accept(retain: boolean): void {
    const hasEnd = this.filled > this.#endIndex;
    if (retain) this.#handOver(hasEnd);
    else if (this.reuses) this.#swap(hasEnd);
    else this.#replace(hasEnd);
    this.segment.t = this.segment.t1;
    this.filled = hasEnd ? 1 : 0;
    this.#attempted = false;
  }

  jumpTo(t: number): void {
    if (!this.reuses && !this.#slopeBorrowed && this.filled > 0) this.problem.space.dispose(this.segment.slopes[0]);
    this.filled = 0;
    this.segment.t = t;
  }

  dispose(): void {
    if (this.#attempted) this.#discard();
    this.jumpTo(Number.NaN);
    if (!this.#borrowed) this.problem.space.dispose(this.segment.y);
  }

  #discard(): void {
    const { y1, slopes } = this.segment;
    if (!this.reuses) for (const state of [y1, ...slopes.splice(1)]) this.problem.space.dispose(state);
    this.filled = 1;
    this.#attempted = false;
  }

  #handOver(hasEnd: boolean): void {
    const { space } = this.problem;
    const work = this.segment;
    const own = (state: S): S => (this.reuses ? space.combine(state, [], []) : state);
    work.slopes = hasEnd ? [own(work.slopes[this.#endIndex])] : [];
    work.y = own(work.y1);
    work.y1 = this.reuses ? space.zeros(work.y) : work.y;
    this.#borrowed = !this.reuses;
    this.#slopeBorrowed = this.#borrowed && hasEnd;
  }

  #swap(hasEnd: boolean): void {
    const work = this.segment;
    const { y, slopes } = work;
    work.y = work.y1;
    work.y1 = y;
    if (!hasEnd) return;
    const start = slopes[0];
    slopes[0] = slopes[this.#endIndex];
    slopes[this.#endIndex] = start;
  }

  #replace(hasEnd: boolean): void {
    const { space } = this.problem;
    const work = this.segment;
    const next = hasEnd ? work.slopes[this.#endIndex] : undefined;
    for (const slope of work.slopes) if (slope !== next) space.dispose(slope);
    space.dispose(work.y);
    work.y = work.y1;
    work.slopes = next === undefined ? [] : [next];
  }
}
