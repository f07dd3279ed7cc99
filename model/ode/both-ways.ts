/** Output times on both sides of the start: the same problem solved ahead and back, read as one solution. */
import { ensure } from './ode-error.ts';
import { createStatistics, type Statistics } from './problem.ts';
import type { Solution, SolveOptions } from './solution.ts';

/** Two of something, towards later times and towards earlier ones. */
export type Halves<T> = readonly [later: T, earlier: T];

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
export function merged<T>([later, earlier]: Halves<readonly number[]>, values: Halves<ArrayLike<T>>): T[] {
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

export function addStatistics(a: Readonly<Statistics>, b: Readonly<Statistics>): Statistics {
  return {
    ...createStatistics(),
    functionEvaluations: a.functionEvaluations + b.functionEvaluations,
    accepted: a.accepted + b.accepted,
    rejected: a.rejected + b.rejected,
    looksStiff: a.looksStiff || b.looksStiff,
    newtonFailures: a.newtonFailures + b.newtonFailures,
  };
}
