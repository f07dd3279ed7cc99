/**
 * A forecast as a picture: observations, the mean and its bands, one panel a channel. SVG by Vega-Lite without a browser,
 * PNG from it. The libraries load only when a picture is asked for: they are large.
 */
import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { TopLevelSpec } from 'vega-lite';
import { CliError } from './errors.ts';

export interface PlotPoint {
  readonly channel: string;
  readonly time: number;
  readonly value: number;
}

export interface PlotBand {
  readonly channel: string;
  readonly time: number;
  readonly mean: number;
  /** Ends of the central 50 % and 90 % intervals. */
  readonly low50: number;
  readonly high50: number;
  readonly low90: number;
  readonly high90: number;
}

export interface ForecastPlot {
  readonly title: string;
  readonly observations: readonly PlotPoint[];
  readonly forecast: readonly PlotBand[];
  /** Event time of the last observation: forecasts to its right are extrapolations. */
  readonly lastEventTime: number;
}

/** Writes the picture; the ending of the name chooses the format. */
export async function writePlot(path: string, plot: ForecastPlot): Promise<void> {
  const format = extname(path).toLowerCase();
  if (format !== '.svg' && format !== '.png')
    throw new CliError('bad-option', `A plot is .svg or .png, not "${path}".`);
  const svg = await renderSvg(forecastSpec(plot));
  writeFileSync(path, format === '.svg' ? svg : await renderPng(svg));
}

async function renderSvg(spec: TopLevelSpec): Promise<string> {
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: 'none' });
  return view.toSVG();
}

async function renderPng(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import('@resvg/resvg-js');
  return new Resvg(svg, { background: 'white', fitTo: { mode: 'zoom', value: 2 } }).render().asPng();
}

const INK = '#1f6feb';

function forecastSpec(plot: ForecastPlot): TopLevelSpec {
  const rows = [
    ...plot.forecast.map((row) => ({ kind: 'forecast', ...row })),
    ...plot.observations.map((row) => ({ kind: 'observation', ...row })),
    ...channelsOf(plot).map((channel) => ({ kind: 'now', channel, time: plot.lastEventTime })),
  ];
  return {
    title: plot.title,
    data: { values: rows },
    facet: { row: { field: 'channel', type: 'nominal', title: null, sort: null } },
    resolve: { scale: { y: 'independent' } },
    spec: {
      width: 760,
      height: 160,
      encoding: { x: { field: 'time', type: 'temporal', title: null, scale: { type: 'utc' } } },
      layer: [band('low90', 'high90', 0.18), band('low50', 'high50', 0.3), meanLine(), observationPoints(), nowRule()],
    },
    config: { view: { stroke: '#ddd' }, axis: { gridColor: '#eee' }, font: 'sans-serif' },
  };
}

function channelsOf(plot: ForecastPlot): string[] {
  return [...new Set(plot.forecast.map((row) => row.channel))];
}

const only = (kind: string) => [{ filter: { field: 'kind', equal: kind } }];

function band(low: string, high: string, opacity: number) {
  return {
    transform: only('forecast'),
    mark: { type: 'area' as const, opacity, color: INK },
    encoding: {
      y: { field: low, type: 'quantitative' as const, title: null, scale: { zero: false } },
      y2: { field: high },
    },
  };
}

function meanLine() {
  return {
    transform: only('forecast'),
    mark: { type: 'line' as const, color: INK, strokeWidth: 1.5 },
    encoding: { y: { field: 'mean', type: 'quantitative' as const } },
  };
}

function observationPoints() {
  return {
    transform: only('observation'),
    mark: { type: 'point' as const, filled: true, size: 18, color: '#24292f', opacity: 0.9 },
    encoding: { y: { field: 'value', type: 'quantitative' as const } },
  };
}

function nowRule() {
  return { transform: only('now'), mark: { type: 'rule' as const, strokeDash: [4, 4], color: '#888' } };
}
