/**
 * The loop: attempt, judge, accept or shrink, until the end of the span or a status that says why not. What is kept of
 * the steps is not its business: an observer sees every accepted step before the stepper moves on.
 *
 *   start ─▶ attempt ─▶ error ≤ 1 ─▶ observe ─▶ accept ─▶ at the end? ─▶ success
 *              ▲            │ no or NaN                        │ no
 *              └── shrink ◀─┘── shorter than minStep ─▶ min-step or non-finite
 */
import { type AdaptiveController, type Controller, createErrorHistory, stepFactor } from './controller.ts';
import { initialStep } from './initial-step.ts';
import type { Method, Stepper } from './method.ts';
import type { Problem } from './problem.ts';

export type Status = 'success' | 'max-steps' | 'min-step' | 'non-finite';

export interface Ending {
  readonly status: Status;
  /** Time that was reached when it failed. */
  readonly failedAt?: number | undefined;
  /** Length that the controller would try next. */
  readonly nextStep?: number | undefined;
}

export interface Span {
  readonly t0: number;
  readonly t1: number;
  /** Strictly between t0 and t1, in the order of travel: times that no step crosses. */
  readonly stops: readonly number[];
}

export interface Course<S, P> {
  readonly problem: Problem<S, P>;
  readonly method: Method;
  readonly controller: Controller;
  readonly span: Span;
  readonly maxSteps: number;
  /** Whether the observer keeps the states of every segment. */
  readonly retain: boolean;
  /** Sees an accepted step before the stepper moves to its end. */
  observe(stepper: Stepper<S>): void;
}

const SUCCESS: Ending = { status: 'success' };

export function integrate<S, P>(course: Course<S, P>, stepper: Stepper<S>): Ending {
  if (course.span.t0 === course.span.t1) return SUCCESS;
  return course.controller.kind === 'fixed'
    ? integrateFixed(course, stepper, course.controller.grid)
    : integrateAdaptive(course, stepper, course.controller);
}

function accept<S, P>(course: Course<S, P>, stepper: Stepper<S>): void {
  course.problem.statistics.accepted++;
  course.observe(stepper);
  stepper.accept(course.retain);
}

function integrateFixed<S, P>(
  course: Course<S, P>,
  stepper: Stepper<S>,
  grid: (t0: number, t1: number) => Float64Array,
): Ending {
  const { space, statistics } = course.problem;
  const ends = [course.span.t0, ...course.span.stops, course.span.t1];
  for (let leg = 1; leg < ends.length; leg++) {
    const times = grid(ends[leg - 1], ends[leg]);
    for (let i = 1; i < times.length; i++) {
      if (statistics.accepted >= course.maxSteps) return { status: 'max-steps', failedAt: times[i - 1] };
      stepper.attempt(times[i], undefined);
      // On a device a look at every step would stall it: there the saved states tell.
      if (space.residence === 'host' && !space.isFinite(stepper.segment.y1)) {
        return { status: 'non-finite', failedAt: times[i - 1] };
      }
      accept(course, stepper);
    }
  }
  return SUCCESS;
}

function integrateAdaptive<S, P>(course: Course<S, P>, stepper: Stepper<S>, controller: AdaptiveController): Ending {
  const { span, method, problem, maxSteps } = course;
  const { statistics } = problem;
  const order = Math.min(method.order, method.errorOrder ?? method.order) + 1;
  const history = createErrorHistory();
  const direction = Math.sign(span.t1 - span.t0);
  const ends = [...span.stops, span.t1];
  let t = span.t0;
  let length = firstLength(course, stepper, controller, order - 1);
  if (Number.isNaN(length)) return { status: 'non-finite', failedAt: t };
  for (let leg = 0; leg < ends.length; ) {
    if (statistics.accepted + statistics.rejected >= maxSteps) return { status: 'max-steps', failedAt: t };
    const left = Math.abs(ends[leg] - t);
    // Within 1 % of the end, the end: else the last step would be a sliver.
    const last = length * 1.01 >= left;
    const tried = last ? left : length;
    const t1 = last ? ends[leg] : t + direction * tried;
    const ratio = stepper.attempt(t1, controller);
    const factor = stepFactor(controller, history, ratio, order);
    if (ratio <= 1) {
      accept(course, stepper);
      t = t1;
      length = Math.min(controller.maxStep, last ? Math.max(length, tried * factor) : tried * factor);
      if (last) leg++;
    } else {
      statistics.rejected++;
      length = tried * factor;
      if (length < controller.minStep || t + direction * length === t) {
        return { status: Number.isFinite(ratio) ? 'min-step' : 'non-finite', failedAt: t };
      }
    }
    length = Math.max(length, controller.minStep);
  }
  return { status: 'success', nextStep: length };
}

function firstLength<S, P>(
  course: Course<S, P>,
  stepper: Stepper<S>,
  controller: AdaptiveController,
  order: number,
): number {
  const { t0, t1 } = course.span;
  if (controller.firstStep !== undefined) return Math.min(controller.firstStep, controller.maxStep);
  const slope = stepper.startSlope();
  const start = { t: t0, y: stepper.segment.y, slope, span: t1 - t0, order };
  const length = initialStep(course.problem, controller, start);
  return Math.min(controller.maxStep, Math.max(controller.minStep, length));
}
