/**
 * What `odecast solve --plot` draws: the solution in time, its error on a logarithmic scale, and the field: directions in
 * the (t, y) plane of one equation, or in the plane of two components, with trajectories from other starts.
 */
import type { TopLevelSpec } from 'vega-lite';
import { float64Space, pi, solve } from '../../model/ode/index.ts';
import { PICTURE_STYLE } from '../picture.ts';
import type { SolveProblem } from './problem.ts';
import type { Solved } from './report.ts';
import { errorAt, timesTo } from './run.ts';

/** Points of a curve: enough to look smooth, few enough to keep a picture small. */
const POINTS = 300;
const WIDTH = 380;
const HEIGHT = 280;
const GREY = '#8b949e';

export function pictureOf(solved: Solved, plane: readonly [number, number] = [0, 1]): TopLevelSpec {
  const errors = solved.exact ? [errorPanel(solved)] : [];
  const field = solved.problem.components.length === 1 ? directionPanel(solved) : planePanel(solved, plane);
  return { title: solved.problem.title, hconcat: [solutionPanel(solved), ...errors, field], config: PICTURE_STYLE };
}

interface Dot {
  readonly x: number;
  readonly y: number;
}

interface Bounds {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

type Curve = Dot & { readonly curve: string };

const quantitative = { type: 'quantitative' } as const;
const axis = (field: 'x' | 'y', title: string) => ({ field, ...quantitative, title, scale: { zero: false } });

const finite = <T extends Dot>(rows: readonly T[]): T[] =>
  rows.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));

function line(values: readonly Curve[], width = 1.5) {
  const order = values.map((row, i) => ({ ...row, i }));
  return {
    data: { values: finite(order) },
    mark: { type: 'line' as const, strokeWidth: width, clip: true },
    encoding: {
      color: { field: 'curve', type: 'nominal' as const, title: null },
      order: { field: 'i', ...quantitative },
    },
  };
}

/** Every component by every method; a dash for what is exact, where a picture has room for it. */
function solutionPanel({ problem, runs, exact, exactName }: Solved) {
  const label = (name: string, component: string): string =>
    problem.components.length === 1 ? name : runs.length === 1 ? component : `${component} ${name}`;
  const curves = runs.flatMap((run) =>
    timesTo(problem, run.end, POINTS).flatMap((x) =>
      Array.from(run.at(x), (y, i) => ({ x, y, curve: label(run.method, problem.components[i]) })),
    ),
  );
  // Past a blow-up a formula may go on; the solution does not.
  const end = runs
    .map((run) => run.end)
    .reduce((far, t) => (Math.abs(t - problem.t0) > Math.abs(far - problem.t0) ? t : far));
  const known = timesTo(problem, end, POINTS).flatMap((x) =>
    Array.from(exact?.(x) ?? [], (y, i): Curve => ({ x, y, curve: `${exactName} ${problem.components[i]}` })),
  );
  const bounds = { x: [problem.t0, end] as const, y: boundsOf(curves.map(({ y }) => y)) };
  const dashes = {
    data: { values: clamped(known, bounds) },
    mark: { type: 'line' as const, clip: true, strokeDash: [2, 4], color: '#24292f', strokeWidth: 1 },
    encoding: { detail: { field: 'curve' } },
  };
  const encoding = {
    x: axis('x', 't'),
    y: { ...axis('y', problem.components.join(', ')), scale: { domain: [...bounds.y], nice: false } },
  };
  return { width: WIDTH, height: HEIGHT, title: 'solution', encoding, layer: [line(clamped(curves, bounds)), dashes] };
}

function errorPanel({ problem, runs, exact }: Solved) {
  const curves = runs.flatMap((run) =>
    timesTo(problem, run.end, POINTS).map((x) => ({ x, y: errorAt(run, exact, x) ?? Number.NaN, curve: run.method })),
  );
  const visible = curves.filter(({ y }) => y > 0);
  const encoding = {
    x: axis('x', 't'),
    y: { field: 'y', ...quantitative, title: '|error|', scale: { type: 'log' as const }, axis: { format: '.0e' } },
  };
  return { width: WIDTH, height: HEIGHT, title: 'error', encoding, layer: [line(visible)] };
}

/** dy/dt in the (t, y) plane, and solutions from other starts. */
function directionPanel({ problem, runs }: Solved) {
  const solutions = runs.flatMap((run) =>
    timesTo(problem, run.end, POINTS).map((x) => ({ x, y: run.at(x)[0], curve: run.method })),
  );
  const bounds = { x: [problem.t0, problem.t1] as const, y: boundsOf(solutions.map(({ y }) => y)) };
  const slope = ({ x, y }: Dot): Dot => ({ x: 1, y: slopeOf(problem, x, Float64Array.of(y))[0] });
  const others = startsAround(bounds.y).flatMap((y0, i) =>
    pathFrom(problem, Float64Array.of(y0)).map(({ t, y }) => ({ x: t, y: y[0], curve: `${i}` })),
  );
  return fieldPanel(bounds, ['t', problem.components[0]], slope, others, solutions);
}

/** The plane of two components; where there are more, or time matters, only the paths: directions would be of one moment. */
function planePanel({ problem, runs }: Solved, [across, up]: readonly [number, number]) {
  const solutions = runs.flatMap((run) => {
    const path = (t: number): Dot => {
      const state = run.at(t);
      return { x: state[across], y: state[up] };
    };
    return smoothPath(path, timesTo(problem, run.end, POINTS)).map((dot) => ({ ...dot, curve: run.method }));
  });
  const bounds = { x: boundsOf(solutions.map(({ x }) => x)), y: boundsOf(solutions.map(({ y }) => y)) };
  const flat = problem.components.length === 2;
  const slope = ({ x, y }: Dot): Dot => {
    const [dx, dy] = slopeOf(problem, problem.t0, Float64Array.of(x, y));
    return { x: dx, y: dy };
  };
  const others = !flat
    ? []
    : startsAround(bounds.x).flatMap((x0, i) =>
        pathFrom(problem, Float64Array.of(x0, problem.y0[1])).map(({ y }) => ({ x: y[0], y: y[1], curve: `${i}` })),
      );
  const names = [problem.components[across], problem.components[up]] as const;
  return fieldPanel(bounds, names, flat ? slope : undefined, others, solutions);
}

function fieldPanel(
  bounds: Bounds,
  names: readonly [string, string],
  slope: ((at: Dot) => Dot) | undefined,
  others: readonly Curve[],
  solutions: readonly Curve[],
) {
  const domain = (name: 'x' | 'y') => ({ domain: [...bounds[name]].sort((a, b) => a - b), nice: false });
  const encoding = {
    x: { ...axis('x', names[0]), scale: domain('x') },
    y: { ...axis('y', names[1]), scale: domain('y') },
  };
  const pale = {
    data: {
      values: clamped(
        others.map((row, i) => ({ ...row, i })),
        bounds,
      ),
    },
    mark: { type: 'line' as const, clip: true, color: GREY, opacity: 0.5, strokeWidth: 1 },
    encoding: { detail: { field: 'curve' }, order: { field: 'i', ...quantitative } },
  };
  const layers = [...(slope ? [arrows(bounds, slope)] : []), pale, line(clamped(solutions, bounds))];
  return { width: WIDTH, height: HEIGHT, title: slope ? 'vector field' : 'path', encoding, layer: layers };
}

const ACROSS = 20;
const UP = 15;

/** Directions as they look in the picture; their lengths say nothing. */
function arrows({ x: [x0, x1], y: [y0, y1] }: Bounds, slope: (at: Dot) => Dot) {
  const [perX, perY] = [WIDTH / Math.abs(x1 - x0), HEIGHT / Math.abs(y1 - y0)];
  const cells = Array.from({ length: ACROSS * UP }, (_, i): Dot => {
    const [column, row] = [i % ACROSS, Math.floor(i / ACROSS)];
    return { x: x0 + ((column + 0.5) / ACROSS) * (x1 - x0), y: y0 + ((row + 0.5) / UP) * (y1 - y0) };
  });
  const values = cells.map((at) => {
    const { x: dx, y: dy } = slope(at);
    // Vega turns clockwise from up.
    return { ...at, angle: 90 - (Math.atan2(dy * perY, dx * perX) * 180) / Math.PI };
  });
  return {
    data: { values: values.filter(({ angle }) => Number.isFinite(angle)) },
    mark: { type: 'point' as const, aria: false, shape: 'arrow', filled: true, size: 90, color: GREY, opacity: 0.6 },
    encoding: { angle: { field: 'angle', ...quantitative, scale: null } },
  };
}

/** Halves the spans of time in which the path goes far: a relaxation's jump is over before a fixed spacing sees it. */
function smoothPath(path: (t: number) => Dot, times: readonly number[]): Dot[] {
  let dots = times.map((t) => ({ t, ...path(t) }));
  for (let round = 0; round < 18 && dots.length < 10 * POINTS; round++) {
    const [wide, high] = [reach(dots.map(({ x }) => x)), reach(dots.map(({ y }) => y))];
    dots = dots.flatMap((to, i) => {
      const from = dots[i - 1] ?? to;
      if (Math.abs(to.x - from.x) <= wide / 60 && Math.abs(to.y - from.y) <= high / 60) return [to];
      const t = (from.t + to.t) / 2;
      return [{ t, ...path(t) }, to];
    });
  }
  return dots.map(({ x, y }) => ({ x, y }));
}

function reach(values: readonly number[]): number {
  const real = values.filter(Number.isFinite);
  return Math.max(...real) - Math.min(...real);
}

/** No nearer the edge than it was, but not so far outside that a renderer loses the line. */
function clamped<T extends Dot>(rows: readonly T[], { x: across, y: up }: Bounds): T[] {
  const clamp = (value: number, [low, high]: readonly [number, number]): number => {
    const far = 2 * Math.abs(high - low);
    return Math.min(Math.max(low, high) + far, Math.max(Math.min(low, high) - far, value));
  };
  return finite(rows).map((row) => ({ ...row, x: clamp(row.x, across), y: clamp(row.y, up) }));
}

/** With a margin of a tenth. */
function boundsOf(values: readonly number[]): readonly [number, number] {
  const real = values.filter(Number.isFinite).sort((a, b) => a - b);
  // A blow-up would press all the rest flat: its last fiftieth is left out if it is ten times as tall as the rest.
  const [low, high] = [trimmed(real), -trimmed(real.map((value) => -value).reverse())];
  const margin = high > low ? (high - low) / 10 : 1;
  return [low - margin, high + margin];
}

function trimmed(sorted: readonly number[]): number {
  const [least, most] = [sorted[0] ?? 0, sorted.at(-1) ?? 0];
  const inner = sorted[Math.ceil(sorted.length / 50)] ?? least;
  return most - least > 10 * (most - inner) ? inner : least;
}

/** Six starts over a range, none at its ends. */
function startsAround([low, high]: readonly [number, number]): number[] {
  return Array.from({ length: 6 }, (_, i) => low + ((i + 0.5) / 6) * (high - low));
}

function slopeOf({ field }: SolveProblem, t: number, y: Float64Array): Float64Array {
  return field.evaluate(t, y, new Float64Array(0));
}

function pathFrom(problem: SolveProblem, y0: Float64Array) {
  const times = timesTo(problem, problem.t1, POINTS);
  const { ys } = solve({
    ...problem,
    y0,
    space: float64Space,
    parameters: new Float64Array(0),
    controller: pi({ rtol: 1e-4, atol: 1e-6 }),
    maxSteps: 2000,
    saveAt: { times },
  });
  return times.map((t, i) => ({ t, y: ys[i] }));
}
