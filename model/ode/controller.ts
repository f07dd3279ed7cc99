/**
 * How long the next step is: a value that the loop in `integrate.ts` reads. A fixed controller lists the steps' ends in
 * advance; an adaptive one holds the error of each step below a tolerance.
 */
import { ensure } from './ode-error.ts';
import { type ToleranceOf, toleranceAt } from './tolerance.ts';

export type Controller = FixedController | AdaptiveController;

export interface FixedController {
  readonly kind: 'fixed';
  /** The ends of all steps from t0 to t1, both included; any direction. */
  grid(t0: number, t1: number): Float64Array;
}

export interface AdaptiveController {
  readonly kind: 'adaptive';
  /** Of the state's size and absolute, for all components or one for each. */
  readonly rtol: ToleranceOf;
  readonly atol: ToleranceOf;
  /** [β₁, β₂, β₃] exponents of this error, the one before, and the one before that (Söderlind 2003), times 1/(order+1). */
  readonly exponents: readonly [number, number, number];
  readonly safety: number;
  readonly minFactor: number;
  readonly maxFactor: number;
  /** Lengths in units of time, > 0. */
  readonly minStep: number;
  readonly maxStep: number;
  /** Absent: chosen after Hairer, Nørsett, Wanner II.4. */
  readonly firstStep?: number;
}

export type AdaptiveOptions = Partial<Omit<AdaptiveController, 'kind' | 'exponents'>>;

/** What an adaptive controller knows of the steps so far, and what it makes of it. */
export interface StepControl {
  readonly controller: AdaptiveController;
  /** Of the error. */
  readonly order: number;
  /** Of the leg at hand. */
  end: number;
  /** Length of the next step, > 0. */
  length: number;
  /** Length of the step at hand, and whether it ends where the solve does: then it may be shorter than it need be. */
  tried: number;
  isLast: boolean;
  /** Errors of the accepted steps before this one, newest first, in units of the tolerance. */
  last: number;
  beforeLast: number;
  /** Whether the step before was rejected: then the next may not grow. */
  rejected: boolean;
  /** From the length of the step at hand to that of the next. */
  factor: number;
}

/** `step` units of time each; the last one shorter if the span is no multiple. */
export function constantStep(step: number): FixedController {
  ensure(step > 0 && Number.isFinite(step), 'bad-step', () => `step is ${step}; give a finite length above 0.`);
  // The small slack keeps 10 / 0.1 at 100 steps when the quotient rounds up.
  return { kind: 'fixed', grid: (t0, t1) => evenGrid(t0, t1, Math.ceil(Math.abs(t1 - t0) / step - 1e-9), step) };
}

/** `count` equal steps from start to end. */
export function constantSteps(count: number): FixedController {
  ensure(Number.isInteger(count) && count > 0, 'bad-step', () => `count is ${count}; give a whole number of steps.`);
  return { kind: 'fixed', grid: (t0, t1) => evenGrid(t0, t1, count, Math.abs(t1 - t0) / count) };
}

/** Ends of steps that one grid holds at most: 800 MB of them. */
const MAX_GRID = 1e8;

function evenGrid(t0: number, t1: number, count: number, step: number): Float64Array {
  if (t0 === t1) return Float64Array.of(t0);
  const signed = Math.sign(t1 - t0) * step;
  ensure(count <= MAX_GRID, 'bad-step', () => `${count} steps are more than ${MAX_GRID}; give a longer step.`);
  const grid = new Float64Array(Math.max(1, count) + 1);
  for (let i = 0; i < grid.length; i++) grid[i] = t0 + i * signed;
  grid[grid.length - 1] = t1;
  return grid;
}

/** Steps land on every knot between start and end, with `stepsPerKnot` equal steps from one to the next. */
export function onKnots(knots: ArrayLike<number>, stepsPerKnot = 1): FixedController {
  const sorted = Float64Array.from(knots).sort();
  ensure(sorted.every(Number.isFinite), 'bad-grid', () => 'knots must be finite times.');
  ensure(
    Number.isInteger(stepsPerKnot) && stepsPerKnot > 0,
    'bad-grid',
    () => 'stepsPerKnot must be a whole number ≥ 1.',
  );
  return { kind: 'fixed', grid: (t0, t1) => knotGrid(sorted, stepsPerKnot, t0, t1) };
}

function knotGrid(knots: Float64Array, stepsPerKnot: number, t0: number, t1: number): Float64Array {
  const low = Math.min(t0, t1);
  const high = Math.max(t0, t1);
  const inner = knots.filter((knot, i) => knot > low && knot < high && knot !== knots[i - 1]);
  const ends = [t0, ...(t0 <= t1 ? inner : inner.reverse()), ...(t0 === t1 ? [] : [t1])];
  const grid = ends
    .slice(1)
    .flatMap((end, i) => [...evenGrid(ends[i], end, stepsPerKnot, Math.abs(end - ends[i]) / stepsPerKnot)].slice(1));
  return Float64Array.from([t0, ...grid]);
}

const DEFAULTS = { rtol: 1e-6, atol: 1e-9, safety: 0.9, minFactor: 0.2, maxFactor: 10, minStep: 0, maxStep: Infinity };

/** Integral control: the step that this error asks for, whatever came before. The standard of the older codes. */
export function integral(options: AdaptiveOptions = {}): AdaptiveController {
  return adaptive([1, 0, 0], options);
}

/** Proportional–integral control; exponents 0.7 and −0.4 as Hairer and Wanner II, IV.2. */
export function pi(options: AdaptiveOptions = {}): AdaptiveController {
  return adaptive([0.7, -0.4, 0], options);
}

/** Proportional–integral–derivative control: Söderlind 2003's H312, whose steps vary least. */
export function pid(options: AdaptiveOptions = {}): AdaptiveController {
  return adaptive([1 / 18, 1 / 9, 1 / 18], options);
}

/** Any exponents of the last three errors, newest first, each over order + 1. @throws OdeError */
export function adaptive(exponents: AdaptiveController['exponents'], options: AdaptiveOptions): AdaptiveController {
  const controller: AdaptiveController = { kind: 'adaptive', exponents, ...DEFAULTS, ...options };
  const { rtol, atol, safety, minFactor, maxFactor, minStep, maxStep, firstStep } = controller;
  checkTolerances(rtol, atol);
  ensure(safety > 0 && safety <= 1, 'bad-step', () => `safety is ${safety}; give a factor in (0, 1].`);
  ensure(
    minFactor > 0 && minFactor < 1 && maxFactor > 1,
    'bad-step',
    () => 'minFactor must be in (0, 1) and maxFactor above 1.',
  );
  ensure(minStep >= 0 && maxStep > minStep, 'bad-step', () => 'minStep must be ≥ 0 and below maxStep.');
  ensure(
    firstStep === undefined || firstStep > 0,
    'bad-step',
    () => `firstStep is ${firstStep}; give a length above 0.`,
  );
  return Object.freeze(controller);
}

function checkTolerances(rtol: ToleranceOf, atol: ToleranceOf): void {
  const lengths = [rtol, atol].flatMap((tolerance) => (typeof tolerance === 'number' ? [] : [tolerance.length]));
  const count = Math.max(1, ...lengths);
  const each = Array.from({ length: count }, (_, i) => [toleranceAt(rtol, i), toleranceAt(atol, i)]);
  ensure(
    lengths.every((length) => length === count) &&
      each.every(([r, a]) => r >= 0 && a >= 0 && r + a > 0 && r + a < Infinity),
    'bad-tolerance',
    () => `rtol ${rtol} and atol ${atol} must be finite, not negative, not both 0, and lists of the same length.`,
  );
}

/** `order` is that of the error: one more than the lower of the two solutions that it compares. */
export function createStepControl(controller: AdaptiveController, order: number, length: number): StepControl {
  const history = { last: 1, beforeLast: 1, rejected: false };
  return { controller, order, end: Number.NaN, length, tried: length, isLast: false, ...history, factor: 1 };
}

/** On to `end`. Where the field jumps, the errors before it say nothing of those after it. */
export function startLeg(control: StepControl, end: number): void {
  control.end = end;
  control.last = 1;
  control.beforeLast = 1;
  control.rejected = false;
}

/** Of an attempted step: its error in units of the tolerance. */
interface Judged {
  readonly ratio: number;
}

/** Sets the next length after a step with this error; accepts (ratio ≤ 1) are remembered. A NaN shrinks as far as allowed. */
export function updateLength(control: StepControl, trial: Judged): void {
  const accepted = trial.ratio <= 1;
  if (accepted) setGrowth(control, trial);
  else setShrinkage(control, trial);
  const length = control.tried * control.factor;
  control.length = accepted && control.isLast ? Math.max(control.length, length) : length;
}

export function clampLength(control: StepControl): void {
  const { minStep, maxStep } = control.controller;
  control.length = Math.min(maxStep, Math.max(minStep, control.length));
}

function setShrinkage(control: StepControl, { ratio }: Judged): void {
  const { safety, minFactor } = control.controller;
  control.rejected = true;
  control.factor = Number.isFinite(ratio) ? Math.max(minFactor, safety * ratio ** (-1 / control.order)) : minFactor;
}

/** A power is the dearest thing in the loop: those that are 1 are left out. */
function setGrowth(control: StepControl, { ratio }: Judged): void {
  const error = Math.max(ratio, 1e-10);
  const { exponents, safety, minFactor, maxFactor } = control.controller;
  let factor = safety * error ** (-exponents[0] / control.order);
  if (exponents[1] !== 0) factor *= control.last ** (-exponents[1] / control.order);
  if (exponents[2] !== 0) factor *= control.beforeLast ** (-exponents[2] / control.order);
  control.factor = Math.min(control.rejected ? 1 : maxFactor, Math.max(minFactor, factor));
  control.beforeLast = control.last;
  control.last = error;
  control.rejected = false;
}
