/**
 * Events: times where a function of the state passes zero, located on the interpolant of the step that brackets them, so
 * that the field is not evaluated again. A step's ends alone would not show a zero that is passed there and back: the
 * function is sampled in between as well, and what passes zero twice between two samples goes unseen.
 */
import { valueAt } from './interpolate.ts';
import type { Method, Segment, Stepper } from './method.ts';
import { ensure } from './ode-error.ts';
import { createStatistics, evaluate, type Problem } from './problem.ts';
import type { StateSpace } from './state-space.ts';

export interface Event<S> {
  /** Zero at the event. */
  readonly value: (t: number, y: S) => number;
  /** Which way `value` must pass zero as the solve goes on. Default: either. */
  readonly direction?: 'rising' | 'falling' | 'either';
  /**
   * Parts into which a step is cut to look for zeros, ≥ 1. Default 4; 1 looks at the ends of steps only, which saves the
   * evaluations that dense output costs with dop853 (three a step) and vern7 (five).
   */
  readonly samples?: number | undefined;
  /** Whether the solve stops there. Default: no. */
  readonly terminal?: boolean;
  /** ∂value/∂y and ∂value/∂t: gradients through the event's time need them. */
  readonly gradient?: (t: number, y: S) => { readonly y: S; readonly t: number };
}

export interface FoundEvent<S> {
  /** Which of the events. */
  readonly event: number;
  readonly t: number;
  readonly y: S;
}

/** Follows a solve, step by step, and remembers what it found. */
export interface EventWatcher<S> {
  readonly found: readonly FoundEvent<S>[];
  /** The time of the first terminal event in the attempted step, if there is one. */
  observe(stepper: Stepper<S>): number | undefined;
}

export function createEventWatcher<S>(
  space: StateSpace<S>,
  method: Method,
  events: readonly Event<S>[],
  t0: number,
  y0: S,
): EventWatcher<S> {
  for (const { samples = DEFAULT_SAMPLES } of events) {
    const whole = Number.isInteger(samples) && samples >= 1;
    ensure(whole, 'bad-event', () => `samples is ${samples}; give a whole number ≥ 1.`);
  }
  const found: FoundEvent<S>[] = [];
  const before = events.map(({ value }) => value(t0, y0));
  const observe = (stepper: Stepper<S>): number | undefined => {
    const passages = events.flatMap((event, index) => {
      const values = sampled(space, method, stepper, event, before[index]);
      before[index] = values[values.length - 1];
      return passagesIn(event, index, values);
    });
    return passages.length === 0 ? undefined : locateAll(space, method, events, stepper, passages, found);
  };
  return { found, observe };
}

const DEFAULT_SAMPLES = 4;

/** The event's values at the ends of the parts of a step, the first of which is known. */
function sampled<S>(
  space: StateSpace<S>,
  method: Method,
  stepper: Stepper<S>,
  event: Event<S>,
  atStart: number,
): number[] {
  const { samples = DEFAULT_SAMPLES, value } = event;
  const { segment } = stepper;
  if (samples > 1) stepper.prepareOutput();
  const inside = Array.from({ length: samples - 1 }, (_, i) => {
    const t = timeIn(segment, (i + 1) / samples);
    return valueOn(space, method, segment, event, t);
  });
  return [atStart, ...inside, value(segment.t1, segment.y1)];
}

const timeIn = ({ t, h }: Segment<unknown>, share: number): number => t + share * h;

function valueOn<S>(space: StateSpace<S>, method: Method, segment: Segment<S>, event: Event<S>, t: number): number {
  const y = valueAt(space, method, segment, t);
  const result = event.value(t, y);
  space.dispose(y);
  return result;
}

/** Between which shares of a step an event passes zero. */
interface Passage {
  readonly event: number;
  readonly from: number;
  readonly to: number;
}

/** A sample that is zero itself belongs to the part that ends there; the next begins on the side that it leaves to. */
function passagesIn<S>(event: Event<S>, index: number, values: readonly number[]): Passage[] {
  const parts = values.length - 1;
  return values.slice(1).flatMap((after, i) => {
    const passed = passes(event, values[i], after);
    return passed ? [{ event: index, from: i / parts, to: (i + 1) / parts }] : [];
  });
}

function passes<S>({ direction = 'either' }: Event<S>, before: number, after: number): boolean {
  const rises = before < 0 && after >= 0;
  const falls = before > 0 && after <= 0;
  return (rises && direction !== 'falling') || (falls && direction !== 'rising');
}

/** Locates, in the order of travel, up to the first terminal one. */
function locateAll<S>(
  space: StateSpace<S>,
  method: Method,
  events: readonly Event<S>[],
  stepper: Stepper<S>,
  passages: readonly Passage[],
  found: FoundEvent<S>[],
): number | undefined {
  stepper.prepareOutput();
  const { segment } = stepper;
  const located = passages
    .map((passage) => ({ event: passage.event, t: locate(space, method, segment, events[passage.event], passage) }))
    .sort((a, b) => Math.sign(segment.h) * (a.t - b.t));
  for (const { event, t } of located) {
    found.push({ event, t, y: valueAt(space, method, segment, t) });
    if (events[event].terminal) return t;
  }
  return undefined;
}

/** The zero inside a part whose ends bracket it, to the spacing of doubles: bisection with the Illinois rule's secants. */
function locate<S>(
  space: StateSpace<S>,
  method: Method,
  segment: Segment<S>,
  event: Event<S>,
  { from, to }: Passage,
): number {
  const at = (t: number): number => valueOn(space, method, segment, event, t);
  let [low, high] = [timeIn(segment, from), to === 1 ? segment.t1 : timeIn(segment, to)];
  let [atLow, atHigh] = [at(low), at(high)];
  if (atHigh === 0) return high;
  for (let i = 0; i < 100 && Math.abs(high - low) > 2 * Number.EPSILON * Math.max(Math.abs(low), Math.abs(high)); i++) {
    const secant = high - (atHigh * (high - low)) / (atHigh - atLow);
    const inside = (secant - low) * (secant - high) < 0;
    // Every third step halves: a secant that creeps up on one end cannot go on for ever.
    const middle = inside && i % 3 !== 2 ? secant : low + (high - low) / 2;
    const atMiddle = at(middle);
    if (atMiddle === 0) return middle;
    if (Math.sign(atMiddle) === Math.sign(atHigh)) {
      [high, atHigh, atLow] = [middle, atMiddle, atLow / 2];
    } else {
      [low, atLow] = [middle, atMiddle];
    }
  }
  return high;
}

/**
 * Turns ∂L/∂ of an event's state and time into a cotangent for the state at that time held fixed, which `solveWithGradient`
 * with `saveAt: { times: [found.t] }` takes: δt = −(∂g/∂y·δy) / (∂g/∂y·f + ∂g/∂t) by the implicit function theorem.
 */
export function eventCotangent<S, P>(
  problem: Pick<Problem<S, P>, 'space' | 'field' | 'parameters'>,
  { gradient }: Event<S>,
  { t, y }: FoundEvent<S>,
  cotangent: { readonly y: S; readonly t: number },
): S {
  ensure(gradient !== undefined, 'bad-event', () => "A gradient through an event's time needs event.gradient.");
  const { space } = problem;
  const statistics = createStatistics();
  return space.scope(() => {
    const slope = evaluate({ ...problem, statistics }, t, y);
    const by = gradient(t, y);
    const speed = space.dot(by.y, slope) + by.t;
    return space.combine(cotangent.y, [-(space.dot(cotangent.y, slope) + cotangent.t) / speed], [by.y]);
  });
}
