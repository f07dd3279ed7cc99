/** Output times on both sides of the start: the same problem solved ahead and back, read as one solution. */
import type { Differentiable, Gradients } from './gradient.ts';
import { ensure } from './ode-error.ts';
import { createStatistics, type Statistics } from './problem.ts';
import type { Solution, SolveOptions } from './solve.ts';
import type { StateSpace } from './state-space.ts';

/** Two of something, towards later times and towards earlier ones. */
type Halves<T> = readonly [later: T, earlier: T];

export interface BothWays<O> {
  readonly options: Halves<O>;
  /** Which of the asked times each half answers. */
  readonly indices: Halves<readonly number[]>;
}

/** The halves, where times lie on both sides of t0 and no `t1` says which side is meant. @throws OdeError `bad-event` */
export function bothWays<S, P, O extends SolveOptions<S, P>>(options: O & SolveOptions<S, P>): BothWays<O> | undefined {
  const { t0, t1, saveAt, events } = options;
  if (t1 !== undefined || saveAt === undefined || !('times' in saveAt)) return undefined;
  const times = Float64Array.from(saveAt.times);
  if (!times.some((t) => t < t0) || !times.some((t) => t > t0)) return undefined;
  const terminal = events?.some((event) => event.terminal) ?? false;
  ensure(
    !terminal,
    'bad-event',
    () => 'A terminal event needs one direction of time: solve each side of t0 by itself.',
  );
  const all = Array.from(times.keys());
  const indices = [all.filter((i) => !(times[i] < t0)), all.filter((i) => times[i] < t0)] as const;
  const half = (asked: readonly number[]): O => ({ ...options, saveAt: { times: asked.map((i) => times[i]) } });
  return { options: [half(indices[0]), half(indices[1])], indices };
}

/** Values of the halves in the order in which they were asked for. */
function merged<T>([later, earlier]: Halves<readonly number[]>, values: Halves<ArrayLike<T>>): T[] {
  const all = new Array<T>(later.length + earlier.length);
  later.forEach((index, i) => {
    all[index] = values[0][i];
  });
  earlier.forEach((index, i) => {
    all[index] = values[1][i];
  });
  return all;
}

/** The first failure is the status; events are those ahead, then those on the way back, each in the order of travel. */
export function joinSolutions<S>({ indices }: BothWays<unknown>, [later, earlier]: Halves<Solution<S>>): Solution<S> {
  const { status, failedAt } = later.status === 'success' ? earlier : later;
  return {
    status,
    failedAt,
    times: Float64Array.from(merged(indices, [later.times, earlier.times])),
    ys: merged(indices, [later.ys, earlier.ys]),
    events: later.events && [...later.events, ...(earlier.events ?? [])],
    advice: (later.status === 'success' ? earlier.advice : undefined) ?? later.advice,
    statistics: addStatistics(later.statistics, earlier.statistics),
  };
}

function addStatistics(a: Readonly<Statistics>, b: Readonly<Statistics>): Statistics {
  return {
    ...createStatistics(),
    functionEvaluations: a.functionEvaluations + b.functionEvaluations,
    accepted: a.accepted + b.accepted,
    rejected: a.rejected + b.rejected,
    looksStiff: a.looksStiff || b.looksStiff,
    newtonFailures: a.newtonFailures + b.newtonFailures,
  };
}

/** Gradients of both halves, added: they share the start and the parameters. */
export function joinDifferentiables<S, P>(
  both: BothWays<{ readonly space: StateSpace<S>; readonly parameterSpace: StateSpace<P> }>,
  halves: Halves<Differentiable<S, P>>,
): Differentiable<S, P> {
  const [{ space, parameterSpace }] = both.options;
  const solution = joinSolutions(both, [halves[0].solution, halves[1].solution]);
  return {
    solution,
    pullback: (cotangents) => {
      const expected = solution.ys.length;
      ensure(
        cotangents.length === expected,
        'bad-cotangents',
        () => `Give one cotangent for each of ${expected} states.`,
      );
      const half = (i: 0 | 1) => halves[i].pullback(both.indices[i].map((index) => cotangents[index]));
      const [later, earlier] = [half(0), half(1)];
      return {
        ...joinGradients(both.indices, later, earlier),
        y0: added(space, later.y0, earlier.y0),
        parameters: added(parameterSpace, later.parameters, earlier.parameters),
      };
    },
    dispose: () => {
      for (const { dispose } of halves) dispose();
    },
  };
}

/** Timing is asked for lazily and reads ∂L/∂y0: it is taken before the halves' own are freed. */
function joinGradients<S, P>(
  indices: Halves<readonly number[]>,
  later: Gradients<S, P>,
  earlier: Gradients<S, P>,
): Pick<Gradients<S, P>, 'status' | 'failedAt' | 'timing' | 'statistics'> {
  const { status, failedAt } = later.status === 'success' ? earlier : later;
  const [ahead, back] = [later.timing(), earlier.timing()];
  const times = Float64Array.from(merged(indices, [ahead.times, back.times]));
  const statistics = addStatistics(later.statistics, earlier.statistics);
  return { status, failedAt, timing: () => ({ t0: ahead.t0 + back.t0, times }), statistics };
}

function added<T>(space: StateSpace<T>, a: T, b: T): T {
  const sum = space.combine(a, [1], [b]);
  space.dispose(a);
  space.dispose(b);
  return sum;
}
