/** The process of `allocation.ts`. Usage: node --expose-gc --max-semi-space-size=… --import tsx allocation-child.ts STEPS */
import { dop853, dopri5, float64Space, integral, type Method, solve, tsit5 } from '../../model/ode/index.ts';
import { type Allocation, BY_HAND } from './allocation.ts';
import { handWrittenDopri5 } from './hand-written.ts';
import { median } from './overhead.ts';
import { PLANAR_PROBLEMS } from './planar-problems.ts';

const [, { y0, evaluate }] = PLANAR_PROBLEMS;
const TOLERANCE = 1e-6;
const wanted = Number(process.argv[2]);
const collect = globalThis.gc;
if (collect === undefined) throw new Error('run with --expose-gc');

/** Steps and states made by one solve. */
interface Run {
  readonly steps: number;
  readonly states: number;
}

function solveWith(method: Method, end: number): Run {
  let states = 0;
  const counting: typeof float64Space = {
    ...float64Space,
    combine: (y, coefficients, terms, into) => {
      if (into === undefined) states++;
      return float64Space.combine(y, coefficients, terms, into);
    },
    zeros: (like) => {
      states++;
      return float64Space.zeros(like);
    },
  };
  const { statistics } = solve({ ...optionsTo(end), space: counting, method });
  return { steps: statistics.accepted, states };
}

function optionsTo(t1: number) {
  const controller = integral({ rtol: TOLERANCE, atol: TOLERANCE });
  return { space: float64Space, field: { evaluate }, parameters: null, y0, t0: 0, t1, controller, maxSteps: 1e9 };
}

interface Grown extends Run {
  readonly heap: number;
  readonly buffers: number;
}

function grown(run: () => Run): Grown {
  collect?.();
  const before = process.memoryUsage();
  const result = run();
  const after = process.memoryUsage();
  return { ...result, heap: after.heapUsed - before.heapUsed, buffers: after.arrayBuffers - before.arrayBuffers };
}

/** @param run solves up to a time; `count` tells the states of the same solve: counting itself would allocate */
function measure(who: string, run: (end: number) => Run, count: (end: number) => Run): Allocation {
  const probe = run(100).steps / 100;
  const [short, long] = [wanted / 10 / probe, (wanted * 1.1) / probe];
  for (let i = 0; i < 2; i++) run(long);
  const trials = [1, 2, 3].map(() => [grown(() => run(short)), grown(() => run(long))]);
  const steps = trials[0][1].steps - trials[0][0].steps;
  const perStep = (of: (run: Grown) => number) => median(trials.map(([few, many]) => (of(many) - of(few)) / steps));
  const states = (count(long).states - count(short).states) / steps;
  return { who, steps, heapBytes: perStep(({ heap }) => heap), bufferBytes: perStep(({ buffers }) => buffers), states };
}

const library = [tsit5, dopri5, dop853].map((method) =>
  measure(
    method.name,
    (end) => ({ steps: solve({ ...optionsTo(end), method }).statistics.accepted, states: 0 }),
    (end) => solveWith(method, end),
  ),
);
const byHand = (end: number): Run => ({
  steps: handWrittenDopri5(evaluate, y0, end, TOLERANCE, 1e-3).steps,
  states: 0,
});
console.log(JSON.stringify([...library, measure(BY_HAND, byHand, byHand)]));
