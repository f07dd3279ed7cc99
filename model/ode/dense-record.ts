/** A solve whose whole path can be read afterwards, beside the output that was asked for. */
import { disposeSegments, interpolateAt } from './interpolate.ts';
import type { Segment, Stepper } from './method.ts';
import { createPlan, createSaver, run, type Solution, type SolveOptions } from './solve.ts';

export interface RecordedOutput<S> {
  readonly solution: Solution<S>;
  /** y at any time that the solve passed. */
  readonly at: (t: number) => S;
  readonly dispose: () => void;
}

export function recordOutput<S, P>(options: SolveOptions<S, P>): RecordedOutput<S> {
  const plan = createPlan(options);
  const saver = createSaver(plan);
  const segments: Segment<S>[] = [];
  const observe = (stepper: Stepper<S>, until?: number): void => {
    saver.observe(stepper, until);
    stepper.prepareOutput();
    segments.push({ ...stepper.segment });
  };
  const solution = run(plan, { retain: true, observe, finish: saver.finish });
  const { space } = options;
  return {
    solution,
    at: (t) => interpolateAt(space, plan.method, segments, t),
    dispose: () => disposeSegments(space, segments),
  };
}
