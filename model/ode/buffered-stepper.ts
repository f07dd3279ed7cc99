/** What every family of methods does alike: its states live in a `StepMemory`, and it takes no step of its own accord. */
import type { Segment, Stepper, Trial } from './method.ts';
import type { Problem } from './problem.ts';
import type { StateSpace } from './state-space.ts';
import { StepMemory } from './step-memory.ts';
import type { Tolerance } from './tolerance.ts';

export abstract class BufferedStepper<S, P> implements Stepper<S> {
  protected readonly memory: StepMemory<S, P>;
  protected readonly problem: Problem<S, P>;
  protected readonly space: StateSpace<S>;
  // NaN, not 0: the engine is to see at once that these are no small integers.
  readonly trial: Trial = { t1: Number.NaN, ratio: Number.NaN };

  /** `endIndex` is where among the slopes f(t1, y1) is; `slope`, if it is known, f(t, y). */
  constructor(problem: Problem<S, P>, endIndex: number, t: number, y: S, slope?: S) {
    this.memory = new StepMemory(problem, endIndex, t, y, slope);
    this.problem = problem;
    this.space = problem.space;
  }

  abstract attempt(tolerance: Tolerance | undefined): void;

  get segment(): Segment<S> {
    return this.memory.segment;
  }

  startSlope(): S {
    return this.memory.startSlope();
  }

  prepareOutput(): void {}

  accept(retain: boolean): void {
    this.memory.accept(retain);
  }

  jumpTo(t: number): void {
    this.memory.jumpTo(t);
  }

  dispose(): void {
    this.memory.dispose();
  }
}
