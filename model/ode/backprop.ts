/**
 * Reverse through every accepted step with its stages: the exact gradient of the discrete solution, at memory in
 * proportion to the steps. Step lengths are held constant, as is usual.
 *
 * The slope at a step's end is the next step's first stage; both are the node f(tₙ, yₙ), which is pulled back once.
 */
import type { Differentiable, DifferentiableOptions, Gradient, Gradients } from './gradient.ts';
import type { Method, Reversal, Segment, SegmentCotangent, Stepper } from './method.ts';
import { ensure } from './ode-error.ts';
import { createStatistics, type Problem } from './problem.ts';
import { checkCotangents, checkDifferentiable, failedGradients, timing, vjp } from './pullback.ts';
import { createPlan, createSaver, run, type Saver, type Solution, travelOrder } from './solve.ts';
import type { StateSpace } from './state-space.ts';

export function backprop(): Gradient {
  return { name: 'backprop', forward };
}

function forward<S, P>(options: DifferentiableOptions<S, P>): Differentiable<S, P> {
  checkDifferentiable(options);
  const plan = createPlan(options);
  ensure(plan.method.pull !== undefined, 'bad-gradient', () => `${plan.method.name} cannot be back-propagated.`);
  const segments: Segment<S>[] = [];
  const solution = run(plan, taping(createSaver(plan), segments));
  return {
    solution,
    pullback: (cotangents) => pullback(options, plan.method, segments, solution, cotangents),
    dispose: () => disposeSegments(options.space, segments),
  };
}

/** The same output, with every segment kept. */
function taping<S>(saver: Saver<S>, segments: Segment<S>[]): Saver<S> {
  const observe = (stepper: Stepper<S>): void => {
    saver.observe(stepper);
    segments.push({ ...stepper.segment });
  };
  return { retain: true, observe, finish: saver.finish };
}

function disposeSegments<S>(space: StateSpace<S>, segments: Segment<S>[]): void {
  const states = new Set(segments.flatMap(({ y, y1, slopes }) => [y, y1, ...slopes]));
  for (const state of states) space.dispose(state);
  segments.length = 0;
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

interface Pullback<S, P> {
  readonly problem: Problem<S, P>;
  readonly parameterSpace: StateSpace<P>;
  readonly method: Method;
  readonly cotangents: readonly S[];
}

function pullback<S, P>(
  options: DifferentiableOptions<S, P>,
  method: Method,
  segments: readonly Segment<S>[],
  solution: Solution<S>,
  cotangents: readonly S[],
): Gradients<S, P> {
  const { space, parameterSpace, field, parameters, y0, t0 } = options;
  checkCotangents(options, solution, cotangents);
  const problem: Problem<S, P> = { space, field, parameters, statistics: createStatistics() };
  if (solution.status !== 'success') return failedGradients(options, solution, solution, problem.statistics);
  const pulling = { problem, parameterSpace, method, cotangents };
  const outputs = outputsOf(segments, solution.times, t0);
  let carry: Carry<S, P> = {
    t: Number.NaN,
    y: space.zeros(y0),
    slope: undefined,
    parameters: parameterSpace.zeros(parameters),
  };
  for (let n = segments.length - 1; n >= 0; n--) {
    carry = inScope(pulling, carry, (before) => pullSegment(pulling, segments[n], outputs.of[n], before));
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

/** Which segment gave which saved state, by the forward solve's rule: the first whose end is not before the time. */
function outputsOf<S>(
  segments: readonly Segment<S>[],
  times: Float64Array,
  t0: number,
): { of: Outputs[]; atStart: number[] } {
  const of = segments.map((): Outputs => ({ atEnd: [], inside: [] }));
  const atStart: number[] = [];
  const direction = Math.sign(segments[0]?.h ?? 1);
  let n = 0;
  for (const index of travelOrder(times, direction)) {
    while (n < segments.length - 1 && direction * (times[index] - segments[n].t1) > 0) n++;
    if (times[index] === t0) atStart.push(index);
    else placeOutput(of[n], segments[n], index, times[index]);
  }
  return { of, atStart };
}

function placeOutput<S>({ atEnd, inside }: Outputs, { t, t1, h }: Segment<S>, index: number, time: number): void {
  const theta = (time - t) / h;
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
  for (const [t, slope] of nodeSlopes(add, before, segment.t1, cotangent.slopes[method.endIndex])) {
    cotangent.y1 = add(cotangent.y1, [1], [reversal.vjp(t, segment.y1, slope)]);
  }
  method.pull?.step(reversal, segment, cotangent);
  const y = cotangent.y ?? pulling.problem.space.zeros(segment.y);
  return { t: segment.t, y, slope: cotangent.slopes[0], parameters: reversal.parameters };
}

/** Cotangents of f at the node between two steps: one and the same slope, unless the field jumps there. */
function nodeSlopes<S, P>(
  add: Reversal<S, P>['add'],
  after: Carry<S, P>,
  t1: number,
  atEnd: S | undefined,
): [number, S][] {
  if (after.slope === undefined) return atEnd === undefined ? [] : [[t1, atEnd]];
  if (atEnd === undefined) return [[after.t, after.slope]];
  if (after.t === t1) return [[t1, add(atEnd, [1], [after.slope])]];
  return [
    [after.t, after.slope],
    [t1, atEnd],
  ];
}

/** The last node: the slope at the start, and the saved states that are y0 itself. */
function pullStart<S, P>(pulling: Pullback<S, P>, y0: S, atStart: readonly number[], before: Carry<S, P>): Carry<S, P> {
  const reversal = createReversal(pulling, before.parameters);
  let y = before.y;
  for (const index of atStart) y = reversal.add(y, [1], [pulling.cotangents[index]]);
  if (before.slope !== undefined) y = reversal.add(y, [1], [reversal.vjp(before.t, y0, before.slope)]);
  return { t: before.t, y, slope: undefined, parameters: reversal.parameters };
}
