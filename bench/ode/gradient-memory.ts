/**
 * Memory of every gradient mode against the number of steps: states alive at once, counted by a space that frees by hand;
 * bytes of the arrays that live after a full collection, which are the states as the host has them; and what else lives on
 * the heap (times of steps, indices). For the bytes see `collector`.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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
  { name: 'checkpointed(log n)', method: dopri5, create: logarithm, slope: 'logarithm' },
  { name: 'checkpointed(√n)', method: dopri5, create: root, slope: 'square root' },
  { name: 'backprop', method: dopri5, create: () => backprop(), slope: 'proportional' },
];

export interface MemoryPoint {
  readonly mode: string;
  readonly steps: number;
  /** Most states alive at once, the start, the end and the gradients among them. */
  readonly states: number;
  /** Most bytes of arrays alive at the looks, above those alive before the solve: the peak may lie between two looks. */
  readonly bytes: number;
  /** Growth a step of everything else on the heap: the mode's figure, the same at all its points. NaN: not measured. */
  readonly beside: number;
  /** Evaluations and vector–Jacobian products on the way back, a step of the way forward. */
  readonly backward: number;
}

const SPAN = 20;

/** A full collection on demand, after which dead buffers are freed: elsewhere V8 frees them when it finds the time. */
export function collector(): () => void {
  setFlagsFromString('--no-concurrent-array-buffer-sweeping');
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

/** Steps of one length, without a list of them made in advance. */
function evenly(steps: number): AdaptiveController {
  return pi({ rtol: 1e6, atol: 1e6, firstStep: SPAN / steps, maxStep: SPAN / steps });
}

/** dy/dt = −θ·y with one θ: the states are all that there is to keep. */
const decay = {
  evaluate: (_t: number, y: Float64Array, [theta]: Float64Array, into?: Float64Array): Float64Array =>
    float64Space.combine(y, [-theta - 1], [y], into),
  vjp: (_t: number, y: Float64Array, [theta]: Float64Array, cotangent: Float64Array) => ({
    y: float64Space.combine(cotangent, [-theta - 1], [cotangent]),
    parameters: Float64Array.of(-float64Space.dot(y, cotangent)),
  }),
} satisfies VectorField<Float64Array, Float64Array>;

function countStates({ method, create }: GradientMode, steps: number): { states: number; backward: number } {
  const space = createTrackedSpace();
  const field: VectorField<Tracked, Tracked> = {
    evaluate: (t, y, p) => space.create(decay.evaluate(t, space.read(y), space.read(p))),
    vjp: (t, y, p, cotangent) => {
      const product = decay.vjp(t, space.read(y), space.read(p), space.read(cotangent));
      return { y: space.create(product.y), parameters: space.create(product.parameters) };
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
const LOOKS = 32;

interface Weight {
  readonly bytes: number;
  readonly beside: number;
}

function live(collect: () => void): Weight {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { bytes: arrayBuffers, beside: heapUsed };
}

function weigh({ method, create }: GradientMode, steps: number, size: number, collect: () => void): Weight {
  let [calls, every, bytes, beside] = [0, Infinity, 0, 0];
  const look = (): void => {
    const now = live(collect);
    bytes = Math.max(bytes, now.bytes);
    beside = Math.max(beside, now.beside);
  };
  const field: VectorField<Float64Array, Float64Array> = {
    evaluate: decay.evaluate,
    vjp: (t, y, p, cotangent) => {
      if (++calls % every === 0) look();
      return decay.vjp(t, y, p, cotangent);
    },
  };
  const [y0, parameters, cotangent] = [new Float64Array(size).fill(1), Float64Array.of(0.1), new Float64Array(size)];
  const spaces = { space: float64Space, parameterSpace: float64Space };
  const options = { ...spaces, field, y0, parameters, t0: 0, t1: SPAN, method, maxSteps: 1e6 };
  const before = live(collect);
  const solved = solveWithGradient({ ...options, controller: evenly(steps), gradient: create(steps) });
  look();
  every = Math.ceil(solved.solution.statistics.functionEvaluations / LOOKS);
  solved.pullback([cotangent]);
  look();
  return { bytes: bytes - before.bytes, beside: beside - before.beside };
}

/**
 * Bytes a step beside the arrays, from `steps` to four times as many: so long a solve again that what compiling leaves on the
 * heap, some 100 KiB that come and go, is a few bytes a step. Not of a mode that keeps every step anyway.
 */
function growthBeside(mode: GradientMode, steps: number, size: number, collect: () => void): number {
  if (mode.slope === 'proportional') return Number.NaN;
  const [few, many] = [steps, 4 * steps].map((count) => weigh(mode, count, size, collect).beside);
  return (many - few) / (3 * steps);
}

/** @param size doubles of a state, for the bytes: above 8, so that V8 keeps its arrays outside of its heap */
export function measureGradientMemory(
  modes: readonly GradientMode[],
  steps: readonly number[],
  size: number,
  collect: () => void,
): MemoryPoint[] {
  return modes.flatMap((mode) => {
    // What compiling keeps is not the mode's.
    weigh(mode, Math.max(...steps), size, collect);
    const weights = steps.map((count) => weigh(mode, count, size, collect));
    const beside = growthBeside(mode, Math.max(...steps), size, collect);
    return steps.map((count, i) => {
      return { mode: mode.name, steps: count, bytes: weights[i].bytes, beside, ...countStates(mode, count) };
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

const last = (points: readonly MemoryPoint[]): MemoryPoint => points[points.length - 1];

const bytesBeside = ({ beside }: MemoryPoint): string => (Number.isNaN(beside) ? '–' : beside.toFixed(0));

export function memoryTable(modes: readonly GradientMode[], points: readonly MemoryPoint[]): string {
  const counts = [...new Set(points.map(({ steps }) => steps))];
  const rows = modes.flatMap((mode) => {
    const own = points.filter((point) => point.mode === mode.name);
    const cells = (currency: Currency, text: (value: number) => string): string[] => [
      ...own.map((point) => text(point[currency])),
      exponentOf(points, mode.name, currency).toFixed(2),
    ];
    return [
      [`${mode.name}, ${mode.method.name}`, 'states', ...cells('states', String), last(own).backward.toFixed(1), ''],
      ['', 'KiB of arrays', ...cells('bytes', (value) => (value / 1024).toFixed(0)), '', bytesBeside(last(own))],
    ];
  });
  const counted = counts.map((count) => `${count} steps`);
  const head = ['mode', 'peak', ...counted, 'exponent', 'backward work a step', 'heap bytes a step beside'];
  return markdownTable([head, ...rows]);
}

/** An exponent that counts as none: the count of states is exact. The bytes are not judged: looks can miss the peak. */
const FLAT = 0.005;

const LIMITS = { none: FLAT, logarithm: 0.35, 'square root': 0.55, proportional: Infinity };

/** Bytes a step that count as nothing: what compiled code that comes and goes makes of it at the sizes measured. */
const NOISE = 16;

export function memoryGoals(modes: readonly GradientMode[], points: readonly MemoryPoint[]): Goal[] {
  const promised = modes.filter(({ slope }) => slope !== 'proportional');
  return promised.flatMap(({ name, slope }) => {
    const exponent = exponentOf(points, name, 'states');
    const point = last(points.filter(({ mode }) => mode === name));
    return [
      {
        what: `${name}: growth of the peak of states with the steps`,
        goal: slope === 'none' ? 'exponent 0' : `no faster than the ${slope}`,
        measured: `exponent ${exponent.toFixed(2)}`,
        met: exponent <= LIMITS[slope],
      },
      {
        what: `${name}: what else stays, a step`,
        goal: 'nothing',
        measured: `${bytesBeside(point)} bytes`,
        met: point.beside <= NOISE,
      },
    ];
  });
}
