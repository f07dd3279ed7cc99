/** The serve role: the log → a store of its own; the models topic → live models; both → HTTP. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
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
import type { AppParts, Readiness, TrainingProgress } from '../../serve/app-parts.ts';
import { createChangeFeed } from '../../serve/change-feed.ts';
import { createEventAppender } from '../../serve/event-appender.ts';
import { createMetrics, type Metrics } from '../../serve/metrics.ts';
import { createModelHost, type ModelHost } from '../../serve/model-host.ts';
import { listen, type RunningServer } from '../../serve/server.ts';
import { type Cleanup, cleaningUpOnFailure } from '../cleanup.ts';
import type { Config } from '../config.ts';
import { failureOf } from '../failure.ts';
import { DASHBOARD_DIR, VERSION } from '../package-info.ts';
import { MODELS_TOPIC, servedStream, streamNamed, streamSpec } from '../stream-options.ts';
import { type Ingests, NOT_CAUGHT_UP, startIngests } from './ingest-streams.ts';
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

/** @throws ListenError, IngestError; what was opened before is closed again */
export function startServeRole(parts: ServeRoleParts): Promise<ServeRole> {
  return cleaningUpOnFailure((cleanup) => openServeRole(parts, cleanup));
}

async function openServeRole(parts: ServeRoleParts, cleanup: Cleanup): Promise<ServeRole> {
  const { config, log, folder, logger } = parts;
  const streams = config.streams.map(streamSpec);
  await ensureTopics(log, config);
  const metrics = parts.metrics ?? createMetrics();
  const store = openStore(join(folder, STORE_FOLDER), { streams, clock: Date.now });
  cleanup.add(() => store.close());
  const changes = createChangeFeed();
  const engine = await selectEngine({ preference: config.engine, log: (sentence) => logger.info({}, sentence) });
  const models = openModelHost(config, engine, metrics, logger);
  cleanup.add(() => models.close());
  const registry = await followModels(parts, models, cleanup);
  const callbacks = ingestCallbacks(metrics, changes.publish);
  const ingests = await startIngests({ config, log, store, role: 'serve', logger, ...callbacks });
  cleanup.add(() => ingests.close());
  readLag(metrics, ingests);
  const readiness = readinessOf(config, models, ingests);
  const app = createApp({
    ...configured(parts),
    models,
    store,
    appendEvents: createEventAppender({ streams, log, metrics }),
    registry,
    changes,
    metrics,
    clock: Date,
    logger,
    readiness,
  });
  const server = await listen(app, config);
  cleanup.add(() => server.close());
  const failed = failureOf([ingests.failed, registry.closed]);
  return { server, store, engine, models, readiness, failed, close: () => cleanup.run() };
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
    open: (artifact) => openModel(artifact, engine, metrics),
    channels: (stream) => streamNamed(config, stream)?.channels,
    clock: Date,
    logger,
    metrics,
  });
}

function openModel(artifact: Artifact, provider: EngineProvider, metrics: Metrics) {
  const { spec, stream } = artifact.header;
  const engine = provider.open(spec);
  const onRead = (outcome: string) => metrics.count('forecast_windows_total', { stream, outcome });
  return {
    forecaster: createForecaster({ artifact, engine, onRead }),
    engine: provider.name,
    close: () => engine.close(),
  };
}

/** Each new champion on the topic becomes the live model; what is no model is reported and changes nothing. */
async function followModels(
  { config, log, logger }: ServeRoleParts,
  models: ModelHost,
  cleanup: Cleanup,
): Promise<Registry> {
  // Undefined only while the present contents of the topic are read, before there is anything to ask.
  let registry: Registry | undefined;
  const goLive = async (stream: string) => {
    const artifact = registry?.alias(stream, 'champion');
    // The topic may carry models of streams that other servers serve.
    if (artifact && streamNamed(config, stream)) await models.swap(stream, artifact);
  };
  const opened = await openRegistry({
    log,
    topic: MODELS_TOPIC,
    onChange: ({ stream, alias }) => {
      if (alias === 'champion') void goLive(stream);
    },
    onBroken: ({ key, error }) =>
      logger.error({ key, err: error }, 'a record of the models topic is no model of ours; the model before stays'),
  });
  cleanup.add(() => opened.close());
  registry = opened;
  await opened.caughtUp;
  // Champions that came before there was a registry to ask.
  await Promise.all(opened.streams().map(goLive));
  return opened;
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

/** The lag of each consumer, read at a scrape. */
function readLag(metrics: Metrics, { byStream }: Ingests): void {
  metrics.beforeScrape(() => {
    for (const [stream, ingest] of byStream) {
      const { records, seconds } = ingest.lag();
      metrics.set('consumer_lag_records', records, { stream });
      metrics.set('consumer_lag_seconds', seconds, { stream });
    }
  });
}

function readinessOf(config: Config, models: ModelHost, { caughtUp }: Ingests): () => Readiness {
  return () => {
    const missing = config.streams
      .filter(({ name }) => !models.current(name))
      .map(({ name }) => `no model of ${name} yet`);
    const reasons = caughtUp() ? missing : [NOT_CAUGHT_UP, ...missing];
    return { ready: reasons.length === 0, reasons };
  };
}
