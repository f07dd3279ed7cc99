/**
 * Memory of every gradient mode against the number of steps, in two currencies: states alive at once, counted by a space
 * that frees by hand; and bytes that live on the heap after a full collection, which also see what a mode keeps beside
 * states (times of steps, indices). Needs `--expose-gc` for the bytes.
 */
import {
  type AdaptiveController,
  adjoint,
  backprop,
  checkpointed,
  dopri5,
  float64Space,
  type Gradient,
  leapfrog,
  type Method,
  pi,
  reversible,
  solveWithGradient,
  type VectorField,
} from '../../model/ode/index.ts';
import { createTrackedSpace, type Tracked } from '../../test/model/ode/tracked-space.ts';
import { markdownTable } from '../report.ts';
import type { Goal } from './goal.ts';

export interface GradientMode {
  readonly name: string;
  readonly method: Method;
  readonly create: (steps: number) => Gradient;
  readonly slope: 'none' | 'square root' | 'logarithm' | 'proportional';
}

const root = (steps: number): Gradient => checkpointed({ checkpoints: Math.ceil(Math.sqrt(steps)) });
const logarithm = (steps: number): Gradient => checkpointed({ checkpoints: Math.ceil(Math.log2(steps)) });

export const GRADIENT_MODES: readonly GradientMode[] = [
  { name: 'adjoint', method: dopri5, create: () => adjoint(), slope: 'none' },
  { name: 'reversible', method: leapfrog, create: () => reversible(), slope: 'none' },
  { name: 'checkpointed(8)', method: dopri5, create: () => checkpointed({ checkpoints: 8 }), slope: 'none' },
  { name: 'checkpointed(log₂ n)', method: dopri5, create: logarithm, slope: 'logarithm' },
  { name: 'checkpointed(√n)', method: dopri5, create: root, slope: 'square root' },
  { name: 'backprop', method: dopri5, create: () => backprop(), slope: 'proportional' },
];

export interface MemoryPoint {
  readonly mode: string;
  readonly steps: number;
  /** Most states alive at once, the start, the end and the gradients among them. */
  readonly states: number;
  /** Most bytes alive at the looks, above those alive before the solve. */
  readonly bytes: number;
  /** Evaluations and vector–Jacobian products on the way back, a step of the way forward. */
  readonly backward: number;
}

const SPAN = 20;

/** Steps of one length, without a list of them made in advance. */
function evenly(steps: number): AdaptiveController {
  return pi({ rtol: 1e6, atol: 1e6, firstStep: SPAN / steps, maxStep: SPAN / steps });
}

/** dy/dt = −θ·y with one θ: the states are all that there is to keep. */
function decayOf(states: Pick<typeof float64Space, 'combine'>): VectorField<Float64Array, Float64Array> {
  return {
    evaluate: (_t, y, [theta], into) => states.combine(y, [-theta - 1], [y], into),
    vjp: (_t, y, [theta], cotangent) => ({
      y: states.combine(cotangent, [-theta - 1], [cotangent]),
      parameters: Float64Array.of(-float64Space.dot(y, cotangent)),
    }),
  };
}

function countStates({ method, create }: GradientMode, steps: number): { states: number; backward: number } {
  const space = createTrackedSpace();
  const host = decayOf(float64Space);
  const field: VectorField<Tracked, Tracked> = {
    evaluate: (t, y, p) => space.create(host.evaluate(t, space.read(y), space.read(p))),
    vjp: (t, y, p, cotangent) => {
      const pulled = host.vjp?.(t, space.read(y), space.read(p), space.read(cotangent));
      if (pulled === undefined) throw new Error('the decay has a vjp');
      return { y: space.create(pulled.y), parameters: space.create(pulled.parameters) };
    },
  };
  const [y0, parameters] = [space.create([1, 0.5]), space.create([0.1])];
  const options = { space, parameterSpace: space, field, y0, parameters, t0: 0, t1: SPAN, method };
  const solved = solveWithGradient({ ...options, controller: evenly(steps), gradient: create(steps), maxSteps: 1e6 });
  const { statistics } = solved.pullback([space.create([1, 1])]);
  const { accepted } = solved.solution.statistics;
  return { states: space.takePeak(), backward: statistics.functionEvaluations / accepted };
}

/** Looks on the way back. */
const LOOKS = 8;

function liveBytes(collect: () => void): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function weighBytes({ method, create }: GradientMode, steps: number, size: number, collect: () => void): number {
  const plain = decayOf(float64Space);
  let [calls, every, peak] = [0, Infinity, 0];
  const look = (): void => {
    peak = Math.max(peak, liveBytes(collect));
  };
  const field: VectorField<Float64Array, Float64Array> = {
    ...plain,
    evaluate: (t, y, p, into) => {
      if (++calls % every === 0) look();
      return plain.evaluate(t, y, p, into);
    },
  };
  const [y0, parameters, cotangent] = [new Float64Array(size).fill(1), Float64Array.of(0.1), new Float64Array(size)];
  const spaces = { space: float64Space, parameterSpace: float64Space };
  const options = { ...spaces, field, y0, parameters, t0: 0, t1: SPAN, method, maxSteps: 1e6 };
  const before = liveBytes(collect);
  const solved = solveWithGradient({ ...options, controller: evenly(steps), gradient: create(steps) });
  look();
  every = Math.max(1, Math.floor(calls / LOOKS));
  solved.pullback([cotangent]);
  look();
  return peak - before;
}

/** @param size doubles of a state, for the bytes */
export function measureGradientMemory(
  modes: readonly GradientMode[],
  steps: readonly number[],
  size: number,
  collect: () => void,
): MemoryPoint[] {
  return modes.flatMap((mode) => {
    // What compiling keeps is not the mode's.
    weighBytes(mode, steps[0], size, collect);
    return steps.map((count) => {
      const bytes = weighBytes(mode, count, size, collect);
      return { mode: mode.name, steps: count, bytes, ...countStates(mode, count) };
    });
  });
}

/** Exponent p of the least-squares fit value ~ stepsᵖ. */
export function fittedExponent(points: readonly { readonly steps: number; readonly value: number }[]): number {
  const logs = points.map(({ steps, value }) => [Math.log(steps), Math.log(value)]);
  const mean = (index: number): number => logs.reduce((sum, log) => sum + log[index], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const above = logs.reduce((sum, log) => sum + (log[0] - x) * (log[1] - y), 0);
  return above / logs.reduce((sum, log) => sum + (log[0] - x) ** 2, 0);
}

type Currency = 'states' | 'bytes';

function exponentOf(points: readonly MemoryPoint[], mode: string, currency: Currency): number {
  const own = points.filter((point) => point.mode === mode);
  return fittedExponent(own.map((point) => ({ steps: point.steps, value: point[currency] })));
}

export function memoryTable(modes: readonly GradientMode[], points: readonly MemoryPoint[]): string {
  const counts = [...new Set(points.map(({ steps }) => steps))];
  const rows = modes.flatMap((mode) => {
    const own = points.filter((point) => point.mode === mode.name);
    const cells = (currency: Currency, text: (value: number) => string): string[] => [
      ...own.map((point) => text(point[currency])),
      exponentOf(points, mode.name, currency).toFixed(2),
    ];
    return [
      [`${mode.name}, ${mode.method.name}`, 'states', ...cells('states', String), own.at(-1)?.backward.toFixed(1) ?? '–'],
      ['', 'KiB', ...cells('bytes', (value) => (value / 1024).toFixed(0)), ''],
    ];
  });
  const head = ['mode', 'peak', ...counts.map((count) => `${count} steps`), 'exponent', 'backward work a step'];
  return markdownTable([head, ...rows]);
}

/** An exponent that counts as none, given that a peak can differ by a state or a few KiB. */
const FLAT = 0.02;

const LIMITS = { none: FLAT, logarithm: 0.35, 'square root': 0.55, proportional: Infinity };

export function memoryGoals(modes: readonly GradientMode[], points: readonly MemoryPoint[]): Goal[] {
  const promised = modes.filter(({ slope }) => slope !== 'proportional');
  return promised.flatMap(({ name, slope }) =>
    (['states', 'bytes'] as const).map((currency) => {
      const exponent = exponentOf(points, name, currency);
      const goal = slope === 'none' ? 'exponent 0' : `no faster than the ${slope}`;
      const what = `${name}: peak ${currency} against steps`;
      return { what, goal, measured: `exponent ${exponent.toFixed(2)}`, met: exponent <= LIMITS[slope] };
    }),
  );
}
