/**
 * The real HTTP side over a small simulated world, for states of the page that a real process passes through too quickly
 * or never: no model yet, no data, an engine that fails, hundreds of series, no event stream. A point goes round a circle
 * once a minute and is seen about once a second; its forecast is exact up to `BIAS`.
 */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Observation, ObservationStore } from '../../ingest/observation-store.ts';
import type { StreamSpec } from '../../ingest/stream.ts';
import type { ArtifactHeader } from '../../model/artifact-format.ts';
import type { ChannelForecast, Forecast, Forecaster, History } from '../../model/forecast-types.ts';
import { createApp } from '../../serve/app.ts';
import type { AuthConfig, LiveModel, TrainingProgress } from '../../serve/app-parts.ts';
import { createChangeFeed } from '../../serve/change-feed.ts';
import { createMetrics } from '../../serve/metrics.ts';
import { listen } from '../../serve/server.ts';
import { header, limits, memoryRegistry, memoryStore, silent, spec } from '../serve/fakes.ts';

export type ModelState = 'ready' | 'training' | 'failing';

export interface CircleOptions {
  readonly dashboardDir: string;
  readonly model?: ModelState;
  readonly series?: number;
  /** A key that readers need. */
  readonly key?: string;
  /** Whether there are event streams. */
  readonly events?: boolean;
}

export interface CircleServer {
  readonly url: string;
  /** Times of each forecast that was asked, oldest first. */
  readonly asked: (readonly number[])[];
  /** Stores an observation of now of the first series and tells its subscribers. */
  addEvent(): Promise<void>;
  setModel(state: ModelState): void;
  close(): Promise<void>;
}

export const BIAS = 0.1;
export const VERSION = '20261122T030405Z-9f3ac2d1';
const STREAM = 'circles';
const NAMES = ['x', 'y'] as const;
const WINDOW_MS = 60_000;
const HORIZON_MS = 40_000;
const PERIOD_MS = 60_000;
const circleSpec: StreamSpec = { ...spec, name: STREAM, topic: 'odecast.circles.events', channels: NAMES };

export async function startCircleServer(options: CircleOptions): Promise<CircleServer> {
  const { series = 3, events = true } = options;
  const store = memoryStore();
  const names = Array.from({ length: series }, (_, i) => `circle-${i}`);
  await fill(store, names, Date.now());
  const changes = createChangeFeed();
  const asked: (readonly number[])[] = [];
  const swaps = new Set<(stream: string) => void>();
  let state: ModelState = options.model ?? 'ready';
  const model = circleModel(circleForecaster(asked, () => state === 'failing'));
  const current = () => (state === 'training' ? undefined : model);
  const auth: AuthConfig = { keys: keysOf(options.key), anonymous: false };
  const app = createApp({
    streams: [{ spec: circleSpec, windowMs: WINDOW_MS, horizonMs: HORIZON_MS, simulated: true }],
    limits: { ...limits, concurrency: 64, subscribers: events ? 16 : 0 },
    auth,
    models: {
      current,
      acquire: () => (state === 'training' ? undefined : { model, release: () => {} }),
      onSwap: (listener) => {
        swaps.add(listener);
        return () => swaps.delete(listener);
      },
    },
    store,
    appendEvents: async (_, rows) => rows.map(() => ({ accepted: true })),
    registry: {
      ...memoryRegistry([{ header: model.header, parameters: new Float32Array(4) }]),
      versions: () => versions(current()),
    },
    changes,
    metrics: createMetrics({ defaults: false }),
    clock: { now: Date.now },
    logger: silent,
    readiness: () => ({ ready: true, reasons: [] }),
    training: () => (state === 'training' ? LEARNING : undefined),
    truth: () => position,
    dashboardDir: options.dashboardDir,
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0, auth });
  let added = 0;
  return {
    url: server.url,
    asked,
    async addEvent() {
      await store.put(STREAM, [observationAt(names[0], Date.now(), added++)]);
      changes.publish(STREAM, [names[0]]);
      await nextTurn();
    },
    setModel(next) {
      state = next;
      for (const listener of swaps) listener(STREAM);
    },
    close: () => server.close(500),
  };
}

function keysOf(key: string | undefined): AuthConfig['keys'] {
  if (key === undefined) return [];
  return [{ name: 'reader', sha256: createHash('sha256').update(key).digest('hex'), scopes: ['read'] }];
}

function versions(model: LiveModel | undefined) {
  return model ? [{ header: model.header, parameters: new Float32Array(4) }] : [];
}

// The world.

function position(time: number): [number, number] {
  const angle = (2 * Math.PI * time) / PERIOD_MS;
  return [3 * Math.cos(angle), 3 * Math.sin(angle)];
}

/** The i-th observation: noise that repeats from run to run, and now and then no y. */
function observationAt(series: string, time: number, i: number): Observation {
  const [x, y] = position(time);
  const noise = 0.12 * Math.sin(12.9898 * i);
  return { series, time, values: Float64Array.of(x + noise, i % 7 === 3 ? Number.NaN : y - noise) };
}

async function fill(store: ObservationStore, names: readonly string[], now: number): Promise<void> {
  const lags = Array.from({ length: 60 }, (_, i) => Math.round(61_000 - 1000 * (i + 0.4 * Math.sin(7.1 * i))));
  for (const [age, name] of names.entries()) {
    await store.put(
      STREAM,
      lags.map((lag, i) => observationAt(name, now - lag - age * 20_000, i)),
    );
  }
}

// The model.

function circleForecaster(asked: (readonly number[])[], failing: () => boolean): Forecaster {
  return {
    channels: NAMES,
    async forecast(history, { times, quantiles }) {
      asked.push(times);
      if (failing()) throw new Error('the engine is on fire');
      return forecastOf(history, times, quantiles);
    },
  };
}

function forecastOf(history: History, times: readonly number[], quantiles: readonly number[]): Forecast {
  const { first, last } = history.bounds ?? { first: 0, last: 0 };
  return {
    kind: times.map((time) => (time >= first && time <= last ? 'interpolation' : 'extrapolation')),
    channels: NAMES.map((_, c) => channelOf(c, times, quantiles, first, last)),
    lastEventTime: last,
    observationsUsed: history.window({}).times.length,
    solver: { functionEvaluations: 4, steps: 1, status: 'success' },
    beyondReach: times.map(() => false),
  };
}

function channelOf(
  c: number,
  times: readonly number[],
  quantiles: readonly number[],
  first: number,
  last: number,
): ChannelForecast {
  const spread = (time: number) => 0.4 + Math.min(1.2, Math.max(0, time - last, first - time) / 40_000);
  const mean = Float64Array.from(times, (time) => position(time)[c] + BIAS);
  return { mean, quantiles: quantiles.map((q) => mean.map((m, i) => m + logistic(q) * spread(times[i]))) };
}

/** Quantile of a logistic distribution of unit variance. */
function logistic(q: number): number {
  return (Math.sqrt(3) / Math.PI) * Math.log(q / (1 - q));
}

const LOSS = Array.from(
  { length: 120 },
  (_, i) => [10 * i, 0.3 + 2.2 * Math.exp(-i / 18) + 0.05 * Math.sin(1.7 * i)] as const,
);

const LEARNING: TrainingProgress = {
  state: 'training',
  steps: 290,
  windows: 9280,
  remainingMs: 12_000,
  lossCurve: LOSS.slice(0, 30),
};

function circleModel(forecaster: Forecaster): LiveModel {
  return {
    header: circleHeader(header(VERSION, Date.now() - 42_000)),
    alias: 'champion',
    engine: 'circle',
    forecaster,
  };
}

function circleHeader(base: ArtifactHeader): ArtifactHeader {
  const scores = (factor: number) => ({ rmse: 0.31 * factor, mae: 0.22 * factor, crps: 0.16 * factor });
  const detail = { mase: 0.7, coverage: { 0.5: 0.52, 0.8: 0.81, 0.95: 0.94 }, width: {}, count: 4000 };
  return {
    ...base,
    stream: STREAM,
    trainedThrough: base.createdAt - 5000,
    training: { ...base.training, steps: 1200, windows: 38_400, seconds: 14, lossCurve: LOSS },
    evaluation: {
      interpolation: { ...scores(0.5), ...detail },
      extrapolation: { ...scores(1), ...detail },
      baselines: {
        'last-value': scores(4.1),
        linear: scores(2.3),
        'seasonal-naive': scores(3.6),
        'local-level': scores(3.9),
      },
      windows: 96,
    },
  };
}
