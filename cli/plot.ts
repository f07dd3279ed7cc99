/** A forecast as a picture: observations, the mean and its bands, one panel a channel. */
import type { TopLevelSpec } from 'vega-lite';
import { PICTURE_STYLE, writePicture } from './picture.ts';

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
export function writePlot(path: string, plot: ForecastPlot): Promise<void> {
  return writePicture(path, forecastSpec(plot));
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
    config: PICTURE_STYLE,
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
