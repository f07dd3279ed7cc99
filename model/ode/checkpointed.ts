/**
 * The exact gradient at bounded memory: a few states are kept and the steps between them computed again, after the
 * binomial schedule of Griewank and Walther (ACM TOMS 26, 2000, algorithm 799, "revolve").
 */
import { type Recorder, recordSolve } from './exact-pullback.ts';
import type { Gradient } from './gradient.ts';
import type { Method, Segment, Stepper } from './method.ts';
import { ensure } from './ode-error.ts';
import type { Problem } from './problem.ts';
import type { Plan } from './solve.ts';
import type { StepLog } from './step-log.ts';

export interface CheckpointedOptions {
  /** States kept at any time beside the step at hand, ≥ 1. With √n of them the forward work is repeated about three times. */
  readonly checkpoints: number;
}

/** Exact for the discrete steps at a memory that the caller gives. @throws OdeError `bad-gradient` */
export function checkpointed({ checkpoints }: CheckpointedOptions): Gradient {
  const whole = Number.isInteger(checkpoints) && checkpoints >= 1;
  ensure(whole, 'bad-gradient', () => `checkpoints is ${checkpoints}; give a whole number ≥ 1.`);
  return {
    name: 'checkpointed',
    forward: (options) => recordSolve(options, (plan) => createRecorder(plan, checkpoints)),
  };
}

function createRecorder<S, P>({ method, y0 }: Plan<S, P>, checkpoints: number): Recorder<S, P> {
  return {
    retain: false,
    observe: () => {},
    backwards: (problem, steps, holdsOutput) => {
      if (steps.count === 0) return [];
      const replay: Replay<S, P> = { problem, method, steps, holdsOutput };
      const start: Checkpoint<S> = { step: 0, y: y0, slope: undefined, owned: false };
      return unwind(replay, start, steps.count, checkpoints);
    },
    dispose: () => {},
  };
}

interface Replay<S, P> {
  readonly problem: Problem<S, P>;
  readonly method: Method;
  readonly steps: StepLog;
  readonly holdsOutput: (step: number) => boolean;
}

/** What the solve was before a step. The slope only where the method carries it along. */
interface Checkpoint<S> {
  readonly step: number;
  readonly y: S;
  readonly slope: S | undefined;
  /** Whether it is this schedule's to free: y0 is not. */
  readonly owned: boolean;
}

/** The segments of steps from `start` up to `end`, last first, with at most `free` further checkpoints. */
function* unwind<S, P>(
  replay: Replay<S, P>,
  start: Checkpoint<S>,
  end: number,
  free: number,
): Generator<Segment<S>, void, undefined> {
  let last = end;
  while (last - start.step > 1 && free > 0) {
    const middle = advance(replay, start, start.step + splitOf(last - start.step, free));
    yield* unwind(replay, middle, last, free - 1);
    last = middle.step;
    release(replay.problem, middle);
  }
  // No checkpoint is left: every step from the start again.
  for (let step = last - 1; step >= start.step; step--) yield* lastSegment(replay, start, step);
}

/** How many steps to advance before the next checkpoint: the largest left part that one repetition fewer still covers. */
function splitOf(steps: number, free: number): number {
  let repetitions = 1;
  while (covered(free + 1, repetitions) < steps) repetitions++;
  const right = covered(free, repetitions);
  return Math.max(1, Math.min(steps - 1, steps - right));
}

/** Steps that can be reversed with `slots` checkpoints, the start's included, computing none more than `repetitions` times. */
function covered(slots: number, repetitions: number): number {
  let count = 1;
  for (let i = 1; i <= slots; i++) count = (count * (repetitions + i)) / i;
  return count;
}

function startAt<S, P>({ problem, method, steps }: Replay<S, P>, { step, y, slope }: Checkpoint<S>): Stepper<S> {
  return method.start(problem, steps.start(step), y, slope);
}

function attempt<S>(stepper: Stepper<S>, t1: number): void {
  stepper.trial.t1 = t1;
  stepper.attempt(undefined);
}

/** The same steps again, to the same bits. */
function walk<S, P>({ steps }: Replay<S, P>, stepper: Stepper<S>, from: number, to: number): void {
  for (let n = from; n < to; n++) {
    if (stepper.segment.t !== steps.start(n)) stepper.jumpTo(steps.start(n));
    attempt(stepper, steps.end(n));
    stepper.accept(false);
  }
}

function advance<S, P>(replay: Replay<S, P>, from: Checkpoint<S>, step: number): Checkpoint<S> {
  const { problem, method, steps } = replay;
  const stepper = startAt(replay, from);
  walk(replay, stepper, from.step, step);
  const carried = method.carriesSlope === true && stepper.segment.t === steps.start(step);
  const slope = carried ? problem.space.combine(stepper.startSlope(), [], []) : undefined;
  const y = problem.space.combine(stepper.segment.y, [], []);
  stepper.dispose();
  return { step, y, slope, owned: true };
}

function* lastSegment<S, P>(replay: Replay<S, P>, from: Checkpoint<S>, step: number): Generator<Segment<S>> {
  const { steps, holdsOutput } = replay;
  const stepper = startAt(replay, from);
  walk(replay, stepper, from.step, step);
  if (stepper.segment.t !== steps.start(step)) stepper.jumpTo(steps.start(step));
  attempt(stepper, steps.end(step));
  if (holdsOutput(step)) stepper.prepareOutput();
  yield stepper.segment;
  stepper.dispose();
}

function release<S, P>({ space }: Problem<S, P>, { y, slope, owned }: Checkpoint<S>): void {
  if (!owned) return;
  space.dispose(y);
  if (slope !== undefined) space.dispose(slope);
}
