/**
 * A forecast as it is written to people: columns over the asked times. Holds the last line against numbers that are
 * not finite: where a solver failed and left them, the stream's long-run distribution stands in, and a warning says so.
 */
import type { ArtifactHeader, ChannelNormalisation } from '../model/artifact-format.ts';
import type { ChannelForecast, Forecast } from '../model/forecast-types.ts';
import type { LiveModel } from './app-parts.ts';
import { normalQuantile } from './normal-quantile.ts';
import type { AskedTime } from './schemas/common.ts';
import type { ForecastAnswer } from './schemas/forecast.ts';
import { formatTime } from './time.ts';

export interface AnswerParts {
  readonly stream: string;
  readonly series: string | undefined;
  readonly times: readonly AskedTime[];
  readonly quantiles: readonly number[];
  /** Names of the wanted channels, each one of the model's. */
  readonly channels: readonly string[];
  readonly model: LiveModel;
  readonly forecast: Forecast;
}

export function forecastAnswer(parts: AnswerParts): ForecastAnswer {
  const { forecast, model, times } = parts;
  const failed = new Set<number>();
  const channels = parts.channels.map((name) => [name, channelColumns(parts, name, failed)] as const);
  const warnings = warningsOf(forecast, failed);
  return {
    stream: parts.stream,
    series: parts.series ?? null,
    times: times.map(({ asked }) => asked),
    kind: [...forecast.kind],
    channels: Object.fromEntries(channels),
    model: modelRef(model),
    lastEventTime: formatTime(forecast.lastEventTime),
    observationsUsed: forecast.observationsUsed,
    solver: { ...forecast.solver },
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

export function modelRef({ header, alias, engine }: LiveModel): ForecastAnswer['model'] {
  return { version: header.version, alias, trainedThrough: formatTime(header.trainedThrough), engine };
}

type Columns = ForecastAnswer['channels'][string];

function channelColumns({ forecast, model, quantiles }: AnswerParts, name: string, failed: Set<number>): Columns {
  const index = model.forecaster.channels.indexOf(name);
  const longRun = longRunOf(model.header, index);
  const { mean, quantiles: rows, samples }: ChannelForecast = forecast.channels[index];
  const finite = (column: Float64Array, instead: number) =>
    Array.from(column, (value, i) => {
      if (Number.isFinite(value)) return value;
      failed.add(i);
      return instead;
    });
  return {
    mean: finite(mean, longRun.location),
    quantiles: Object.fromEntries(quantiles.map((q, i) => [String(q), finite(rows[i], quantileOf(longRun, q))])),
    ...(samples === undefined ? {} : { samples: samples.map((path) => finite(path, longRun.location)) }),
  };
}

function longRunOf(header: ArtifactHeader, channel: number): ChannelNormalisation {
  return header.normalisation.channels[channel];
}

function quantileOf({ location, scale }: ChannelNormalisation, q: number): number {
  return location + scale * normalQuantile(q);
}

type Warning = NonNullable<ForecastAnswer['warnings']>[number];

function warningsOf(forecast: Forecast, failed: ReadonlySet<number>): Warning[] {
  const beyond = [...forecast.beyondReach.keys()].filter((i) => forecast.beyondReach[i]);
  const warnings: Warning[] = [
    { code: 'beyond-reach', detail: `So far from the data that ${LONG_RUN}.`, times: beyond },
    {
      code: 'numerical-failure',
      detail: `The solver ended with ${forecast.solver.status}; at these times ${LONG_RUN}.`,
      times: [...failed].sort((a, b) => a - b),
    },
  ];
  return warnings.filter(({ times }) => times.length > 0);
}

const LONG_RUN = 'the answer is the long-run distribution of the series, not a solution of the model';
