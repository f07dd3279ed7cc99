/**
 * The page's only way to the server: one place for every route and its shape. Times are turned into ms since the epoch
 * here, so that nothing else on the page meets an ISO string.
 */
import type { z } from 'zod';
import type { ForecastAnswer as RawForecast } from '../schemas/forecast.ts';
import type { ModelAnswer } from '../schemas/models.ts';
import type { observationsSchema, StreamAnswer, seriesSchema, truthSchema } from '../schemas/streams.ts';
import { parseIsoTime } from '../time.ts';
import type { Columns, ForecastAnswer, ModelInfo, SeriesInfo, StreamInfo } from './answers.ts';

type Time = number | string;

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

/** More cannot be told apart on a screen. */
const MOST_OBSERVATIONS = 5000;

export type Api = ReturnType<typeof createApi>;

export function createApi(options: ApiOptions) {
  const get = <Raw>(path: string, signal?: AbortSignal) => request<Raw>(options, path, { signal: signal ?? null });

  return {
    async streams(signal?: AbortSignal): Promise<StreamInfo[]> {
      const { streams } = await get<{ streams: StreamAnswer[] }>('/v1/streams', signal);
      return streams.map(readStream);
    },

    /** The most recent ones, newest first. */
    async series(stream: string, signal?: AbortSignal): Promise<SeriesInfo[]> {
      const path = `${streamPath(stream)}/series?order=recent&limit=1000`;
      const { series } = await get<{ series: z.output<typeof seriesSchema>[] }>(path, signal);
      return series.map(readSeries);
    },

    async oneSeries(stream: string, series: string, signal?: AbortSignal): Promise<SeriesInfo> {
      return readSeries(await get<z.output<typeof seriesSchema>>(seriesPath(stream, series), signal));
    },

    /** Of a range with very many, the newest. */
    async observations(stream: string, series: string, range: Range, signal?: AbortSignal): Promise<Columns> {
      const path = `${seriesPath(stream, series)}/observations?${rangeQuery(range)}&keep=newest&limit=${MOST_OBSERVATIONS}`;
      return readObservations(await get<Observations>(path, signal));
    },

    async truth(stream: string, series: string, range: Range, step: number, signal?: AbortSignal): Promise<Columns> {
      const path = `${seriesPath(stream, series)}/truth?${rangeQuery(range)}&step=${step}`;
      return readColumns(await get<z.output<typeof truthSchema>>(path, signal));
    },

    async forecast(body: ForecastBody, signal?: AbortSignal): Promise<ForecastAnswer> {
      const init = { method: 'POST', body: JSON.stringify(body), signal: signal ?? null };
      return readForecast(await request<RawForecast>(options, '/v1/forecast', init));
    },

    async models(stream: string, signal?: AbortSignal): Promise<ModelInfo[]> {
      const { models } = await get<{ models: ModelAnswer[] }>(`${streamPath(stream)}/models`, signal);
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

// Readers, one for each shape on the wire.

function readStream({ lastEventTime, training, ...same }: StreamAnswer): StreamInfo {
  return { ...same, lastEventTime: maybeMs(lastEventTime), training: training ?? undefined };
}

function readSeries({ series, observations, firstTime, lastTime }: z.output<typeof seriesSchema>): SeriesInfo {
  return { series, observations, firstTime: toMs(firstTime), lastTime: toMs(lastTime) };
}

type Observations = z.output<typeof observationsSchema>;

function readObservations({ observations: rows, next }: Observations): Columns {
  const names = new Set(rows.flatMap(({ values }) => Object.keys(values)));
  const columns = [...names].map((name) => [name, rows.map(({ values }) => values[name] ?? null)] as const);
  return { times: rows.map(({ time }) => toMs(time)), values: Object.fromEntries(columns), cut: next !== null };
}

function readColumns({ times, channels }: Pick<z.output<typeof truthSchema>, 'times' | 'channels'>): Columns {
  return { times: times.map(toMs), values: channels };
}

function readForecast({ times, kind, channels, model, lastEventTime, observationsUsed }: RawForecast): ForecastAnswer {
  return {
    times: times.map(toMs),
    kind,
    channels,
    model: { version: model.version, alias: model.alias, trainedThrough: toMs(model.trainedThrough) },
    lastEventTime: toMs(lastEventTime),
    observationsUsed,
  };
}

function readModel({ version, aliases, createdAt, trainedThrough, training, evaluation }: ModelAnswer): ModelInfo {
  return { version, aliases, createdAt: toMs(createdAt), trainedThrough: toMs(trainedThrough), training, evaluation };
}

function toMs(time: Time): number {
  return typeof time === 'number' ? time : (parseIsoTime(time) ?? Number.NaN);
}

function maybeMs(time: Time | null): number | undefined {
  return time === null ? undefined : toMs(time);
}
