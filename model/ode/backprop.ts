/** Every step's slopes are kept: the exact gradient at the least work, at memory in proportion to the steps. */
import { type Recorder, recordSolve } from './exact-pullback.ts';
import type { Gradient } from './gradient.ts';
import { disposeSegments } from './interpolate.ts';
import type { Segment, Stepper } from './method.ts';
import type { StateSpace } from './state-space.ts';

/** Exact for the discrete steps; every method but the Adams and Rosenbrock ones. */
export function backprop(): Gradient {
  return { name: 'backprop', forward: (options) => recordSolve(options, ({ problem }) => createTape(problem.space)) };
}

function createTape<S, P>(space: StateSpace<S>): Recorder<S, P> {
  const segments: Segment<S>[] = [];
  return {
    retain: true,
    observe: ({ segment }: Stepper<S>) => {
      segments.push({ ...segment });
    },
    backwards: () => segments.toReversed(),
    dispose: () => disposeSegments(space, segments),
  };
}
