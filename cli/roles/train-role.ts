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
import type { Config, StreamConfig } from '../config.ts';
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
}

/** How often numbers are reported while steps run. */
const REPORT_EVERY_MS = 500;
/** Below what people wait for: an answer of the serving role always goes first. */
const NICE = 10;

/** Resolves when the signal has aborted and all is closed. */
export async function runTrainRole(parts: TrainRoleParts): Promise<void> {
  const { config, log, folder, logger, signal } = parts;
  setPriority(NICE);
  await ensureTopics(log, config);
  const store = openStore(join(folder, 'store'), { streams: config.streams.map(streamSpec), clock: Date.now });
  const ingests = await startIngests({ config, log, store, role: 'train', logger });
  const registry = await openRegistry({
    log,
    topic: MODELS_TOPIC,
    onBroken: (r) => logger.warn(r, 'a broken record on the models topic'),
  });
  await registry.caughtUp;
  const provider = await selectEngine({ preference: config.engine });
  parts.report({ kind: 'engine', description: provider.description, gpu: provider.gpu });
  const streams = config.streams.map((stream) => trainedStream(parts, stream, store, provider, registry));
  try {
    await Promise.race([
      runTrainLoop({ ...parts, streams, registry, monotonic: () => performance.now() }),
      ingests.failed,
    ]);
  } finally {
    await closeAll(streams, ingests, registry, store);
  }
  if (!signal.aborted) logger.warn({}, 'training ended by itself');
}

async function closeAll(
  streams: readonly TrainedStream[],
  ingests: { close(): Promise<void> },
  registry: Registry,
  store: ObservationStore,
) {
  for (const { trainer } of streams) trainer.close();
  await ingests.close();
  await registry.close();
  await store.close();
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
