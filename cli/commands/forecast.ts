/** `odecast forecast`: a file and a model file → a table on stdout, and a picture if wanted. No log, no server. */
import { readFileSync } from 'node:fs';
import { decodeArtifact } from '../../model/artifact.ts';
import type { Artifact } from '../../model/artifact-format.ts';
import { type EnginePreference, selectEngine } from '../../model/engine/select.ts';
import { createForecaster } from '../../model/forecast.ts';
import type { Forecast, Forecaster, History } from '../../model/forecast-types.ts';
import { forecastAnswer } from '../../serve/forecast-answer.ts';
import { storeHistory } from '../../serve/history.ts';
import type { ForecastAnswer } from '../../serve/schemas/forecast.ts';
import { FIRST_TIME, formatTime, LAST_TIME, parseIsoTime } from '../../serve/time.ts';
import { CliError } from '../errors.ts';
import { FILE_STREAM, type FileStore, openFileStore, warnOfRefused } from '../file-store.ts';
import { type ForecastPlot, type PlotBand, type PlotPoint, writePlot } from '../plot.ts';

export interface ForecastOptions {
  readonly model: string;
  readonly series?: string;
  readonly times?: string[];
  /** ms */
  readonly horizon?: number;
  readonly points: number;
  readonly quantiles: number[];
  readonly samples: number;
  readonly plot?: string;
  readonly format: 'csv' | 'json';
  readonly engine: EnginePreference;
}

export async function forecast(path: string, options: ForecastOptions): Promise<void> {
  const artifact = readArtifact(options.model);
  const file = await openFileStore(path, artifact.header.spec.channels);
  try {
    warnOfRefused(path, file);
    await forecastFile(file, artifact, options);
  } finally {
    await file.close();
  }
}

async function forecastFile(file: FileStore, artifact: Artifact, options: ForecastOptions): Promise<void> {
  const series = seriesOf(file, options.series);
  const history = storeHistory(file.store, FILE_STREAM, series);
  const times = timesOf(options, history, artifact.header.window.horizonMs);
  const provider = await selectEngine({ preference: options.engine });
  const engine = provider.open(artifact.header.spec);
  try {
    const forecaster = createForecaster({ artifact, engine });
    const quantiles = [...new Set(options.quantiles)];
    const forecast = await forecaster.forecast(history, { times, quantiles, samples: options.samples });
    const answer = forecastAnswer({
      stream: FILE_STREAM,
      series,
      times: times.map((ms) => ({ asked: formatTime(ms), ms })),
      quantiles,
      channels: forecaster.channels,
      model: { header: artifact.header, alias: options.model, engine: provider.name, forecaster },
      forecast,
    });
    process.stdout.write(tableOf(answer, quantiles, options.format));
    for (const { detail, times: at } of answer.warnings ?? [])
      console.error(`odecast: ${detail} (${at.length} of ${times.length} times)`);
    if (options.plot) await writePlot(options.plot, await picture(forecaster, history, artifact, series, times));
  } finally {
    engine.close();
  }
}

function readArtifact(path: string): Artifact {
  try {
    return decodeArtifact(readFileSync(path));
  } catch (error) {
    throw new CliError(
      'no-model',
      `${path} is no model file: ${(error as Error).message}. Make one with: odecast fit <file> --out ${path}`,
      { cause: error },
    );
  }
}

function seriesOf({ store }: FileStore, wanted: string | undefined): string {
  const names = store.listSeries(FILE_STREAM, { limit: 10 }).map(({ series }) => series);
  if (wanted === undefined && names.length === 1) return names[0];
  if (wanted !== undefined && store.series(FILE_STREAM, wanted)) return wanted;
  const more = store.stream(FILE_STREAM).series > names.length ? ', …' : '';
  const some = names.map((name) => `"${name}"`).join(', ') + more;
  throw new CliError(
    'bad-option',
    wanted === undefined
      ? `The file has several series; choose one with --series: ${some}`
      : `There is no series "${wanted}"; there are ${some}`,
  );
}

function timesOf({ times, horizon, points }: ForecastOptions, { bounds }: History, trainedMs: number): number[] {
  if (times) return times.map(parseAsked);
  const last = bounds?.last ?? 0;
  const span = horizon ?? trainedMs;
  if (last + span > LAST_TIME) throw new CliError('bad-option', 'The horizon ends after the year 9999; shorten it.');
  return Array.from({ length: points }, (_, i) => last + (span * (i + 1)) / points);
}

/** As in the file itself: digits are milliseconds, a time without an offset is UTC. */
function parseAsked(text: string): number {
  const ms = /^-?\d{5,}(\.\d+)?$/.test(text) ? Number(text) : parseIsoTime(text, { withoutOffset: 'utc' });
  if (ms !== undefined && ms >= FIRST_TIME && ms <= LAST_TIME) return ms;
  throw new CliError(
    'bad-option',
    `"${text}" is no time of the years 1 to 9999: give ISO 8601 or milliseconds since the epoch.`,
  );
}

/** A row a time and channel. Channels hold neither quotes nor commas, so that CSV needs no quoting. */
function tableOf(
  { times, kind, channels }: ForecastAnswer,
  quantiles: readonly number[],
  format: ForecastOptions['format'],
): string {
  const rows = times.flatMap((time, t) =>
    Object.entries(channels).map(([channel, columns]) => ({
      time,
      kind: kind[t],
      channel,
      mean: columns.mean[t],
      ...Object.fromEntries(quantiles.map((q) => [`q${q}`, columns.quantiles[q][t]])),
    })),
  );
  if (format === 'json') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  return [Object.keys(rows[0]), ...rows.map((row) => Object.values(row))]
    .map((cells) => `${cells.join(',')}\n`)
    .join('');
}

const PICTURE_POINTS = 300;
const PICTURE_QUANTILES = [0.05, 0.25, 0.75, 0.95];

/** The newest window, the horizon after it, and whatever was asked beyond. */
async function picture(
  forecaster: Forecaster,
  history: History,
  { header }: Artifact,
  series: string,
  asked: readonly number[],
): Promise<ForecastPlot> {
  const last = history.bounds?.last ?? 0;
  const from = Math.min(last - header.window.contextMs, ...asked);
  const to = Math.max(last + header.window.horizonMs, ...asked);
  const times = Array.from({ length: PICTURE_POINTS }, (_, i) => from + ((to - from) * i) / (PICTURE_POINTS - 1));
  const answer = await forecaster.forecast(history, { times, quantiles: PICTURE_QUANTILES, samples: 64 });
  return {
    title: series,
    observations: pointsOf(history, from, forecaster.channels),
    forecast: bandsOf(answer, forecaster.channels, times),
    lastEventTime: last,
  };
}

function bandsOf({ channels }: Forecast, names: readonly string[], times: readonly number[]): PlotBand[] {
  return names.flatMap((channel, c) => {
    const {
      mean,
      quantiles: [low90, low50, high50, high90],
    } = channels[c];
    return times.map((time, t) => ({
      channel,
      time,
      mean: mean[t],
      low50: low50[t],
      high50: high50[t],
      low90: low90[t],
      high90: high90[t],
    }));
  });
}

function pointsOf(history: History, from: number, names: readonly string[]): PlotPoint[] {
  const { times, values, mask } = history.window({ from });
  return [...times].flatMap((time, n) =>
    names.flatMap((channel, c) => {
      const at = n * names.length + c;
      return mask[at] ? [{ channel, time, value: values[at] }] : [];
    }),
  );
}
