/**
 * What the HTTP side is composed of. `cli` builds each part and hands them to `createApp`; nothing below `serve/`
 * reaches for a clock, a log, a store or an engine by itself.
 *
 * Terms: a *stream* is a topic's worth of series with the same channels; a *series* is one of its keys; the *live*
 * model of a stream is the one that answers now.
 */
import type { ObservationStore } from '../ingest/observation-store.ts';
import type { StreamSpec } from '../ingest/stream.ts';
import type { ArtifactHeader } from '../model/artifact-format.ts';
import type { Forecaster } from '../model/forecast-types.ts';
import type { Registry } from '../model/registry.ts';
import type { Metrics } from './metrics.ts';

export interface AppParts {
  readonly streams: readonly ServedStream[];
  readonly limits: Limits;
  readonly auth: AuthConfig;
  /** The live models; `createModelHost` makes one. */
  readonly models: ModelSource;
  readonly store: ObservationStore;
  /**
   * Checks each event (a parsed JSON value, `{series, time, values}`), appends the good ones in order to the stream's
   * topic, and resolves when they are durable: one outcome an event, in order. Rejects if the log does not take them.
   */
  readonly appendEvents: (stream: string, events: readonly unknown[]) => Promise<readonly EventOutcome[]>;
  readonly registry: ModelRegistry;
  /** Tells which series have new observations; `createChangeFeed` makes one, and the consumer publishes to it. */
  readonly changes: ChangeSource;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly readiness: () => Readiness;
  /** How the training of a stream goes, where this process knows. */
  readonly training?: (stream: string) => TrainingProgress | undefined;
  /** The channels' true values at a time, where a series is simulated. */
  readonly truth?: (stream: string, series: string) => ((timeMs: number) => readonly number[]) | undefined;
  /** The built dashboard, served at `/`. */
  readonly dashboardDir?: string;
  /** For `/openapi.json`. */
  readonly version?: string;
}

export interface ServedStream {
  readonly spec: StreamSpec;
  /** Longest context that a forecast reads, ms. */
  readonly windowMs: number;
  /** How far ahead the model is trained, ms. */
  readonly horizonMs: number;
  /** Whether `truth` knows its series. */
  readonly simulated?: boolean;
}

export interface Limits {
  readonly bodyBytes: number;
  readonly timesPerQuery: number;
  readonly queriesPerBatch: number;
  /** Posterior samples of one query. */
  readonly samples: number;
  /** Requests in work before new ones are shed. */
  readonly concurrency: number;
  /** Open event streams. Default `DEFAULT_SUBSCRIBERS`. */
  readonly subscribers?: number;
}

export const DEFAULT_SUBSCRIBERS = 256;

export type Scope = 'read' | 'write' | 'admin';

export interface AuthConfig {
  /** With no keys there is no authentication, which `listen` allows on loopback only. */
  readonly keys: readonly { readonly name: string; readonly sha256: string; readonly scopes: readonly Scope[] }[];
  /** Without keys: serve everything to everyone on any host. Beside keys: a request without a key may read. */
  readonly anonymous: boolean;
}

export type EventOutcome =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly reason: string; readonly detail: string };

/** A model that answers. */
export interface LiveModel {
  readonly header: ArtifactHeader;
  readonly alias: string;
  /** Name of the engine that computes it. */
  readonly engine: string;
  readonly forecaster: Forecaster;
}

/** A model that stays open until it is released, whatever is swapped meanwhile. */
export interface ModelLease {
  readonly model: LiveModel;
  /** Idempotent. */
  release(): void;
}

export interface ModelSource {
  /** To look at; its forecaster may be closed by the next swap. */
  current(stream: string): LiveModel | undefined;
  /** To compute with. */
  acquire(stream: string): ModelLease | undefined;
  /** Calls back after each change of the live model; returns what ends that. */
  onSwap(listener: (stream: string) => void): () => void;
}

/** What of `model/registry.ts` the routes use. */
export type ModelRegistry = Pick<Registry, 'versions' | 'get' | 'alias' | 'aliasesOf' | 'promote' | 'rollback'>;

export interface ChangeSource {
  /** Calls back when observations of the series were stored; returns what ends that. */
  subscribe(stream: string, series: string, listener: () => void): () => void;
}

export interface TrainingProgress {
  readonly state: 'waiting' | 'training' | 'idle';
  readonly steps: number;
  readonly windows: number;
  /** [step, loss], thinned, oldest first. */
  readonly lossCurve: readonly (readonly [number, number])[];
  /** Until the next artifact is expected, ms. */
  readonly remainingMs?: number;
}

export interface Readiness {
  readonly ready: boolean;
  /** What is still missing, for people: `no model of spirals yet`. */
  readonly reasons: readonly string[];
}

/** ms since the epoch. */
export interface Clock {
  now(): number;
}

/** The part of pino that is used here. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
