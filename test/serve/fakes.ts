/** Small in-memory parts for the tests of the HTTP side: a store, a forecaster whose answers are known, a registry. */
import type { Observation, ObservationStore, WindowQuery } from '../../ingest/observation-store.ts';
import type { StreamSpec } from '../../ingest/stream.ts';
import type { Artifact, ArtifactHeader } from '../../model/artifact-format.ts';
import type { Forecast, Forecaster, ForecastQuery, History } from '../../model/forecast-types.ts';
import { createApp } from '../../serve/app.ts';
import type { AppParts, Limits, LiveModel, Logger, ModelRegistry, ModelSource } from '../../serve/app-parts.ts';
import { createChangeFeed } from '../../serve/change-feed.ts';
import { windowOf } from '../../serve/history.ts';
import { createMetrics } from '../../serve/metrics.ts';
import { DEFAULT_TIMEOUTS, listen, type RunningServer } from '../../serve/server.ts';

export const T0 = Date.UTC(2026, 10, 21, 22);
export const HOUR = 3_600_000;

export const spec: StreamSpec = {
  name: 'pumps',
  topic: 'odecast.pumps.events',
  channels: ['pressure', 'flow'],
  unknownChannels: 'refuse',
  acceptedTimes: { from: -62_135_596_800_000, to: 253_402_300_799_999 },
  maxEventBytes: 10_000,
  retention: {},
};

export const limits: Limits = {
  bodyBytes: 200_000,
  timesPerQuery: 500,
  queriesPerBatch: 5,
  samples: 64,
  concurrency: 8,
  subscribers: 4,
};

export function observation(series: string, time: number, pressure: number | null, flow: number | null): Observation {
  return { series, time, values: Float64Array.of(pressure ?? Number.NaN, flow ?? Number.NaN) };
}

export function memoryStore(): ObservationStore {
  const rows = new Map<string, Map<number, Float64Array>>();
  let revision = 0;
  const ordered = (series: string) => [...(rows.get(series) ?? [])].sort(([a], [b]) => a - b);
  const summary = (series: string) => {
    const times = ordered(series).map(([time]) => time);
    if (times.length === 0) return undefined;
    return { series, observations: times.length, firstTime: times[0], lastTime: times[times.length - 1] };
  };
  const all = () => [...rows.keys()].sort().flatMap((series) => summary(series) ?? []);
  return {
    async put(_stream, observations) {
      for (const { series, time, values } of observations)
        rows.set(series, (rows.get(series) ?? new Map()).set(time, values));
      revision += 1;
    },
    position: () => undefined,
    stream: () => ({
      observations: all().reduce((sum, s) => sum + s.observations, 0),
      series: rows.size,
      ...(rows.size === 0 ? {} : { firstTime: Math.min(...all().map((s) => s.firstTime)) }),
      ...(rows.size === 0 ? {} : { lastTime: Math.max(...all().map((s) => s.lastTime)) }),
      revision,
    }),
    listSeries: (_stream, { after, limit }) =>
      all()
        .filter((s) => after === undefined || s.series > after)
        .slice(0, limit),
    series: (_stream, series) => summary(series),
    window: (_stream, series, query) => windowOf(select(ordered(series), query), spec.channels.length),
    close: async () => {},
  };
}

function select(rows: [number, Float64Array][], query: WindowQuery) {
  const { from = -Infinity, to = Infinity, limit = Infinity, keep = 'newest' } = query;
  const within = rows.map(([time, values]) => ({ time, values })).filter((r) => r.time >= from && r.time <= to);
  return keep === 'newest' ? within.slice(Math.max(0, within.length - limit)) : within.slice(0, limit);
}

export interface FakeForecasterOptions {
  /** Waited for before each answer. */
  readonly before?: () => Promise<void> | void;
  /** Changes the answer. */
  readonly distort?: (forecast: Forecast) => Forecast;
}

/** Answers the mean of the last observation, and quantiles q above it: what went in can be told from what comes out. */
export function fakeForecaster({ before, distort = (f) => f }: FakeForecasterOptions = {}): Forecaster {
  return {
    channels: spec.channels,
    async forecast(history, query) {
      await before?.();
      return distort(answer(history, query));
    },
  };
}

function answer(history: History, { times, quantiles, samples, returnSamples }: ForecastQuery): Forecast {
  const window = history.window({ limit: 100 });
  const [first, last] = [window.times[0], window.times[window.times.length - 1]];
  const d = window.channels;
  const channels = spec.channels.map((_, c) => {
    const mean = Float64Array.from(times, (t) => window.values[(window.times.length - 1) * d + c] + (t - last) / HOUR);
    return {
      mean,
      quantiles: quantiles.map((q) => mean.map((m) => m + q)),
      ...(returnSamples ? { samples: Array.from({ length: samples }, () => mean) } : {}),
    };
  });
  return {
    kind: times.map((t) => (t >= first && t <= last ? 'interpolation' : 'extrapolation')),
    channels,
    lastEventTime: last,
    observationsUsed: window.times.length,
    solver: { functionEvaluations: 4 * times.length, steps: times.length, status: 'success' },
    beyondReach: times.map((t) => Math.abs(t - last) > 1e6 * HOUR),
  };
}

const scores = { rmse: 1, mae: 1, mase: 1, crps: 0.5, coverage: { '0.8': 0.79 }, width: { '0.8': 1.2 }, count: 10 };

export function header(version = 'v1', createdAt = T0): ArtifactHeader {
  return {
    format: 1,
    stream: spec.name,
    version,
    createdAt,
    spec: {
      channels: spec.channels,
      latentSize: 2,
      encoder: { kind: 'gru', units: 3, clock: 'gap' },
      dynamics: { units: 3, depth: 1, periodsMs: [] },
      decoder: { units: 3, likelihood: 'gaussian' },
      solver: { method: 'rk4', knotSpacing: 0.25, rtol: 1e-3, atol: 1e-4, gradient: 'adjoint' },
      timescaleMs: HOUR,
    },
    normalisation: {
      channels: [
        { location: 3, scale: 2 },
        { location: 10, scale: 1 },
      ],
    },
    calibration: {
      levels: [0.8],
      leadEndsMs: [HOUR],
      factors: [
        [[1], [1]],
        [[1], [1]],
      ],
    },
    window: { contextMs: 24 * HOUR, maxObservations: 100, horizonMs: 6 * HOUR },
    training: { seed: 1, steps: 5, windows: 160, seconds: 2, engine: 'fake', gradient: 'adjoint', lossCurve: [[1, 2]] },
    evaluation: {
      interpolation: scores,
      extrapolation: scores,
      baselines: { 'last-value': { rmse: 2, mae: 2, crps: 1 } },
      windows: 10,
    },
    trainedThrough: T0,
    positions: [],
  };
}

export function artifact(version = 'v1', createdAt = T0): Artifact {
  return { header: header(version, createdAt), parameters: new Float32Array(4) };
}

export function liveModel(forecaster: Forecaster = fakeForecaster(), version = 'v1'): LiveModel {
  return { header: header(version), alias: 'champion', engine: 'fake', forecaster };
}

/** One model that never changes, or none. */
export function fixedModel(model: LiveModel | undefined): ModelSource {
  return {
    current: () => model,
    acquire: () => (model === undefined ? undefined : { model, release: () => {} }),
    onSwap: () => () => {},
  };
}

export function memoryRegistry(artifacts: readonly Artifact[]): ModelRegistry {
  const names = new Map<string, string>();
  const [first] = artifacts;
  if (first) names.set('champion', first.header.version);
  const get = (version: string) => artifacts.find((a) => a.header.version === version);
  const crown = (version: string) => {
    names.set('previous', names.get('champion') ?? '');
    names.set('champion', version);
  };
  return {
    versions: () => [...artifacts],
    get: (_stream, version) => get(version),
    alias: (_stream, alias) => get(names.get(alias) ?? ''),
    aliasesOf: (_stream, version) =>
      (['champion', 'challenger', 'previous'] as const).filter((alias) => names.get(alias) === version),
    promote: async (_stream, version) => crown(version),
    rollback: async () => crown(names.get('previous') ?? ''),
  };
}

export const silent: Logger = { info: () => {}, warn: () => {}, error: () => {} };

/** A store with `pump-7` observed each hour for ten hours up to `T0`. */
export async function filledStore(): Promise<ObservationStore> {
  const store = memoryStore();
  const hours = Array.from({ length: 11 }, (_, i) => i);
  await store.put(
    'pumps',
    hours.map((i) => observation('pump-7', T0 - (10 - i) * HOUR, i, i % 2 === 0 ? 10 + i : null)),
  );
  return store;
}

export async function fakeParts(changes: Partial<AppParts> = {}): Promise<AppParts> {
  return {
    streams: [{ spec, windowMs: 24 * HOUR, horizonMs: 6 * HOUR }],
    limits,
    auth: { keys: [], anonymous: false },
    models: fixedModel(liveModel()),
    store: changes.store ?? (await filledStore()),
    appendEvents: async (_stream, events) => events.map(() => ({ accepted: true })),
    registry: memoryRegistry([artifact()]),
    changes: createChangeFeed(),
    metrics: createMetrics({ defaults: false }),
    clock: { now: () => T0 + 60_000 },
    logger: silent,
    readiness: () => ({ ready: true, reasons: [] }),
    ...changes,
  };
}

export interface TestServer extends RunningServer {
  readonly parts: AppParts;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
}

/** A real server on a free port. */
export async function serveParts(changes: Partial<AppParts> = {}, timeouts = DEFAULT_TIMEOUTS): Promise<TestServer> {
  const parts = await fakeParts(changes);
  const server = await listen(createApp(parts), { host: '127.0.0.1', port: 0, auth: parts.auth, timeouts });
  const json = { 'content-type': 'application/json' };
  return {
    ...server,
    parts,
    get: (path, headers = {}) => fetch(server.url + path, { headers }),
    post: (path, body, headers = {}) =>
      fetch(server.url + path, {
        method: 'POST',
        headers: { ...json, ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  };
}
