/**
 * What a training step costs against the size of its batch in each direction, what it takes of memory against the length of its
 * windows, and what a second thread gives. The model is the spirals'.
 */
import { createFusedEngine } from '../../model/engine/fused/fused-engine.ts';
import { loadKernels } from '../../model/engine/fused/kernels.ts';
import { openFused } from '../../model/engine/fused/provider.ts';
import type { GradientMode, ModelSpec, SolverMethod } from '../../model/latent/spec.ts';
import type { Goal } from '../ode/goal.ts';
import { fittedExponent } from '../ode/gradient-memory.ts';
import { median } from '../ode/overhead.ts';
import { markdownTable } from '../report.ts';
import { trainingStep } from './model-work.ts';
import { type BatchShape, spiralsBatch, spiralsSpec } from './problem.ts';
import { type Turns, timeInTurns } from './rounds.ts';
import { cpuSeconds } from './serve.ts';

export type Pace = Omit<Turns, 'clock'>;

// Cost -----------------------------------------------------------------------------------------------------------------

export interface Direction {
  readonly name: string;
  readonly sizes: readonly number[];
  shape(size: number): BatchShape;
}

const SAMPLES = 64;

export const DIRECTIONS: readonly Direction[] = [
  {
    name: 'observations',
    sizes: [25, 50, 100, 200, 400, 800],
    shape: (n) => ({ samples: SAMPLES, observations: n, times: 25 }),
  },
  {
    name: 'times',
    sizes: [25, 50, 100, 200, 400, 800],
    shape: (n) => ({ samples: SAMPLES, observations: 25, times: n }),
  },
  { name: 'posterior samples', sizes: [1, 2, 4, 8, 16, 32], shape: (n) => ({ samples: SAMPLES, draws: n }) },
];

export interface CostPoint {
  readonly direction: string;
  readonly size: number;
  readonly ms: number;
}

export async function measureCosts(pace: Pace): Promise<CostPoint[]> {
  const spec = spiralsSpec('rk4');
  const points: CostPoint[] = [];
  for (const { name, sizes, shape } of DIRECTIONS) {
    const works = await Promise.all(
      sizes.map(async (size) =>
        trainingStep(createFusedEngine(spec, await loadKernels()), spiralsBatch(spec, shape(size))),
      ),
    );
    const times = await timeInTurns(
      works.map(({ run }) => run),
      { ...pace, clock: () => 1000 * cpuSeconds() },
    );
    sizes.forEach((size, i) => {
      points.push({ direction: name, size, ms: Math.min(...times[i]) });
    });
  }
  return points;
}

export interface Line {
  /** ms at size 0, and for one more. */
  readonly base: number;
  readonly slope: number;
  /** Largest distance of a point from the line, relative. */
  readonly error: number;
}

/** Least squares of relative distances, so that small sizes count as much as large ones. */
export function fitLine(points: readonly Pick<CostPoint, 'size' | 'ms'>[]): Line {
  const sum = (of: (point: Pick<CostPoint, 'size' | 'ms'>) => number) =>
    points.reduce((total, p) => total + of(p) / p.ms ** 2, 0);
  const [w, x, y] = [sum(() => 1), sum(({ size }) => size), sum(({ ms }) => ms)];
  const [xx, xy] = [sum(({ size }) => size * size), sum(({ size, ms }) => size * ms)];
  const slope = (w * xy - x * y) / (w * xx - x * x);
  const base = (y - slope * x) / w;
  const error = Math.max(...points.map(({ size, ms }) => Math.abs((base + slope * size) / ms - 1)));
  return { base, slope, error };
}

const of = (points: readonly CostPoint[], name: string) => points.filter(({ direction }) => direction === name);

export function costTable(points: readonly CostPoint[]): string {
  const rows = DIRECTIONS.map(({ name, sizes }) => {
    const own = of(points, name);
    const { base, slope, error } = fitLine(own);
    const fit = `${base.toFixed(2)} + ${slope.toPrecision(3)} n (${(100 * error).toFixed(0)} %)`;
    return [name, sizes.join(' / '), own.map(({ ms }) => ms.toPrecision(3)).join(' / '), fit];
  });
  return markdownTable([['n', 'sizes', 'ms a step', 'line, and its largest error'], ...rows]);
}

const LINEAR_WITHIN = 0.15;

export function costGoals(points: readonly CostPoint[]): Goal[] {
  return DIRECTIONS.map(({ name }) => {
    const { error } = fitLine(of(points, name));
    return {
      what: `cost of a training step in ${name}`,
      goal: `linear: a line within ${100 * LINEAR_WITHIN} %`,
      measured: `within ${(100 * error).toFixed(1)} %`,
      met: error <= LINEAR_WITHIN,
    };
  });
}

// Memory ---------------------------------------------------------------------------------------------------------------

const MODES: readonly { readonly method: SolverMethod; readonly gradient: GradientMode }[] = [
  { method: 'rk4', gradient: 'checkpointed' },
  { method: 'rk4', gradient: 'adjoint' },
  { method: 'tsit5', gradient: 'checkpointed' },
  { method: 'tsit5', gradient: 'adjoint' },
  { method: 'reversible-heun', gradient: 'reversible' },
];
const LENGTHS = [64, 256, 1024, 4096];

export interface MemoryPoint {
  readonly mode: string;
  readonly length: number;
  /** Of the arena, inputs and results among it. */
  readonly bytes: number;
}

export async function measureMemory(): Promise<MemoryPoint[]> {
  const points: MemoryPoint[] = [];
  for (const { method, gradient } of MODES) {
    for (const length of LENGTHS) {
      const kernels = await loadKernels();
      const engine = createFusedEngine(spiralsSpec(method, gradient), kernels);
      await trainingStep(engine, spiralsBatch(engine.spec, { samples: kernels.lanes, times: length })).run();
      points.push({ mode: `${gradient}, ${method}`, length, bytes: kernels.floats.byteLength });
    }
  }
  return points;
}

export function memoryTable(points: readonly MemoryPoint[]): string {
  const rows = [...new Set(points.map(({ mode }) => mode))].map((mode) => {
    const own = points.filter((point) => point.mode === mode);
    const exponent = fittedExponent(own.map(({ length, bytes }) => ({ steps: length, value: bytes })));
    return [mode, ...own.map(({ bytes }) => Math.round(bytes / 1024).toLocaleString('en-US')), exponent.toFixed(2)];
  });
  return markdownTable([['KiB of arena', ...LENGTHS.map((n) => `${n} times`), 'exponent'], ...rows]);
}

// Threads --------------------------------------------------------------------------------------------------------------

const wideSpec = (latentSize: number, units: number): ModelSpec => {
  const spec = spiralsSpec('rk4');
  return { ...spec, latentSize, dynamics: { ...spec.dynamics, units, depth: 1 } };
};

/** How many times faster a step is on two threads than on one. */
export async function measureThreads(pace: Pace): Promise<number> {
  const spec = wideSpec(16, 64);
  const engines = await Promise.all([1, 2].map(async (threads) => (await openFused({ threads })).open(spec)));
  const works = engines.map((engine) => trainingStep(engine));
  const turns = { ...pace, clock: () => performance.now() };
  const [one, two] = await timeInTurns(
    works.map(({ run }) => run),
    turns,
  );
  for (const engine of engines) engine.close();
  return median(one.map((time, round) => time / two[round]));
}

const THREADS_GOAL = 1.7;

export const threadsGoal = (times: number): Goal => ({
  what: 'training step at 128 × 16 × 64, two threads',
  goal: `≥ ${THREADS_GOAL} times one`,
  measured: `${times.toFixed(2)} times`,
  met: times >= THREADS_GOAL,
});
