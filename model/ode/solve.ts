/**
 * One call that joins orthogonal values: a space, a field, a method, a controller, what to save. Gradients are in
 * `gradient.ts`; the loop is in `integrate.ts`.
 */
import { adjacent } from './adjacent-double.ts';
import { adviceFor } from './advice.ts';
import { bothWays, joinSolutions } from './both-ways.ts';
import { adaptive, type Controller, pi } from './controller.ts';
import { createEventWatcher, type Event } from './events.ts';
import { type Ending, integrate, type Span } from './integrate.ts';
import { disposeSegments, interpolateAt, valueAt } from './interpolate.ts';
import type { Method, Segment, Stepper } from './method.ts';
import { ensure } from './ode-error.ts';
import { createStatistics, type Problem } from './problem.ts';
import {
  lacksHostParameters,
  lacksParameters,
  type SaveAt,
  type Solution,
  type SolveOptions,
  type WithoutHostParameters,
  type WithoutParameters,
} from './solution.ts';
import type { StateSpace } from './state-space.ts';
import type { ToleranceOf } from './tolerance.ts';
import { tsit5 } from './tsit5.ts';

export type { SaveAt, Solution, SolveOptions, WithoutHostParameters, WithoutParameters } from './solution.ts';

const DEFAULT_MAX_STEPS = 100_000;

/** Options with defaults filled in and checked. */
export interface Plan<S, P> {
  readonly problem: Problem<S, P>;
  readonly y0: S;
  readonly method: Method;
  readonly controller: Controller;
  readonly saveAt: SaveAt;
  readonly span: Span;
  readonly maxSteps: number;
  readonly events: readonly Event<S>[] | undefined;
}

/** @throws OdeError for a bad argument; its code names which. */
export function createPlan<S, P>(options: SolveOptions<S, P>): Plan<S, P> {
  const { space, field, parameters, y0, method = tsit5, saveAt = { final: true } } = options;
  const controller = controllerOf(options);
  const maxSteps = options.maxSteps ?? (controller.kind === 'fixed' ? Infinity : DEFAULT_MAX_STEPS);
  ensure(space.isFinite(y0), 'bad-y0', () => 'y0 must be finite in every component.');
  ensure(maxSteps > 0, 'bad-max-steps', () => `maxSteps is ${maxSteps}; give a number above 0.`);
  ensure(
    controller.kind === 'fixed' || method.errorOrder !== undefined,
    'bad-method',
    () => `${method.name} has no error estimate: give a fixed controller, or an adaptive method such as dopri5.`,
  );
  const problem = { space, field, parameters, statistics: createStatistics() };
  return {
    problem,
    y0,
    method,
    controller,
    saveAt,
    span: createSpan(options, saveAt),
    maxSteps,
    events: options.events,
  };
}

/** The controller with the tolerances of the call. @throws OdeError `bad-tolerance` */
export function controllerOf<S, P>({ controller = pi(), rtol, atol, space, y0 }: SolveOptions<S, P>): Controller {
  if (controller.kind === 'fixed') {
    const none = rtol === undefined && atol === undefined;
    ensure(none, 'bad-tolerance', () => 'A fixed controller takes no tolerance: leave rtol and atol out.');
    return controller;
  }
  const given = { rtol: rtol ?? controller.rtol, atol: atol ?? controller.atol };
  for (const tolerance of [given.rtol, given.atol]) checkLength(space, y0, tolerance);
  return rtol === undefined && atol === undefined
    ? controller
    : adaptive(controller.exponents, { ...controller, ...given });
}

function checkLength<S>({ components }: StateSpace<S>, y0: S, tolerance: ToleranceOf): void {
  if (typeof tolerance === 'number') return;
  const wanted = components?.(y0);
  const fits = wanted === tolerance.length;
  const what = wanted === undefined ? 'this space takes a number' : `y0 has ${wanted} components`;
  ensure(fits, 'bad-tolerance', () => `There are ${tolerance.length} tolerances, but ${what}.`);
}

function createSpan<S, P>({ t0, t1, jumps = [] }: SolveOptions<S, P>, saveAt: SaveAt): Span {
  ensure(Number.isFinite(t0), 'bad-span', () => `t0 is ${t0}; give a finite time.`);
  const asked = 'times' in saveAt ? Float64Array.from(saveAt.times) : new Float64Array(0);
  ensure(asked.every(Number.isFinite), 'bad-save-at', () => 'saveAt.times must be finite.');
  const end = endOfSpan(t0, t1, saveAt);
  const low = Math.min(t0, end);
  const high = Math.max(t0, end);
  const outside = asked.find((time) => time < low || time > high);
  ensure(outside === undefined, 'bad-save-at', () => `saveAt time ${outside} is outside the span [${low}, ${high}].`);
  return { t0, t1: end, legs: createLegs(t0, end, Array.from(jumps)) };
}

function createLegs(t0: number, t1: number, jumps: readonly number[]): [number, number][] {
  const way = Math.sign(t1 - t0);
  const at = new Set(jumps);
  const inside = [...at].filter((jump) => way * (jump - t0) > 0 && way * (t1 - jump) > 0).sort((a, b) => way * (a - b));
  const starts = [t0, ...inside].map((t) => (at.has(t) ? adjacent(t, way) : t));
  const ends = [...inside, t1].map((t) => (at.has(t) ? adjacent(t, -way) : t));
  return starts.map((start, i) => [start, ends[i]]);
}

/** t1, or the farthest of the asked times. @throws OdeError `bad-span` when there is neither. */
export function endOfSpan(t0: number, t1: number | undefined, saveAt: SaveAt = { final: true }): number {
  if (t1 === undefined && 'times' in saveAt && saveAt.times.length > 0) return farthest(t0, saveAt.times);
  ensure(t1 !== undefined && Number.isFinite(t1), 'bad-span', () => `t1 is ${t1}; give a finite time or saveAt.times.`);
  return t1;
}

function farthest(t0: number, times: ArrayLike<number>): number {
  return Array.from(times).reduce((best, time) => (Math.abs(time - t0) > Math.abs(best - t0) ? time : best), t0);
}

/**
 * Solves dy/dt = f(t, y, θ) from y(t0) = y0. A numerical failure is a status in the solution.
 *
 * @throws OdeError for a bad argument; its code names which.
 */
export function solve<S, P>(options: SolveOptions<S, P>): Solution<S>;
export function solve<S>(options: WithoutParameters<SolveOptions<S, null>>): Solution<S>;
export function solve(options: WithoutHostParameters<SolveOptions<Float64Array, Float64Array>>): Solution<Float64Array>;
export function solve<S, P>(
  options:
    | SolveOptions<S, P>
    | WithoutParameters<SolveOptions<S, null>>
    | WithoutHostParameters<SolveOptions<Float64Array, Float64Array>>,
): Solution<S> | Solution<Float64Array> {
  if (lacksHostParameters<SolveOptions<Float64Array, Float64Array>>(options)) {
    return solveGiven<Float64Array, Float64Array>({ ...options, parameters: options.field.none });
  }
  return lacksParameters(options) ? solveGiven({ ...options, parameters: null }) : solveGiven(options);
}

function solveGiven<S, P>(options: SolveOptions<S, P>): Solution<S> {
  const both = bothWays<S, P, SolveOptions<S, P>>(options);
  if (both) return joinSolutions(both, [solveGiven(both.options[0]), solveGiven(both.options[1])]);
  const plan = createPlan(options);
  return run(plan, createSaver(plan));
}

type Saved<S> = Pick<Solution<S>, 'times' | 'ys' | 'at' | 'dispose'>;

/** What a solve keeps of its steps. */
export interface Saver<S> {
  readonly retain: boolean;
  /** `until` is where a terminal event ends the solve inside this step. */
  observe(stepper: Stepper<S>, until?: number): void;
  finish(ending: Ending, last: S): Saved<S>;
}

export function run<S, P>(plan: Plan<S, P>, saver: Saver<S>): Solution<S> {
  const { problem, method, y0, span } = plan;
  const stepper = method.start(problem, span.t0, y0);
  checkField(problem.space, y0, stepper);
  const watcher = plan.events && createEventWatcher(problem.space, method, plan.events, span.t0, y0);
  const observe = (moved: Stepper<S>): number | undefined => {
    const until = watcher?.observe(moved);
    saver.observe(moved, until);
    return until;
  };
  const course = { ...plan, retain: saver.retain, observe };
  const ending = checked(problem.space, integrate(course, stepper), stepper.segment.y, span);
  const saved = saver.finish(ending, stepper.segment.y);
  stepper.dispose();
  const advice = adviceFor(ending, problem.statistics, method);
  return { ...ending, ...saved, events: watcher?.found, advice, statistics: { ...problem.statistics } };
}

function checkField<S>(space: StateSpace<S>, y0: S, stepper: Stepper<S>): void {
  const slope = stepper.startSlope();
  ensure(space.sameShape(slope, y0), 'bad-field', () => 'field.evaluate must return a state of the shape of y0.');
}

/** A device is looked at once, at the end: what went wrong on the way is still wrong there. */
function checked<S>(space: StateSpace<S>, ending: Ending, last: S, span: Span): Ending {
  if (space.residence === 'host' || ending.status !== 'success' || space.isFinite(last)) return ending;
  return { status: 'non-finite', failedAt: span.t1 };
}

export function createSaver<S, P>(plan: Plan<S, P>): Saver<S> {
  const { saveAt } = plan;
  if ('times' in saveAt) return saveTimes(plan, Float64Array.from(saveAt.times));
  if ('steps' in saveAt) return saveSteps(plan);
  if ('dense' in saveAt) return saveDense(plan);
  return saveFinal(plan);
}

function saveFinal<S, P>({ problem: { space }, method, y0, span }: Plan<S, P>): Saver<S> {
  let stopped: S | undefined;
  const observe = ({ segment }: Stepper<S>, until?: number): void => {
    if (until !== undefined) stopped = valueAt(space, method, segment, until);
  };
  const finish = ({ status, stoppedAt }: Ending, last: S): Saved<S> => {
    const missing = status === 'success' ? [] : [Number.NaN];
    const end = stopped ?? space.combine(status === 'success' ? last : y0, missing, [y0]);
    return { times: Float64Array.of(stoppedAt ?? span.t1), ys: [end] };
  };
  return { retain: false, observe, finish };
}

/** Indices of `times` in the order of travel. */
export function travelOrder(times: Float64Array, direction: number): number[] {
  return Array.from(times.keys()).sort((i, j) => direction * (times[i] - times[j]));
}

function saveTimes<S, P>({ problem: { space }, method, y0, span }: Plan<S, P>, times: Float64Array): Saver<S> {
  const direction = Math.sign(span.t1 - span.t0) || 1;
  const order = travelOrder(times, direction);
  const ys = new Array<S>(times.length);
  let next = 0;
  while (next < order.length && times[order[next]] === span.t0) ys[order[next++]] = space.combine(y0, [], []);
  const observe = (stepper: Stepper<S>, until?: number): void => {
    const { t1 } = stepper.segment;
    const first = next;
    while (next < order.length && direction * (times[order[next]] - (until ?? t1)) <= 0) next++;
    if (first === next) return;
    if (times[order[first]] !== t1) stepper.prepareOutput();
    for (let i = first; i < next; i++) ys[order[i]] = valueAt(space, method, stepper.segment, times[order[i]]);
  };
  const finish = ({ status, stoppedAt }: Ending, last: S): Saved<S> => {
    const arrived = status === 'success' && stoppedAt === undefined;
    // The last time is one double after the last step when the field jumps there.
    for (const i of order.slice(next))
      ys[i] = arrived ? space.combine(last, [], []) : space.combine(y0, [Number.NaN], [y0]);
    return { times, ys };
  };
  return { retain: false, observe, finish };
}

function saveSteps<S, P>({ problem: { space }, method, y0, span }: Plan<S, P>): Saver<S> {
  const times = [span.t0];
  const ys = [space.combine(y0, [], [])];
  const observe = ({ segment }: Stepper<S>, until = segment.t1): void => {
    times.push(until);
    ys.push(valueAt(space, method, segment, until));
  };
  return { retain: false, observe, finish: () => ({ times: Float64Array.from(times), ys }) };
}

function saveDense<S, P>({ problem: { space }, method, y0, span }: Plan<S, P>): Saver<S> {
  const segments: Segment<S>[] = [];
  const observe = (stepper: Stepper<S>): void => {
    stepper.prepareOutput();
    segments.push({ ...stepper.segment });
  };
  const finish = ({ stoppedAt }: Ending, last: S): Saved<S> => {
    const end = stoppedAt ?? segments.at(-1)?.t1 ?? span.t0;
    const at = (t: number, into?: S): S => {
      if (t === span.t0 || (t - span.t0) * (t - end) > 0) {
        return space.combine(y0, t === span.t0 ? [] : [Number.NaN], [y0], into);
      }
      return interpolateAt(space, method, segments, t, into);
    };
    const final = stoppedAt === undefined ? space.combine(last, [], []) : at(end);
    return { times: Float64Array.of(end), ys: [final], at, dispose: () => disposeSegments(space, segments) };
  };
  return { retain: true, observe, finish };
}
