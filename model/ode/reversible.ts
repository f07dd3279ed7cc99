/**
 * The exact gradient at no memory but the step at hand: a reversible method is run backwards from its end. Exact up to
 * rounding, which a long solve of a strongly damped field amplifies: there `checkpointed` is the safe choice.
 */
import { type Recorder, recordSolve } from './exact-pullback.ts';
import type { Gradient } from './gradient.ts';
import type { Method, Segment, StepEnd, Stepper } from './method.ts';
import { ensure } from './ode-error.ts';
import type { Problem } from './problem.ts';
import type { Plan } from './solve.ts';
import type { StepLog } from './step-log.ts';

/** Needs a method with an inverse: `leapfrog`. */
export function reversible(): Gradient {
  return { name: 'reversible', forward: (options) => recordSolve(options, createRecorder) };
}

function createRecorder<S, P>({ problem: { space }, method, span }: Plan<S, P>): Recorder<S, P> {
  ensure(method.retrace !== undefined, 'bad-gradient', () => `${method.name} cannot be run backwards: use leapfrog.`);
  const legEnds = new Set(span.legs.map(([, end]) => end));
  const ends = new Map<number, { y1: S; slope1: S }>();
  const copy = (state: S): S => space.combine(state, [], []);
  return {
    retain: false,
    observe: ({ segment: { t1, y1, slopes } }: Stepper<S>) => {
      if (legEnds.has(t1)) ends.set(t1, { y1: copy(y1), slope1: copy(slopes[method.endIndex]) });
    },
    backwards: (problem, steps) => retraced(problem, method, steps, ends),
    dispose: () => {
      for (const { y1, slope1 } of ends.values()) for (const state of [y1, slope1]) space.dispose(state);
      ends.clear();
    },
  };
}

/** From the stored end of each leg, step by step to its start. */
function* retraced<S, P>(
  problem: Problem<S, P>,
  method: Method,
  steps: StepLog,
  ends: ReadonlyMap<number, { readonly y1: S; readonly slope1: S }>,
): Generator<Segment<S>, void, undefined> {
  let after: Segment<S> | undefined;
  for (let n = steps.count - 1; n >= 0; n--) {
    const [t, t1] = [steps.start(n), steps.end(n)];
    const stored = ends.get(t1);
    const end: StepEnd<S> | undefined =
      after === undefined || stored !== undefined
        ? stored && { t, t1, ...stored }
        : { t, t1, y1: after.y, slope1: after.slopes[0] };
    if (end === undefined || method.retrace === undefined) return;
    const segment = method.retrace(problem, end);
    yield segment;
    if (after !== undefined) free(problem, after);
    after = segment;
  }
  if (after !== undefined) free(problem, after);
}

/** A retraced segment owns its start; its end is the segment's after it, or stored. */
function free<S, P>({ space }: Problem<S, P>, { y, slopes }: Segment<S>): void {
  space.dispose(y);
  space.dispose(slopes[0]);
}
