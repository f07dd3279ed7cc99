/** The train role: the log → a store of its own → trainers, one a stream, taking turns → artifacts on the models topic. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import type { EventLog } from '../../ingest/log/event-log.ts';
import type { Logger } from '../../ingest/logger.ts';
import type { ObservationStore } from '../../ingest/observation-store.ts';
import { openStore } from '../../ingest/store.ts';
import type { EngineProvider } from '../../model/engine/engine.ts';
import { selectEngine } from '../../model/engine/select.ts';
import { openRegistry, type Registry } from '../../model/registry.ts';
import { sourceOf } from '../../model/train/pool.ts';
import { createTrainer, type StepReport, type Trainer } from '../../model/train/trainer.ts';
import { type Cleanup, cleaningUp } from '../cleanup.ts';
import type { Config, StreamConfig } from '../config.ts';
import { failureOf } from '../failure.ts';
import { MODELS_TOPIC, streamSpec } from '../stream-options.ts';
import type { TrainingReport } from '../training-report.ts';
import { startIngests } from './ingest-streams.ts';
import { ensureTopics } from './open-log.ts';
import { runTrainLoop, type TrainedStream } from './train-loop.ts';

export interface TrainRoleParts {
  readonly config: Config;
  readonly log: EventLog;
  /** The role's own folder: its store and its checkpoints. */
  readonly folder: string;
  readonly logger: Logger;
  readonly report: (report: TrainingReport) => void;
  readonly signal: AbortSignal;
  /** Called once events are consumed, with what tells whether all that the log held is stored. */
  readonly onStarted?: (caughtUp: () => boolean) => void;
}

/** How often numbers are reported while steps run. */
const REPORT_EVERY_MS = 500;
/** Below what people wait for: an answer of the serving role always goes first. */
const NICE = 10;

/** Resolves when the signal has aborted and all is closed; rejects when a log, a store or a consumer has failed. */
export function runTrainRole(parts: TrainRoleParts): Promise<void> {
  setPriority(NICE);
  return cleaningUp((cleanup) => trainUntilStopped(parts, cleanup));
}

async function trainUntilStopped(parts: TrainRoleParts, cleanup: Cleanup): Promise<void> {
  const { config, log, folder, logger } = parts;
  await ensureTopics(log, config);
  const store = openStore(join(folder, 'store'), { streams: config.streams.map(streamSpec), clock: Date.now });
  cleanup.add(() => store.close());
  const registry = await openRegistry({
    log,
    topic: MODELS_TOPIC,
    onBroken: ({ key, error }) => logger.warn({ key, err: error }, 'a record of the models topic is no model of ours'),
  });
  cleanup.add(() => registry.close());
  await registry.caughtUp;
  const ingests = await startIngests({ config, log, store, role: 'train', logger });
  cleanup.add(() => ingests.close());
  parts.onStarted?.(ingests.caughtUp);
  const provider = await openEngine(parts);
  parts.report({ kind: 'engine', description: provider.description, gpu: provider.gpu });
  const streams = config.streams.map((stream) => {
    const trained = trainedStream(parts, stream, store, provider, registry);
    cleanup.add(() => trained.trainer.close());
    return trained;
  });
  const loop = startLoop(parts, streams, registry, cleanup);
  await Promise.race([loop, failureOf([ingests.failed, registry.closed])]);
}

/** Its choice is reported; what it does later, for a model that it cannot run, is logged. */
async function openEngine({ config, logger }: TrainRoleParts): Promise<EngineProvider> {
  const { engine: preference, threads } = config;
  const log = (sentence: string) => logger.info({}, sentence);
  return selectEngine({ preference, log, ...(threads && { threads }) });
}

/** The loop is the first to end: nothing is closed under a step that still runs. */
function startLoop(
  { report, signal }: TrainRoleParts,
  streams: readonly TrainedStream[],
  registry: Registry,
  cleanup: Cleanup,
): Promise<void> {
  const ending = new AbortController();
  const loop = runTrainLoop({
    streams,
    registry,
    report,
    signal: AbortSignal.any([signal, ending.signal]),
    monotonic: () => performance.now(),
  });
  cleanup.add(async () => {
    ending.abort();
    await loop.catch(() => undefined);
  });
  return loop;
}

function trainedStream(
  parts: TrainRoleParts,
  stream: StreamConfig,
  store: ObservationStore,
  provider: EngineProvider,
  registry: Registry,
): TrainedStream {
  const { firstRound, round, rest } = stream.training;
  const file = join(parts.folder, `${stream.name}.checkpoint.safetensors`);
  const reporter = stepReporter(parts, stream, () => registry.alias(stream.name, 'champion') !== undefined);
  return {
    name: stream.name,
    trainer: openTrainer(parts, stream, store, provider, file, reporter.onStep),
    firstRoundMs: firstRound,
    roundMs: round,
    restMs: rest,
    onRound: reporter.onRound,
    observations: () => store.stream(stream.name).observations,
    save: (checkpoint) => replaceFile(file, checkpoint),
  };
}

function openTrainer(
  { logger }: TrainRoleParts,
  stream: StreamConfig,
  store: ObservationStore,
  provider: EngineProvider,
  file: string,
  onStep: (step: StepReport) => void,
): Trainer {
  const { topic } = streamSpec(stream);
  const task = {
    options: stream,
    source: sourceOf(store, stream.name),
    provider,
    clock: { monotonic: () => performance.now(), now: () => Date.now() },
    positions: () => positionsOf(store, topic),
    onStep,
  };
  if (!existsSync(file)) return createTrainer(task);
  try {
    return createTrainer({ ...task, checkpoint: readFileSync(file) });
  } catch (error) {
    logger.warn(
      { stream: stream.name, err: error },
      'the checkpoint does not fit and is put aside; training begins anew',
    );
    renameSync(file, `${file}.unused`);
    return createTrainer(task);
  }
}

/** More partitions than any topic of ours has are not asked for. */
const MAX_PARTITIONS = 1024;

function positionsOf(store: ObservationStore, topic: string) {
  return Array.from({ length: MAX_PARTITIONS }, (_, partition) => ({
    topic,
    partition,
    next: store.position(topic, partition),
  })).flatMap(({ next, ...place }) => (next === undefined ? [] : [{ ...place, next }]));
}

/** Whole or not at all: a reader never sees half a file. */
function replaceFile(file: string, content: Uint8Array): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}

/** Turns steps into a report now and then. */
function stepReporter({ report }: TrainRoleParts, stream: StreamConfig, published: () => boolean) {
  let round = { start: 0, budgetMs: 0, first: true };
  let since = { at: 0, steps: 0, ms: 0 };
  return {
    onRound: (budgetMs: number) => {
      round = { start: performance.now(), budgetMs, first: !published() };
    },
    onStep: ({ step, loss, durationMs }: StepReport) => {
      since = { ...since, steps: since.steps + 1, ms: since.ms + durationMs };
      const now = performance.now();
      if (now - since.at < REPORT_EVERY_MS) return;
      const { training, name } = stream;
      const stepMs = since.ms / since.steps;
      const windows = since.steps * training.batchSize;
      const elapsedMs = now - round.start;
      report({
        kind: 'progress',
        stream: name,
        steps: step,
        windows,
        loss,
        stepMs,
        elapsedMs,
        budgetMs: round.budgetMs,
        first: round.first,
      });
      since = { at: now, steps: 0, ms: 0 };
    },
  };
}
