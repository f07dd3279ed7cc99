/** The serve role: the log → a store of its own; the models topic → live models; both → HTTP. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { appendEvents } from '../../ingest/append.ts';
import type { EventLog } from '../../ingest/log/event-log.ts';
import type { Logger } from '../../ingest/logger.ts';
import type { ObservationStore } from '../../ingest/observation-store.ts';
import { openStore } from '../../ingest/store.ts';
import type { Artifact } from '../../model/artifact-format.ts';
import type { EngineProvider } from '../../model/engine/engine.ts';
import { selectEngine } from '../../model/engine/select.ts';
import { createForecaster } from '../../model/forecast.ts';
import { openRegistry, type Registry } from '../../model/registry.ts';
import { createApp } from '../../serve/app.ts';
import type { AppParts, EventOutcome, Readiness, TrainingProgress } from '../../serve/app-parts.ts';
import { createChangeFeed } from '../../serve/change-feed.ts';
import { createMetrics, type Metrics } from '../../serve/metrics.ts';
import { createModelHost, type ModelHost } from '../../serve/model-host.ts';
import { listen, type RunningServer } from '../../serve/server.ts';
import type { Config } from '../config.ts';
import { CliError } from '../errors.ts';
import { DASHBOARD_DIR, VERSION } from '../package-info.ts';
import { MODELS_TOPIC, servedStream, streamNamed, streamSpec } from '../stream-options.ts';
import { type Ingests, startIngests } from './ingest-streams.ts';
import { ensureTopics } from './open-log.ts';

export interface ServeRoleParts {
  readonly config: Config;
  readonly log: EventLog;
  /** The role's own folder: its store. */
  readonly folder: string;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  /** Of simulated streams. */
  readonly truth?: AppParts['truth'];
  readonly simulated?: readonly string[];
  readonly training?: (stream: string) => TrainingProgress | undefined;
}

export interface ServeRole {
  readonly server: RunningServer;
  readonly store: ObservationStore;
  readonly engine: EngineProvider;
  readonly models: ModelHost;
  readonly readiness: () => Readiness;
  /** Never resolves; rejects when the log or the store has failed for good. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

const STORE_FOLDER = 'store';

export async function startServeRole(parts: ServeRoleParts): Promise<ServeRole> {
  const { config, log, folder, logger } = parts;
  await ensureTopics(log, config);
  const metrics = parts.metrics ?? createMetrics();
  const streams = config.streams.map(streamSpec);
  const store = openStore(join(folder, STORE_FOLDER), { streams, clock: Date.now });
  const changes = createChangeFeed();
  const engine = await selectEngine({ preference: config.engine });
  const models = openModelHost(config, engine, metrics, logger);
  const registry = await followModels(log, models, logger);
  const ingests = await startIngests({
    config,
    log,
    store,
    role: 'serve',
    logger,
    ...ingestCallbacks(metrics, changes.publish),
  });
  const readiness = watchReadiness(config, models, ingests);
  const app = createApp({
    ...configured(parts),
    models,
    store,
    appendEvents: (stream, events) => appendTo(config, log, stream, events),
    registry,
    changes,
    metrics: observed(metrics, config, store, ingests),
    clock: Date,
    logger,
    readiness,
  });
  const server = await listen(app, config);
  const close = async () => {
    await server.close();
    await ingests.close();
    await registry.close();
    models.close();
    await store.close();
  };
  return {
    server,
    store,
    engine,
    models,
    readiness,
    failed: Promise.race([ingests.failed, failureOf(registry)]),
    close,
  };
}

function configured({ config, truth, simulated = [], training }: ServeRoleParts) {
  return {
    streams: config.streams.map((stream) => servedStream(stream, simulated.includes(stream.name))),
    limits: config.limits,
    auth: config.auth,
    version: VERSION,
    ...(truth && { truth }),
    ...(training && { training }),
    ...(existsSync(DASHBOARD_DIR) && { dashboardDir: DASHBOARD_DIR }),
  };
}

function openModelHost(config: Config, engine: EngineProvider, metrics: Metrics, logger: Logger): ModelHost {
  return createModelHost({
    open: (artifact) => openModel(artifact, engine),
    channels: (stream) => streamNamed(config, stream)?.channels,
    clock: Date,
    logger,
    metrics,
  });
}

function openModel(artifact: Artifact, provider: EngineProvider) {
  const engine = provider.open(artifact.header.spec);
  return { forecaster: createForecaster({ artifact, engine }), engine: provider.name, close: () => engine.close() };
}

/** Each new champion on the topic becomes the live model; what is no model is reported and changes nothing. */
async function followModels(log: EventLog, models: ModelHost, logger: Logger): Promise<Registry> {
  // Undefined only while the present contents of the topic are read, before there is anything to ask.
  let registry: Registry | undefined;
  registry = await openRegistry({
    log,
    topic: MODELS_TOPIC,
    onChange: ({ stream, alias }) => {
      if (alias !== 'champion') return;
      const artifact = registry?.alias(stream, 'champion');
      if (artifact) void models.swap(stream, artifact);
    },
    onBroken: ({ key, error }) =>
      logger.error({ key, err: error }, 'a record of the models topic is no model of ours; the model before stays'),
  });
  await registry.caughtUp;
  // Champions that came before there was a registry to ask.
  await Promise.all(
    registry.streams().map(async (stream) => {
      const artifact = registry.alias(stream, 'champion');
      if (artifact) await models.swap(stream, artifact);
    }),
  );
  return registry;
}

async function appendTo(
  config: Config,
  log: EventLog,
  name: string,
  events: readonly unknown[],
): Promise<EventOutcome[]> {
  const stream = streamNamed(config, name);
  if (!stream) throw new CliError('bad-option', `There is no stream "${name}" in the configuration.`);
  const { refused } = await appendEvents(log, streamSpec(stream), events);
  const outcomes: EventOutcome[] = events.map(() => ({ accepted: true }));
  for (const { index, code, message } of refused) outcomes[index] = { accepted: false, reason: code, detail: message };
  return outcomes;
}

function ingestCallbacks(metrics: Metrics, publish: (stream: string, series: Iterable<string>) => void) {
  return {
    onStored: ({ stream, events, series }: { stream: string; events: number; series: Iterable<string> }) => {
      metrics.count('events_total', { stream, outcome: 'stored' }, events);
      publish(stream, series);
    },
    onRefused: (stream: string, outcome: string, events: number) =>
      metrics.count('events_total', { stream, outcome }, events),
  };
}

function observed(metrics: Metrics, config: Config, store: ObservationStore, ingests: Ingests): Metrics {
  metrics.beforeScrape(() => {
    for (const { name } of config.streams) {
      const lag = ingests.byStream.get(name)?.lag();
      metrics.set('store_observations', store.stream(name).observations, { stream: name });
      metrics.set('consumer_lag_records', lag?.records ?? 0, { stream: name });
      metrics.set('consumer_lag_seconds', lag?.seconds ?? 0, { stream: name });
    }
  });
  return metrics;
}

function watchReadiness(config: Config, models: ModelHost, ingests: Ingests): () => Readiness {
  let caughtUp = false;
  void ingests.caughtUp.then(
    () => {
      caughtUp = true;
    },
    () => undefined,
  );
  return () => {
    const missing = config.streams
      .filter(({ name }) => !models.current(name))
      .map(({ name }) => `no model of ${name} yet`);
    const reasons = caughtUp ? missing : ['the store has not caught up with the log', ...missing];
    return { ready: reasons.length === 0, reasons };
  };
}

function failureOf(registry: Registry): Promise<never> {
  return new Promise((_, reject) => registry.closed.catch(reject));
}
