/** The process of `allocation.ts`. Usage: node --max-semi-space-size=… --import tsx allocation-child.ts STEPS */
import { dop853, dopri5, float64Space, integral, type Method, solve, tsit5, vern7 } from '../../model/ode/index.ts';
import { DETEST } from '../../test/problems.ts';
import { type Allocation, BY_HAND, MANY_FIELDS } from './allocation.ts';
import { handWrittenDopri5 } from './hand-written.ts';
import { median } from './overhead.ts';
import { PLANAR_PROBLEMS } from './planar-problems.ts';

const [, { y0, evaluate }] = PLANAR_PROBLEMS;
const TOLERANCE = 1e-6;
const wanted = Number(process.argv[2]);

/** What the process holds when the field was called so many times. */
interface Look {
  at: number;
  heap: number;
  buffers: number;
}

let calls = 0;
const looks: [Look, Look] = [
  { at: Number.NaN, heap: 0, buffers: 0 },
  { at: Number.NaN, heap: 0, buffers: 0 },
];

function take(look: Look): void {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  look.heap = heapUsed;
  look.buffers = arrayBuffers;
}

function watched(t: number, y: Float64Array, parameters: null, into?: Float64Array): Float64Array {
  calls++;
  if (calls === looks[0].at) take(looks[0]);
  if (calls === looks[1].at) take(looks[1]);
  return evaluate(t, y, parameters, into);
}

function solveWith(method: Method, t1: number): number {
  const controller = integral({ rtol: TOLERANCE, atol: TOLERANCE });
  const options = { space: float64Space, field: { evaluate: watched }, parameters: null, y0, t0: 0, t1, controller };
  return solve({ ...options, method, maxSteps: 1e9 }).statistics.accepted;
}

const byHand = (end: number): number => handWrittenDopri5(watched, y0, end, TOLERANCE, 1e-3).steps;

/** @param run solves up to a time and returns its steps */
function measure(who: string, run: (end: number) => number): Allocation {
  const end = (2 * wanted * 100) / run(100);
  for (let i = 0; i < 3; i++) run(end);
  calls = 0;
  const steps = run(end) / 2;
  const [first, second] = looks;
  [first.at, second.at] = [Math.floor(calls / 2), calls - 20];
  const trials = Array.from({ length: 7 }, () => {
    calls = 0;
    run(end);
    return [(second.heap - first.heap) / steps, (second.buffers - first.buffers) / steps];
  });
  [first.at, second.at] = [Number.NaN, Number.NaN];
  return {
    who,
    steps: Math.round(steps),
    heapBytes: median(trials.map(([heap]) => heap)),
    bufferBytes: median(trials.map(([, buffers]) => buffers)),
  };
}

/** So many fields that the engine no longer inlines any. */
function solveManyFields(): void {
  for (const { slope, y0: start } of DETEST) {
    const options = { space: float64Space, field: { evaluate: slope }, parameters: null, y0: start, t0: 0, t1: 20 };
    for (let i = 0; i < 20; i++) solve({ ...options, method: dopri5, rtol: 1e-6, atol: 1e-6 });
  }
}

const library = [tsit5, dopri5, vern7, dop853].map((method) => measure(method.name, (end) => solveWith(method, end)));
const hand = measure(BY_HAND, byHand);
solveManyFields();
const later = measure(`dopri5${MANY_FIELDS}`, (end) => solveWith(dopri5, end));
console.log(JSON.stringify([...library, hand, later]));
