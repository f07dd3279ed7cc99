/**
 * What a digit costs: tolerance against evaluations, time and the error at the end, for methods of several orders, on
 * three laps of hares and foxes (Lotka–Volterra).
 *
 *   npx tsx examples/tolerance-cost.ts      prints the table, draws docs/plots/tolerance-cost.svg
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PICTURE_STYLE, writePicture } from '../cli/picture.ts';
import { shortNumber, textTable } from '../cli/solve/text-table.ts';
import { bosh3, dop853, float64Space, type Method, noParameters, pi, solve, tsit5, vern7 } from '../model/ode/index.ts';

const problem = {
  space: float64Space,
  parameterSpace: noParameters,
  field: {
    evaluate: (_t: number, [hares, foxes]: Float64Array, _p: null, into = new Float64Array(2)) => {
      into[0] = hares * (1.5 - foxes);
      into[1] = (foxes * (hares - 3)) / 2;
      return into;
    },
  },
  parameters: null,
  y0: Float64Array.of(5, 1),
  t0: 0,
  t1: 13,
};

export interface ToleranceCostOptions {
  readonly methods?: readonly Method[];
  readonly rtols?: readonly number[];
  /** Solves whose median time counts. */
  readonly repeats?: number;
}

export interface ToleranceCostRow {
  readonly method: string;
  readonly rtol: number;
  readonly evaluations: number;
  readonly milliseconds: number;
  /** Largest over the components, at the end. */
  readonly error: number;
}

export function toleranceCost({
  methods = [bosh3, tsit5, vern7, dop853],
  rtols = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11],
  repeats = 21,
}: ToleranceCostOptions = {}): ToleranceCostRow[] {
  const exact = endOf(dop853, 1e-14).ys[0];
  // The first solves are slow whatever the method: the compiler is still looking.
  for (const method of methods) for (let i = 0; i < 5 * repeats; i++) endOf(method, 1e-5);
  return methods.flatMap((method) => rtols.map((rtol) => costOf(method, rtol, exact, repeats)));
}

function endOf(method: Method, rtol: number) {
  return solve({ ...problem, method, controller: pi({ rtol, atol: rtol }) });
}

function costOf(method: Method, rtol: number, exact: Float64Array, repeats: number): ToleranceCostRow {
  const { ys, statistics } = endOf(method, rtol);
  const error = Math.max(...ys[0].map((value, i) => Math.abs(value - exact[i])));
  const times = Array.from({ length: repeats }, () => {
    const start = performance.now();
    endOf(method, rtol);
    return performance.now() - start;
  });
  const milliseconds = times.sort((a, b) => a - b)[Math.floor(repeats / 2)];
  return { method: method.name, rtol, evaluations: statistics.functionEvaluations, milliseconds, error };
}

export function toleranceCostTable(rows: readonly ToleranceCostRow[]): string {
  const head = ['method', 'rtol', 'evaluations', 'ms', 'error'];
  return textTable([
    head,
    ...rows.map(({ method, rtol, evaluations, milliseconds, error }) => [
      method,
      rtol.toExponential(0),
      String(evaluations),
      shortNumber(milliseconds, 3),
      error.toExponential(1),
    ]),
  ]);
}

export async function drawToleranceCost(rows: readonly ToleranceCostRow[], file: string): Promise<void> {
  const log = (field: string, title: string) => ({
    field,
    title,
    type: 'quantitative' as const,
    scale: { type: 'log' as const },
    axis: { format: field === 'evaluations' ? '~s' : '.0e', tickCount: 6 },
  });
  const color = { field: 'method', type: 'nominal' as const, title: null, sort: null };
  const panel = (x: ReturnType<typeof log>) => ({
    mark: { type: 'line' as const, point: { size: 20, aria: false } },
    encoding: { x, y: log('error', 'error at the end'), color, order: { field: 'evaluations' } },
  });
  await writePicture(file, {
    config: PICTURE_STYLE,
    data: { values: rows.filter(({ error }) => error > 0).map((row) => ({ ...row })) },
    hconcat: [
      panel(log('rtol', 'tolerance')),
      panel(log('evaluations', 'evaluations')),
      panel(log('milliseconds', 'milliseconds')),
    ],
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const rows = toleranceCost();
  console.log(toleranceCostTable(rows));
  await drawToleranceCost(rows, join(import.meta.dirname, '../docs/plots/tolerance-cost.svg'));
}
