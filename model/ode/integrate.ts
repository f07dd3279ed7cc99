/**
 * The loop: attempt, judge, accept or shrink, until the end of the span or a status that says why not. What is kept of
 * the steps is not its business: an observer sees every accepted step before the stepper moves on.
 *
 *   start ─▶ attempt ─▶ error ≤ 1 ─▶ observe ─▶ accept ─▶ at the end? ─▶ success
 *              ▲            │ no or NaN                        │ no
 *              └── shrink ◀─┘── shorter than minStep ─▶ min-step or non-finite
 */
import {
  type AdaptiveController,
  type Controller,
  clampLength,
  createStepControl,
  type StepControl,
  startLeg,
  updateLength,
} from './controller.ts';
import { initialStep } from './initial-step.ts';
import type { Method, Stepper, Trial } from './method.ts';
import type { Problem, Statistics } from './problem.ts';
import { createStiffnessWatch, type StiffnessWatch, sawStiffness, shouldLook } from './stiffness.ts';

/**
 * How a solve ended. `max-steps`: its attempts were spent. `min-step`: no step that is long enough is accurate enough.
 * `non-finite`: the field or the solution has no numbers there.
 */
export type Status = 'success' | 'max-steps' | 'min-step' | 'non-finite';

export interface Ending {
  readonly status: Status;
  /** Time that was reached when it failed. */
  readonly failedAt?: number | undefined;
  /** Time of the terminal event that ended it. */
  readonly stoppedAt?: number | undefined;
  /** Length that the controller would try next. */
  readonly nextStep?: number | undefined;
}

export interface Span {
  readonly t0: number;
  readonly t1: number;
  /** The span in pieces, in the order of travel: a jump of the field is one double after one's end and before the next. */
  readonly legs: readonly (readonly [number, number])[];
}

export interface Course<S, P> {
  readonly problem: Problem<S, P>;
  readonly method: Method;
  readonly controller: Controller;
  readonly span: Span;
  readonly maxSteps: number;
  /** Whether the observer keeps the states of every segment. */
  readonly retain: boolean;
  /** Sees an accepted step before the stepper moves to its end; a time inside it says that the solve ends there. */
  observe(stepper: Stepper<S>): number | undefined;
}

const SUCCESS: Ending = { status: 'success' };

export function integrate<S, P>(course: Course<S, P>, stepper: Stepper<S>): Ending {
  if (course.span.t0 === course.span.t1) return SUCCESS;
  return course.controller.kind === 'fixed'
    ? integrateFixed(course, stepper, course.controller.grid)
    : integrateAdaptive(course, stepper, course.controller);
}

/** The time of a terminal event, if the step holds one. */
function accept<S, P>(course: Course<S, P>, stepper: Stepper<S>): number | undefined {
  course.problem.statistics.accepted++;
  const stoppedAt = course.observe(stepper);
  stepper.accept(course.retain);
  return stoppedAt;
}

function integrateFixed<S, P>(
  course: Course<S, P>,
  stepper: Stepper<S>,
  grid: (t0: number, t1: number) => Float64Array,
): Ending {
  const { space, statistics } = course.problem;
  for (const [from, to] of course.span.legs) {
    if (stepper.segment.t !== from) stepper.jumpTo(from);
    const times = grid(from, to);
    for (let i = 1; i < times.length; i++) {
      if (statistics.accepted >= course.maxSteps) return { status: 'max-steps', failedAt: times[i - 1] };
      stepper.trial.t1 = times[i];
      stepper.attempt(undefined);
      // On a device a look at every step would stall it: there the saved states tell.
      if (space.residence === 'host' && !space.isFinite(stepper.segment.y1)) {
        return { status: 'non-finite', failedAt: times[i - 1] };
      }
      const stoppedAt = accept(course, stepper);
      if (stoppedAt !== undefined) return { status: 'success', stoppedAt };
    }
  }
  return SUCCESS;
}

function integrateAdaptive<S, P>(course: Course<S, P>, stepper: Stepper<S>, controller: AdaptiveController): Ending {
  const control = createStepControl(
    controller,
    errorOrder(course.method) + 1,
    firstLength(course, stepper, controller),
  );
  for (const [from, to] of course.span.legs) {
    if (stepper.segment.t !== from) stepper.jumpTo(from);
    startLeg(control, to);
    const ending = integrateLeg(course, stepper, control);
    if (ending.status !== 'success' || ending.stoppedAt !== undefined) return ending;
  }
  return { status: 'success', nextStep: control.length };
}

/** Steps of about the right error from where the stepper is to the end of its leg. What changes from step to step is in fields: see `Trial`. */
function integrateLeg<S, P>(course: Course<S, P>, stepper: Stepper<S>, control: StepControl): Ending {
  const { statistics } = course.problem;
  const { trial, segment } = stepper;
  const watch = createStiffnessWatch();
  if (Number.isNaN(control.length)) return { status: 'non-finite', failedAt: segment.t };
  while (segment.t !== control.end) {
    if (statistics.accepted + statistics.rejected >= course.maxSteps) {
      return { status: 'max-steps', failedAt: segment.t };
    }
    aim(control, segment, trial);
    stepper.attempt(control.controller);
    updateLength(control, trial);
    if (trial.ratio <= 1) {
      watchStiffness(watch, statistics, stepper);
      const stoppedAt = accept(course, stepper);
      if (stoppedAt !== undefined) return { status: 'success', stoppedAt };
    } else {
      statistics.rejected++;
      if (isTooShort(control, segment, trial)) {
        return { status: Number.isFinite(trial.ratio) ? 'min-step' : 'non-finite', failedAt: segment.t };
      }
    }
    clampLength(control);
  }
  return SUCCESS;
}

/** Where the step shall end: within 1 % of the end, there, else the last step would be a sliver. */
function aim(control: StepControl, { t }: { readonly t: number }, trial: Trial): void {
  const { end } = control;
  const left = Math.abs(end - t);
  control.isLast = control.length * 1.01 >= left;
  // Not |t1 − t|, which is never less than a double's spacing: an underflow would go unseen.
  control.tried = control.isLast ? left : control.length;
  trial.t1 = control.isLast ? end : t + Math.sign(end - t) * control.length;
}

function isTooShort({ length, controller }: StepControl, { t }: { readonly t: number }, { t1 }: Trial): boolean {
  return length < controller.minStep || t + Math.sign(t1 - t) * length === t;
}

function watchStiffness<S>(watch: StiffnessWatch, statistics: Statistics, stepper: Stepper<S>): void {
  if (statistics.looksStiff || !shouldLook(watch, statistics.accepted)) return;
  statistics.looksStiff = sawStiffness(watch, stepper.stiffness?.() ?? 0);
}

const errorOrder = ({ order, errorOrder: embedded = order }: Method): number => Math.min(order, embedded);

function firstLength<S, P>(course: Course<S, P>, stepper: Stepper<S>, controller: AdaptiveController): number {
  const { method, problem, span } = course;
  if (controller.firstStep !== undefined) return Math.min(controller.firstStep, controller.maxStep);
  const { t, y } = stepper.segment;
  const start = { t, y, slope: stepper.startSlope(), span: span.t1 - span.t0, order: errorOrder(method) };
  const length = initialStep(problem, controller, start);
  return Math.min(controller.maxStep, Math.max(controller.minStep, length));
}
