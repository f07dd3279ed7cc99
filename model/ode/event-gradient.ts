/**
 * Gradients of a solve that a terminal event ends. The event's time moves with the start and the parameters, and everything at
 * it with it: δt = −(∂g/∂y·δy) / (∂g/∂y·f + ∂g/∂t). The solve runs twice: once to find the event, once up to its time.
 */
import type { Differentiable, DifferentiableOptions, Gradient, Gradients } from './differentiable.ts';
import { eventCotangent, type FoundEvent } from './events.ts';
import { ensure } from './ode-error.ts';
import type { Solution } from './solution.ts';
import { solve } from './solve.ts';

/** Undefined where no event ended the solve, or where it failed: then there is nothing to add to its plain gradient. */
export function differentiateStopped<S, P>(
  gradient: Gradient,
  options: DifferentiableOptions<S, P>,
): Differentiable<S, P> | undefined {
  const { events = [], saveAt = { final: true } } = options;
  if (!events.some(({ terminal }) => terminal)) return undefined;
  ensure(!('dense' in saveAt), 'bad-gradient', () => 'saveAt: { dense: true } has no gradient; ask for times.');
  const found = solve<S, P>(options);
  const last = found.events?.at(-1);
  if (found.stoppedAt === undefined || last === undefined) {
    for (const y of found.ys) options.space.dispose(y);
    return undefined;
  }
  const stop = { found, last, moves: 'times' in saveAt ? undefined : found.times.length - 1 };
  return stoppedDifferentiable(gradient, options, stop);
}

interface Stop<S> {
  readonly found: Solution<S>;
  readonly last: FoundEvent<S>;
  /** Which of the saved states is the one at the event, if that is where it was asked for. */
  readonly moves: number | undefined;
}

function stoppedDifferentiable<S, P>(
  gradient: Gradient,
  options: DifferentiableOptions<S, P>,
  { found, last, moves }: Stop<S>,
): Differentiable<S, P> {
  const { space, y0, t0, events = [] } = options;
  const way = Math.sign(last.t - t0) || 1;
  const reached = [...found.times.keys()].filter((i) => way * (found.times[i] - last.t) <= 0);
  const saveAt = { times: [...reached.map((i) => found.times[i]), last.t] };
  const through = gradient.forward({ ...options, events: undefined, t1: undefined, saveAt });
  const { ys } = through.solution;
  const event = { ...last, y: ys[ys.length - 1] };
  return {
    solution: { ...found, ys: replaced(options, found, reached, ys) },
    pullback: (cotangents, stoppedAt = 0) => {
      const count = found.ys.length;
      ensure(cotangents.length === count, 'bad-cotangents', () => `Give one cotangent for each of ${count} states.`);
      const none = space.zeros(y0);
      const atEvent = moves === undefined ? none : cotangents[moves];
      const moved = eventCotangent(options, events[last.event], event, { y: atEvent, t: stoppedAt });
      const inner = through.pullback([...reached.map((i) => (i === moves ? none : cotangents[i])), moved]);
      for (const state of [none, moved]) space.dispose(state);
      return { ...inner, timing: () => timingOf(inner, reached, count, moves) };
    },
    dispose: through.dispose,
  };
}

/** The states of the second solve in the places of the first's; beyond the event they stay NaN. */
function replaced<S, P>(
  { space }: DifferentiableOptions<S, P>,
  found: Solution<S>,
  reached: readonly number[],
  ys: readonly S[],
): S[] {
  const all = [...found.ys];
  reached.forEach((index, i) => {
    space.dispose(all[index]);
    all[index] = ys[i];
  });
  return all;
}

/** Times beyond the event change nothing, and the event's own is not the caller's to move. */
function timingOf<S, P>(
  inner: Gradients<S, P>,
  reached: readonly number[],
  count: number,
  moves: number | undefined,
): { readonly t0: number; readonly times: Float64Array } {
  const { t0, times } = inner.timing();
  const all = new Float64Array(count);
  reached.forEach((index, i) => {
    if (index !== moves) all[index] = times[i];
  });
  return { t0, times: all };
}
