/**
 * The page's only way to the server: one place for every route and its shape. Times are turned into ms since the epoch
 * here, so that nothing else on the page meets an ISO string.
 */
import type { EvaluationRecord, TrainingRecord } from '../../model/artifact-format.ts';
import { parseIsoTime } from '../time.ts';

type Time = number | string;

export interface StreamInfo {
  readonly name: string;
  readonly channels: readonly string[];
  readonly observations: number;
  readonly series: number;
  readonly lastTime: number | undefined;
  /** Longest context and trained horizon. */
  readonly windowMs: number;
  readonly horizonMs: number;
  /** The truth of its series can be asked for. */
  readonly simulated: boolean;
  readonly training: TrainingProgress | undefined;
}

/** How training goes on, where the answering process knows. */
export interface TrainingProgress {
  readonly state: 'waiting' | 'training' | 'idle';
  readonly steps: number;
  readonly windows: number;
  readonly lossCurve: TrainingRecord['lossCurve'];
  /** Until the next version is expected. */
  readonly remainingMs?: number;
}

export interface SeriesInfo {
  readonly series: string;
  readonly observations: number;
  readonly firstTime: number;
  readonly lastTime: number;
}

/** Columns over `times`; a value is null where the channel was not observed. */
export interface Columns {
  readonly times: readonly number[];
  readonly values: Readonly<Record<string, readonly (number | null)[]>>;
}

export type Kind = 'interpolation' | 'extrapolation';

export interface ForecastAnswer {
  readonly times: readonly number[];
  readonly kind: readonly Kind[];
  readonly channels: Readonly<Record<string, ChannelAnswer>>;
  readonly model: { readonly version: string; readonly alias: string; readonly trainedThrough: number };
  readonly lastEventTime: number;
  readonly observationsUsed: number;
}

export interface ChannelAnswer {
  readonly mean: readonly number[];
  /** By the quantile as it was asked, e.g. `0.1`. */
  readonly quantiles: Readonly<Record<string, readonly number[]>>;
}

export interface ModelInfo {
  readonly version: string;
  readonly aliases: readonly string[];
  readonly createdAt: number;
  readonly trainedThrough: number;
  readonly training: TrainingRecord;
  readonly evaluation: EvaluationRecord;
}

/** What the server says went wrong (RFC 9457), or what kept us from asking it. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  /** When it is worth asking again, if the server said so. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, body: ProblemBody, retryAfterMs?: number) {
    super(`${body.title ?? 'Error'}: ${body.detail ?? ''}`);
    this.status = status;
    this.code = body.code ?? 'unknown';
    this.title = body.title ?? `The server answered ${status}`;
    this.detail = body.detail ?? '';
    this.retryAfterMs = retryAfterMs;
  }
}

interface ProblemBody {
  readonly title?: string;
  readonly detail?: string;
  readonly code?: string;
}

export interface ApiOptions {
  /** Where the API is, without a slash at the end; empty for the page's own origin. */
  readonly base: string;
  /** Bearer key, where the server wants one. */
  readonly key: () => string | undefined;
}

/** Central intervals that the page draws, as the two quantiles of each. */
export const BANDS = [
  { level: 0.5, low: 0.25, high: 0.75 },
  { level: 0.8, low: 0.1, high: 0.9 },
  { level: 0.95, low: 0.025, high: 0.975 },
] as const;

export const QUANTILES: readonly number[] = BANDS.flatMap(({ low, high }) => [low, high]).sort((a, b) => a - b);

export interface ForecastBody {
  readonly stream: string;
  readonly series: string;
  readonly times: readonly Time[];
  readonly quantiles: readonly number[];
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

const MOST_PAGES = 10;

export type Api = ReturnType<typeof createApi>;

export function createApi(options: ApiOptions) {
  const get = <Raw>(path: string, signal?: AbortSignal) => request<Raw>(options, path, { signal: signal ?? null });

  return {
    async streams(signal?: AbortSignal): Promise<StreamInfo[]> {
      const { streams } = await get<{ streams: RawStream[] }>('/v1/streams', signal);
      return streams.map(readStream);
    },

    /** All series, most recent first; of a very long list the first pages. */
    async series(stream: string, signal?: AbortSignal): Promise<SeriesInfo[]> {
      const found: SeriesInfo[] = [];
      let after: string | null = '';
      for (let page = 0; after !== null && page < MOST_PAGES; page++) {
        const query: string = after === '' ? '' : `&after=${encodeURIComponent(after)}`;
        const answer: RawSeriesPage = await get(`${streamPath(stream)}/series?limit=1000${query}`, signal);
        found.push(...answer.series.map(readSeries));
        after = answer.next;
      }
      return found.sort((a, b) => b.lastTime - a.lastTime);
    },

    async oneSeries(stream: string, series: string, signal?: AbortSignal): Promise<SeriesInfo> {
      return readSeries(await get<RawSeries>(seriesPath(stream, series), signal));
    },

    /** Of a range with more observations than can be told apart, the newest. */
    async observations(stream: string, series: string, range: Range, signal?: AbortSignal): Promise<Columns> {
      const path = `${seriesPath(stream, series)}/observations?${rangeQuery(range)}&keep=newest&limit=5000`;
      return readColumns(await get<RawColumns>(path, signal));
    },

    async truth(stream: string, series: string, range: Range, step: number, signal?: AbortSignal): Promise<Columns> {
      const path = `${seriesPath(stream, series)}/truth?${rangeQuery(range)}&step=${step}`;
      return readColumns(await get<RawColumns>(path, signal));
    },

    async forecast(body: ForecastBody, signal?: AbortSignal): Promise<ForecastAnswer> {
      const init = { method: 'POST', body: JSON.stringify(body), signal: signal ?? null };
      return readForecast(await request<RawForecast>(options, '/v1/forecast', init));
    },

    async models(stream: string, signal?: AbortSignal): Promise<ModelInfo[]> {
      const { models } = await get<{ models: RawModel[] }>(`${streamPath(stream)}/models`, signal);
      return models.map(readModel);
    },

    /** The open answer of the event stream, for `live.ts` to read. Its forecasts are kept small: they only bring news. */
    async openEvents(stream: string, series: string, signal: AbortSignal): Promise<Response> {
      const headers = { ...authorization(options), accept: 'text/event-stream' };
      const url = `${options.base}${seriesPath(stream, series)}/forecasts?points=1&quantiles=0.5`;
      const response = await fetch(url, { headers, signal, cache: 'no-store' });
      if (!response.ok) throw await problemOf(response);
      return response;
    },
  };
}

async function request<Raw>(options: ApiOptions, path: string, init: RequestInit): Promise<Raw> {
  const headers = { ...authorization(options), ...(init.body ? { 'content-type': 'application/json' } : {}) };
  const response = await fetch(options.base + path, { ...init, headers }).catch((cause: Error) => {
    if (cause.name === 'AbortError') throw cause;
    throw new ApiProblem(0, { title: 'No connection', detail: 'The server does not answer.', code: 'unreachable' });
  });
  if (!response.ok) throw await problemOf(response);
  const body: Raw = await response.json();
  return body;
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const body: ProblemBody = await response.json().catch(() => ({}));
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new ApiProblem(response.status, body, Number.isFinite(seconds) ? seconds * 1000 : undefined);
}

function authorization(options: ApiOptions): Record<string, string> {
  const key = options.key();
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

function streamPath(stream: string): string {
  return `/v1/streams/${encodeURIComponent(stream)}`;
}

function seriesPath(stream: string, series: string): string {
  return `${streamPath(stream)}/series/${encodeURIComponent(series)}`;
}

function rangeQuery({ from, to }: Range): string {
  return `from=${from}&to=${to}`;
}

// The shapes on the wire, each with its reader.

interface RawStream {
  readonly stream: string;
  readonly channels: readonly string[];
  readonly observations: number;
  readonly series: number;
  readonly lastTime: Time | null;
  readonly windowMs: number;
  readonly horizonMs: number;
  readonly simulated: boolean;
  readonly training: TrainingProgress | null;
}

function readStream({ stream, lastTime, training, ...same }: RawStream): StreamInfo {
  return { ...same, name: stream, lastTime: maybeMs(lastTime), training: training ?? undefined };
}

interface RawSeriesPage {
  readonly series: readonly RawSeries[];
  /** Where the next page goes on. */
  readonly next: string | null;
}

interface RawSeries {
  readonly series: string;
  readonly observations: number;
  readonly firstTime: Time;
  readonly lastTime: Time;
}

function readSeries(raw: RawSeries): SeriesInfo {
  const { series, observations } = raw;
  return { series, observations, firstTime: toMs(raw.firstTime), lastTime: toMs(raw.lastTime) };
}

interface RawColumns {
  readonly times: readonly Time[];
  readonly channels: Readonly<Record<string, readonly (number | null)[]>>;
}

function readColumns({ times, channels }: RawColumns): Columns {
  return { times: times.map(toMs), values: channels };
}

interface RawForecast {
  readonly times: readonly Time[];
  readonly kind: readonly Kind[];
  readonly channels: Readonly<Record<string, ChannelAnswer>>;
  readonly model: { readonly version: string; readonly alias: string; readonly trainedThrough: Time };
  readonly lastEventTime: Time;
  readonly observationsUsed: number;
}

function readForecast(raw: RawForecast): ForecastAnswer {
  const { version, alias, trainedThrough } = raw.model;
  return {
    times: raw.times.map(toMs),
    kind: raw.kind,
    channels: raw.channels,
    model: { version, alias, trainedThrough: toMs(trainedThrough) },
    lastEventTime: toMs(raw.lastEventTime),
    observationsUsed: raw.observationsUsed,
  };
}

interface RawModel {
  readonly version: string;
  readonly aliases: readonly string[];
  readonly createdAt: Time;
  readonly trainedThrough: Time;
  readonly training: TrainingRecord;
  readonly evaluation: EvaluationRecord;
}

function readModel(raw: RawModel): ModelInfo {
  const { version, aliases, training, evaluation } = raw;
  const [createdAt, trainedThrough] = [toMs(raw.createdAt), toMs(raw.trainedThrough)];
  return { version, aliases, createdAt, trainedThrough, training, evaluation };
}

function toMs(time: Time): number {
  return typeof time === 'number' ? time : (parseIsoTime(time) ?? Number.NaN);
}

function maybeMs(time: Time | null): number | undefined {
  return time === null ? undefined : toMs(time);
}
