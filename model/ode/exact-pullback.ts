/**
 * The exact gradient of the discrete solution, whatever way its steps come back: kept, recomputed or retraced. Step
 * lengths are held constant, as is usual.
 *
 * The slope at a step's end is the next step's first stage; both are the node f(tₙ, yₙ), which is pulled back once.
 */
import type { Differentiable, DifferentiableOptions, Gradients } from './gradient.ts';
import type { Method, Reversal, Segment, SegmentCotangent, Stepper } from './method.ts';
import { ensure } from './ode-error.ts';
import { createStatistics, type Problem } from './problem.ts';
import { checkCotangents, checkDifferentiable, failedGradients, timing, vjp } from './pullback.ts';
import { createPlan, createSaver, type Plan, run, type Saver, type Solution, travelOrder } from './solve.ts';
import type { StateSpace } from './state-space.ts';
import { StepLog } from './step-log.ts';

/** How a gradient mode remembers a forward solve. */
export interface Recorder<S, P> {
  /** Whether the solve leaves the states of its segments to the recorder. */
  readonly retain: boolean;
  observe(stepper: Stepper<S>): void;
  /**
   * The segments, last first, each valid until the next is asked for; those that `holdsOutput` prepared for output.
   * What it evaluates is counted in the problem's statistics.
   */
  backwards(problem: Problem<S, P>, steps: StepLog, holdsOutput: (step: number) => boolean): Iterable<Segment<S>>;
  dispose(): void;
}

/** The forward half of every exact mode. @throws OdeError */
export function recordSolve<S, P>(
  options: DifferentiableOptions<S, P>,
  createRecorder: (plan: Plan<S, P>) => Recorder<S, P>,
): Differentiable<S, P> {
  checkDifferentiable(options);
  const plan = createPlan(options);
  ensure(
    plan.method.pull !== undefined,
    'bad-gradient',
    () => `${plan.method.name} has no exact gradient: use ${wayOut(plan.method)}.`,
  );
  const recorder = createRecorder(plan);
  const steps = new StepLog();
  const solution = run(plan, recording(createSaver(plan), recorder, steps));
  return {
    solution,
    pullback: (cotangents) => pullback(options, plan.method, recorder, steps, solution, cotangents),
    dispose: () => recorder.dispose(),
  };
}

const wayOut = ({ implicit }: Method): string =>
  implicit ? "adjoint({ path: 'interpolated' }), or kvaerno5, which has one" : 'adjoint()';

/** The same output, with every step recorded. */
function recording<S, P>(saver: Saver<S>, recorder: Recorder<S, P>, steps: StepLog): Saver<S> {
  const observe = (stepper: Stepper<S>): void => {
    saver.observe(stepper);
    recorder.observe(stepper);
    steps.push(stepper.segment.t, stepper.segment.t1);
  };
  return { retain: recorder.retain, observe, finish: saver.finish };
}

/** What goes backwards from step to step: ∂L/∂yₙ, ∂L/∂f(tₙ, yₙ) and ∂L/∂θ so far. */
interface Carry<S, P> {
  readonly y: S;
  /** tₙ: where the field jumps, another time than the end of the step before. */
  readonly t: number;
  readonly slope: S | undefined;
  readonly parameters: P;
}

/** The saved states that one segment gave, by index. */
interface Outputs {
  readonly atEnd: number[];
  readonly inside: { readonly index: number; readonly theta: number }[];
}

const NO_OUTPUTS: Outputs = { atEnd: [], inside: [] };

interface Pullback<S, P> {
  readonly problem: Problem<S, P>;
  readonly parameterSpace: StateSpace<P>;
  readonly method: Method;
  readonly cotangents: readonly S[];
}

function pullback<S, P>(
  options: DifferentiableOptions<S, P>,
  method: Method,
  recorder: Recorder<S, P>,
  steps: StepLog,
  solution: Solution<S>,
  cotangents: readonly S[],
): Gradients<S, P> {
  const { space, parameterSpace, field, parameters, y0, t0 } = options;
  checkCotangents(options, solution, cotangents);
  const problem: Problem<S, P> = { space, field, parameters, statistics: createStatistics() };
  if (solution.status !== 'success') return failedGradients(options, solution, solution, problem.statistics);
  const pulling = { problem, parameterSpace, method, cotangents };
  const outputs = outputsOf(steps, solution.times, t0);
  const start = { t: Number.NaN, y: space.zeros(y0), slope: undefined, parameters: parameterSpace.zeros(parameters) };
  let carry: Carry<S, P> = start;
  let n = steps.count;
  for (const segment of recorder.backwards(problem, steps, (step) => (outputs.of.get(step)?.inside.length ?? 0) > 0)) {
    n--;
    carry = inScope(pulling, carry, (before) => pullSegment(pulling, segment, outputs.of.get(n) ?? NO_OUTPUTS, before));
  }
  carry = inScope(pulling, carry, (before) => pullStart(pulling, y0, outputs.atStart, before));
  return {
    status: 'success',
    y0: carry.y,
    parameters: carry.parameters,
    timing: () => timing(options, solution, cotangents, carry.y),
    statistics: problem.statistics,
  };
}

/** One step of the reversal in a scope of its own; frees what it replaced. */
function inScope<S, P>(
  { problem: { space }, parameterSpace }: Pullback<S, P>,
  before: Carry<S, P>,
  work: (before: Carry<S, P>) => Carry<S, P>,
): Carry<S, P> {
  const after = space.scope(() => work(before));
  if (before.y !== after.y) space.dispose(before.y);
  if (before.slope !== undefined && before.slope !== after.slope) space.dispose(before.slope);
  if (before.parameters !== after.parameters) parameterSpace.dispose(before.parameters);
  return after;
}

/** Which step gave which saved state, by the forward solve's rule: the first whose end is not before the time. */
function outputsOf(
  steps: StepLog,
  times: Float64Array,
  t0: number,
): { readonly of: ReadonlyMap<number, Outputs>; readonly atStart: readonly number[] } {
  const of = new Map<number, Outputs>();
  const atStart: number[] = [];
  const direction = steps.count === 0 ? 1 : Math.sign(steps.end(0) - steps.start(0));
  let n = 0;
  for (const index of travelOrder(times, direction)) {
    while (n < steps.count - 1 && direction * (times[index] - steps.end(n)) > 0) n++;
    if (times[index] === t0) atStart.push(index);
    else {
      const outputs = of.get(n) ?? { atEnd: [], inside: [] };
      of.set(n, outputs);
      placeOutput(outputs, steps.start(n), steps.end(n), index, times[index]);
    }
  }
  return { of, atStart };
}

function placeOutput({ atEnd, inside }: Outputs, t: number, t1: number, index: number, time: number): void {
  const theta = (time - t) / (t1 - t);
  if (time === t1 || theta >= 1) atEnd.push(index);
  else inside.push({ index, theta: Math.max(0, theta) });
}

/** Sums that start as undefined; a sum is written in place only where the reversal made it. */
function createReversal<S, P>(
  { problem, parameterSpace }: Pullback<S, P>,
  parameters: P,
): Reversal<S, P> & { parameters: P } {
  const { space } = problem;
  const host = space.residence === 'host';
  const reversal = {
    problem,
    parameters,
    add: (sum: S | undefined, coefficients: readonly number[], terms: readonly S[]): S => {
      if (sum === undefined) return space.combine(space.zeros(terms[0]), coefficients, terms);
      return space.combine(sum, coefficients, terms, host ? sum : undefined);
    },
    vjp: (t: number, y: S, cotangent: S): S => {
      const pulled = vjp(problem, t, y, cotangent);
      const into = host ? reversal.parameters : undefined;
      reversal.parameters = parameterSpace.combine(reversal.parameters, [1], [pulled.parameters], into);
      return pulled.y;
    },
    vjpOfState: (t: number, y: S, cotangent: S): S => vjp(problem, t, y, cotangent).y,
  };
  return reversal;
}

/** From the cotangents at a segment's end to those at its start. */
function pullSegment<S, P>(
  pulling: Pullback<S, P>,
  segment: Segment<S>,
  outputs: Outputs,
  before: Carry<S, P>,
): Carry<S, P> {
  const { method, cotangents } = pulling;
  const reversal = createReversal(pulling, before.parameters);
  const { add } = reversal;
  const cotangent: SegmentCotangent<S> = { y: undefined, y1: before.y, slopes: [] };
  for (const index of outputs.atEnd) cotangent.y1 = add(cotangent.y1, [1], [cotangents[index]]);
  for (const { index, theta } of outputs.inside) {
    const terms = [cotangents[index]];
    const weights = method.outputWeights(theta, segment.h);
    cotangent.y = add(cotangent.y, [1 - weights.end], terms);
    cotangent.y1 = add(cotangent.y1, [weights.end], terms);
    weights.slopes.forEach((weight, i) => {
      if (weight !== 0) cotangent.slopes[i] = add(cotangent.slopes[i], [weight], terms);
    });
  }
  method.pull?.output(reversal, segment, cotangent);
  pullNode(reversal, method, segment, cotangent, before);
  method.pull?.step(reversal, segment, cotangent);
  const y = cotangent.y ?? pulling.problem.space.zeros(segment.y);
  return { t: segment.t, y, slope: cotangent.slopes[0], parameters: reversal.parameters };
}

/**
 * The slope at a segment's end, which the step after it started with: f(t1, y1), pulled back once for both. Where the
 * field jumps they are two; where the method carries its slope along, there is nothing to pull here.
 */
function pullNode<S, P>(
  { add, vjp: pull }: Reversal<S, P>,
  { endIndex, carriesSlope }: Method,
  { t1, y1 }: Segment<S>,
  cotangent: SegmentCotangent<S>,
  after: Carry<S, P>,
): void {
  const continues = after.t === t1 && after.slope !== undefined;
  if (continues) cotangent.slopes[endIndex] = add(cotangent.slopes[endIndex], [1], [after.slope]);
  else if (after.slope !== undefined) cotangent.y1 = add(cotangent.y1, [1], [pull(after.t, y1, after.slope)]);
  const slope = cotangent.slopes[endIndex];
  if (!carriesSlope && slope !== undefined) cotangent.y1 = add(cotangent.y1, [1], [pull(t1, y1, slope)]);
}

/** The last node: the slope at the start, and the saved states that are y0 itself. */
function pullStart<S, P>(pulling: Pullback<S, P>, y0: S, atStart: readonly number[], before: Carry<S, P>): Carry<S, P> {
  const reversal = createReversal(pulling, before.parameters);
  let y = before.y;
  for (const index of atStart) y = reversal.add(y, [1], [pulling.cotangents[index]]);
  if (before.slope !== undefined) y = reversal.add(y, [1], [reversal.vjp(before.t, y0, before.slope)]);
  return { t: before.t, y, slope: undefined, parameters: reversal.parameters };
}
