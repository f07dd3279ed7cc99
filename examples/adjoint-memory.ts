/**
 * What a gradient costs in memory and time, against the number of steps: the continuous adjoint beside backprop,
 * checkpoints and a reversible method. One forward solve, the same for all, of a ring of 2,000 coupled units:
 * dyᵢ/dt = tanh(a yᵢ₋₁ + b yᵢ), loss ½|y(1)|².
 *
 *   npx tsx examples/adjoint-memory.ts           prints the table, draws docs/plots/adjoint-memory.svg
 *   npx tsx examples/adjoint-memory.ts 16,64     the table alone, for these numbers of steps
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PICTURE_STYLE, writePicture } from '../cli/picture.ts';
import { shortNumber, textTable } from '../cli/solve/text-table.ts';
import {
  adjoint,
  backprop,
  checkpointed,
  constantSteps,
  float64Space,
  type Gradient,
  leapfrog,
  reversible,
  solveWithGradient,
  type VectorField,
} from '../model/ode/index.ts';

/** Written by hand, so that nothing but the solver's own memory is seen. */
const ring: VectorField<Float64Array, Float64Array> = {
  evaluate: (_t, y, [a, b], into = new Float64Array(y.length)) => {
    for (let i = 0; i < y.length; i++) into[i] = Math.tanh(a * y[(i || y.length) - 1] + b * y[i]);
    return into;
  },
  vjp: (_t, y, [a, b], cotangent) => {
    const bar = { y: new Float64Array(y.length), parameters: new Float64Array(2) };
    for (let i = 0; i < y.length; i++) {
      const before = (i || y.length) - 1;
      const inner = cotangent[i] * (1 - Math.tanh(a * y[before] + b * y[i]) ** 2);
      bar.y[before] += a * inner;
      bar.y[i] += b * inner;
      bar.parameters[0] += inner * y[before];
      bar.parameters[1] += inner * y[i];
    }
    return bar;
  },
};

/** Every mode, given how many steps there will be. */
const MODES: Readonly<Record<string, (steps: number) => Gradient>> = {
  adjoint: () => adjoint(),
  backprop: () => backprop(),
  checkpointed: (steps) => checkpointed({ checkpoints: Math.ceil(Math.sqrt(steps)) }),
  reversible: () => reversible(),
};

export interface AdjointMemoryOptions {
  readonly steps?: readonly number[];
  readonly size?: number;
}

export interface AdjointMemoryRow {
  readonly mode: string;
  readonly steps: number;
  /** Above what was there before, at the worst of the moments that were looked at. */
  readonly peakBytes: number;
  readonly milliseconds: number;
  readonly evaluations: number;
  /** |gradient − backprop's| / |backprop's| for the two parameters. */
  readonly difference: number;
}

export function adjointMemory({ steps = [16, 32, 64, 128, 256, 512], size = 2000 }: AdjointMemoryOptions = {}) {
  // The first solves are slow whatever the mode: the compiler is still looking.
  for (const create of Object.values(MODES)) gradientOf(create(16), ring, 16, size);
  return steps.flatMap((count) => {
    const exact = gradientOf(backprop(), ring, count, size).parameters;
    return Object.entries(MODES).map(([mode, create]) => measured(mode, create(count), count, size, exact));
  });
}

function measured(
  mode: string,
  gradient: Gradient,
  steps: number,
  size: number,
  exact: Float64Array,
): AdjointMemoryRow {
  const start = performance.now();
  const { parameters, statistics } = gradientOf(gradient, ring, steps, size);
  const milliseconds = performance.now() - start;
  const [off, whole] = [parameters.map((value, i) => value - exact[i]), exact].map((v) => Math.hypot(...v));
  const evaluations = statistics.functionEvaluations;
  return { mode, steps, peakBytes: peakOf(gradient, steps, size), milliseconds, evaluations, difference: off / whole };
}

function gradientOf(gradient: Gradient, field: typeof ring, steps: number, size: number) {
  const { solution, pullback, dispose } = solveWithGradient({
    space: float64Space,
    parameterSpace: float64Space,
    field,
    parameters: Float64Array.of(0.8, -0.5),
    y0: Float64Array.from({ length: size }, (_, i) => Math.sin(i)),
    t0: 0,
    t1: 1,
    method: leapfrog,
    controller: constantSteps(steps),
    gradient,
  });
  const gradients = pullback(solution.ys);
  dispose();
  return gradients;
}

/** Looks, after a full collection, at some twenty moments of the way there and of the way back. */
function peakOf(gradient: Gradient, steps: number, size: number): number {
  const before = liveBytes();
  let peak = before;
  let calls = 0;
  const look = (): void => {
    if (++calls % Math.ceil(steps / 8) === 0) peak = Math.max(peak, liveBytes());
  };
  const watched: typeof ring = {
    evaluate: (...args) => {
      look();
      return ring.evaluate(...args);
    },
    vjp: (t, y, parameters, cotangent) => {
      look();
      return ring.vjp?.(t, y, parameters, cotangent) ?? { y, parameters };
    },
  };
  gradientOf(gradient, watched, steps, size);
  return peak - before;
}

let collect: (() => void) | undefined;

/** Bytes of arrays that are still reachable. */
function liveBytes(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  // The first collection finds what is dead, the second waits until its arrays are freed.
  collect();
  collect();
  return process.memoryUsage().arrayBuffers;
}

export function adjointMemoryTable(rows: readonly AdjointMemoryRow[]): string {
  const head = ['mode', 'steps', 'peak kB', 'ms', 'evaluations backward', 'off backprop by'];
  return textTable([
    head,
    ...rows.map(({ mode, steps, peakBytes, milliseconds, evaluations, difference }) => [
      mode,
      String(steps),
      String(Math.round(peakBytes / 1000)),
      shortNumber(milliseconds, 3),
      String(evaluations),
      difference === 0 ? '0' : difference.toExponential(1),
    ]),
  ]);
}

export async function drawAdjointMemory(rows: readonly AdjointMemoryRow[], file: string): Promise<void> {
  const log = (field: string, title: string, values?: number[]) => ({
    field,
    title,
    type: 'quantitative' as const,
    scale: { type: 'log' as const, base: 2 },
    axis: values ? { values } : {},
  });
  const color = { field: 'mode', type: 'nominal' as const, title: null, sort: null };
  const x = log('steps', 'steps', [...new Set(rows.map(({ steps }) => steps))]);
  const panel = (field: string, title: string) => ({
    mark: { type: 'line' as const, point: { aria: false } },
    encoding: { x, y: log(field, title), color },
  });
  await writePicture(file, {
    config: PICTURE_STYLE,
    data: { values: rows.map((row) => ({ ...row, kilobytes: row.peakBytes / 1000 })) },
    hconcat: [panel('kilobytes', 'peak memory, kB'), panel('milliseconds', 'forward and backward, ms')],
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const asked = process.argv[2]?.split(',').map(Number);
  const rows = adjointMemory(asked && { steps: asked });
  console.log(adjointMemoryTable(rows));
  if (!asked) await drawAdjointMemory(rows, join(import.meta.dirname, '../docs/plots/adjoint-memory.svg'));
}
