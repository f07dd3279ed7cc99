/**
 * A neural ODE fitted to the observations of a spiral: dy/dt = W₂ tanh(W₁ y³ + b₁) + b₂, 50 hidden units, the mean squared
 * error over all observation times, the gradient through the solver by the continuous adjoint, Adam.
 *
 *   npx tsx examples/spiral-fit.ts      prints how it learns and what that costs, draws docs/plots/spiral-fit.svg
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PICTURE_STYLE, writePicture } from '../cli/picture.ts';
import { shortNumber, textTable } from '../cli/solve/text-table.ts';
import {
  adjoint,
  type Formula,
  fieldOf,
  float64Space,
  type Gradient,
  pi,
  solve,
  solveWithGradient,
} from '../model/ode/index.ts';

const HIDDEN = 50;
const Y0 = Float64Array.of(2, 0);
const END = 1.5;
const OBSERVATIONS = 30;

/** The field that the observations come from: y³ turned and damped. */
const truth: Formula = ({ add, mul, pow }, _t, [x, y]) => [
  add(mul(-0.1, pow(x, 3)), mul(-2, pow(y, 3))),
  add(mul(2, pow(x, 3)), mul(-0.1, pow(y, 3))),
];

/** Parameters: for each hidden unit two weights, a bias and the two weights of what it gives; then the outputs' biases. */
const network: Formula = ({ add, mul, pow, tanh }, _t, [x, y], p) => {
  const [x3, y3] = [pow(x, 3), pow(y, 3)];
  let [dx, dy] = p.slice(5 * HIDDEN);
  for (let i = 0; i < 5 * HIDDEN; i += 5) {
    const unit = tanh(add(add(mul(p[i], x3), mul(p[i + 1], y3)), p[i + 2]));
    dx = add(dx, mul(p[i + 3], unit));
    dy = add(dy, mul(p[i + 4], unit));
  }
  return [dx, dy];
};

export interface SpiralFitOptions {
  readonly iterations?: number;
  /** Iterations from one row of the record to the next. */
  readonly every?: number;
  readonly gradient?: Gradient;
}

export interface SpiralFitRow {
  readonly iteration: number;
  readonly loss: number;
  /** Evaluations of the field, and of its vector–Jacobian products too on the way back. */
  readonly forward: number;
  readonly backward: number;
  readonly parameters: Float64Array;
}

export function spiralFit({ iterations = 400, every = 20, gradient = adjoint() }: SpiralFitOptions = {}) {
  const times = Float64Array.from({ length: OBSERVATIONS }, (_, i) => (END * (i + 1)) / OBSERVATIONS);
  const observed = path(truth, new Float64Array(0), times);
  let adam = startAdam(startParameters());
  const rows: SpiralFitRow[] = [];
  for (let iteration = 0; iteration <= iterations; iteration++) {
    const { parameters } = adam;
    const step = lossAndGradient(parameters, times, observed, gradient);
    if (iteration % every === 0 || iteration === iterations) rows.push({ iteration, parameters, ...step.record });
    adam = stepAdam(adam, step.gradient, 0.05);
  }
  return { times, observed, rows };
}

function lossAndGradient(
  parameters: Float64Array,
  times: Float64Array,
  observed: readonly Float64Array[],
  gradient: Gradient,
) {
  const { solution, pullback, dispose } = solveWithGradient({
    space: float64Space,
    parameterSpace: float64Space,
    field: fieldOf(network),
    parameters,
    y0: Y0,
    t0: 0,
    saveAt: { times },
    controller: pi({ rtol: 1e-3, atol: 1e-5 }),
    gradient,
  });
  const residuals = solution.ys.map((y, i) => y.map((value, j) => value - observed[i][j]));
  const count = residuals.length * Y0.length;
  const loss = residuals.flatMap((residual) => [...residual]).reduce((sum, r) => sum + r * r, 0) / count;
  const pulled = pullback(residuals.map((residual) => residual.map((r) => (2 * r) / count)));
  dispose();
  const [forward, backward] = [solution, pulled].map(({ statistics }) => statistics.functionEvaluations);
  return { gradient: pulled.parameters, record: { loss, forward, backward } };
}

function path(formula: Formula, parameters: Float64Array, times: Float64Array): readonly Float64Array[] {
  const field = fieldOf(formula);
  return solve({ space: float64Space, field, parameters, y0: Y0, t0: 0, saveAt: { times } }).ys;
}

/** Small numbers that are the same in every run. */
function startParameters(): Float64Array {
  let state = 1;
  return Float64Array.from({ length: 5 * HIDDEN + 2 }, () => {
    state = (state * 16807) % 2147483647;
    return (state / 2147483647 - 0.5) * 0.8;
  });
}

interface Adam {
  readonly parameters: Float64Array;
  readonly mean: Float64Array;
  readonly square: Float64Array;
  readonly step: number;
}

function startAdam(parameters: Float64Array): Adam {
  return { parameters, mean: parameters.map(() => 0), square: parameters.map(() => 0), step: 0 };
}

/** Kingma and Ba 2015, algorithm 1, with its constants. */
function stepAdam({ parameters, mean: m, square: s, step: n }: Adam, gradient: Float64Array, rate: number): Adam {
  const step = n + 1;
  const mean = m.map((value, i) => 0.9 * value + 0.1 * gradient[i]);
  const square = s.map((value, i) => 0.999 * value + 0.001 * gradient[i] ** 2);
  const [meanScale, squareScale] = [1 - 0.9 ** step, 1 - 0.999 ** step];
  const moved = parameters.map(
    (value, i) => value - (rate * (mean[i] / meanScale)) / (Math.sqrt(square[i] / squareScale) + 1e-8),
  );
  return { parameters: moved, mean, square, step };
}

export type SpiralFit = ReturnType<typeof spiralFit>;

export function spiralFitTable({ rows }: SpiralFit): string {
  const head = ['iteration', 'loss', 'evaluations forward', 'backward'];
  return textTable([
    head,
    ...rows.map(({ iteration, loss, forward, backward }) => [
      String(iteration),
      shortNumber(loss, 3),
      String(forward),
      String(backward),
    ]),
  ]);
}

export async function drawSpiralFit({ times, observed, rows }: SpiralFit, file: string): Promise<void> {
  const fine = Float64Array.from({ length: 120 }, (_, i) => (END * (i + 1)) / 120);
  const shown = [rows[0], rows[Math.ceil(rows.length / 8)], rows[rows.length - 1]];
  const paths = shown.flatMap(({ iteration, parameters }) =>
    path(network, parameters, fine).map(([x, y], i) => ({ x, y, i, curve: `iteration ${iteration}` })),
  );
  const costs = rows.flatMap(({ iteration, forward, backward }) => [
    { iteration, evaluations: forward, way: 'forward' },
    { iteration, evaluations: backward, way: 'backward' },
  ]);
  const number = { type: 'quantitative' } as const;
  const x = { field: 'x', ...number };
  const y = { field: 'y', ...number };
  await writePicture(file, {
    config: PICTURE_STYLE,
    resolve: { scale: { color: 'independent' } },
    hconcat: [
      {
        title: 'the fit and the observations',
        layer: [
          {
            data: { values: paths },
            mark: 'line',
            encoding: {
              x,
              y,
              color: { field: 'curve', type: 'nominal', title: null, sort: null },
              order: { field: 'i' },
            },
          },
          {
            data: { values: observed.map(([a, b], i) => ({ x: a, y: b, t: times[i] })) },
            mark: { type: 'point', filled: true, color: 'black', size: 20 },
            encoding: { x, y },
          },
        ],
      },
      {
        title: 'mean squared error',
        data: { values: rows.map(({ iteration, loss }) => ({ iteration, loss })) },
        mark: 'line',
        encoding: {
          x: { field: 'iteration', ...number },
          y: { field: 'loss', ...number, title: null, scale: { type: 'log' }, axis: { format: '.0e' } },
        },
      },
      {
        title: 'evaluations',
        data: { values: costs },
        mark: 'line',
        encoding: {
          x: { field: 'iteration', ...number },
          y: { field: 'evaluations', ...number, title: null },
          color: { field: 'way', type: 'nominal', title: null, sort: null },
        },
      },
    ],
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const fit = spiralFit();
  console.log(spiralFitTable(fit));
  await drawSpiralFit(fit, join(import.meta.dirname, '../docs/plots/spiral-fit.svg'));
}
