/** `odecast start`: all roles in one process tree. This process serves; the trainer is its child. */
import { join, resolve } from 'node:path';
import type { ObservationStore } from '../../ingest/observation-store.ts';
import { formatTime } from '../../ingest/time.ts';
import { createMetrics } from '../../serve/metrics.ts';
import { type Cleanup, cleaningUp } from '../cleanup.ts';
import type { Config, StreamConfig } from '../config.ts';
import { openDataFolder } from '../data-folder.ts';
import { DEMO_STREAMS, startDemo } from '../demo/sources.ts';
import { SPIRAL_WORLD, spiralTruth } from '../demo/spirals.ts';
import { type LoadedConfig, loadConfig } from '../load-config.ts';
import { roleLogger } from '../logger.ts';
import { DEMO_CONFIG, VERSION, WEATHER_CSV } from '../package-info.ts';
import { openLog } from '../roles/open-log.ts';
import { type ServeRole, startServeRole } from '../roles/serve-role.ts';
import { createTrainingBoard, recordTraining } from '../roles/training-metrics.ts';
import { streamSpec } from '../stream-options.ts';
import { shortPath, stdoutTerminal } from '../terminal.ts';
import { startTrainerProcess } from '../trainer-process.ts';
import { untilStopped } from '../until-stopped.ts';
import { createStartView, type FirstQuery, type StartView } from './start-view.ts';

export interface StartOptions {
  readonly config?: string;
}

const TRAINER_GRACE_MS = 3000;
const READY_POLL_MS = 100;

export function start(options: StartOptions): Promise<void> {
  return cleaningUp((cleanup) => startUntilStopped(options, cleanup));
}

async function startUntilStopped(options: StartOptions, cleanup: Cleanup): Promise<void> {
  const begun = performance.now();
  const loaded = loadConfig({
    path: options.config,
    environment: process.env,
    directory: process.cwd(),
    fallback: DEMO_CONFIG,
  });
  const config: Config = { ...loaded.config, data: resolve(loaded.config.data) };
  const terminal = stdoutTerminal();
  terminal.line(
    `odecast ${VERSION} · ${isDemo(loaded) ? 'demonstration' : shortPath(loaded.path)} · data in ${shortPath(config.data)}`,
  );
  const view = createStartView(terminal, config.streams);
  const folder = openDataFolder(config.data);
  cleanup.add(() => folder.release());
  const logger = roleLogger(config, 'start', join(config.data, 'odecast.log'));
  const log = await openLog(config, logger);
  cleanup.add(() => log.close());
  const board = createTrainingBoard();
  const metrics = createMetrics();
  const role = await startServeRole({
    config,
    log,
    folder: join(config.data, 'serve'),
    logger,
    metrics,
    training: board.of,
    ...simulation(loaded),
  });
  const trainer = startTrainerProcess({
    main: process.argv[1],
    args: ['train', '--watched', '--config', loaded.path],
    onReport: (report) => {
      view.training(report);
      recordTraining(metrics, report);
      board.record(report);
    },
    onDeath: (how, waitMs) => {
      logger.error({ how }, 'the trainer died');
      view.note(`The trainer ended (${how}); starting it again in ${waitMs / 1000} s. Forecasts go on.`);
    },
  });
  // Side by side: each may need its whole grace, and a person waits for both.
  cleanup.add(() => {
    const ended = trainer.stop(TRAINER_GRACE_MS);
    return role.close().finally(() => ended);
  });
  if (isDemo(loaded)) {
    const demo = await startDemo(demoParts(config, log, view, logger));
    cleanup.add(() => demo.stop());
  }
  const announced = announceReady(role, view, config, begun);
  cleanup.add(() => clearInterval(announced));
  await untilStopped([role.failed], () => terminal.line('\n  Stopping …'));
}

function isDemo({ path }: LoadedConfig): boolean {
  return path === DEMO_CONFIG;
}

function simulation(loaded: LoadedConfig) {
  if (!isDemo(loaded)) return {};
  const { spirals } = DEMO_STREAMS;
  return {
    simulated: [spirals],
    truth: (stream: string, series: string) => (stream === spirals ? spiralTruth(SPIRAL_WORLD, series) : undefined),
  };
}

function demoParts(
  config: Config,
  log: Parameters<typeof startDemo>[0]['log'],
  view: StartView,
  logger: ReturnType<typeof roleLogger>,
) {
  const [weather, spirals] = config.streams.map(streamSpec);
  return {
    log,
    streams: { weather, spirals },
    weatherCsv: WEATHER_CSV,
    markerFile: join(config.data, 'demo-sent-through'),
    now: () => Date.now(),
    onLoaded: view.loaded,
    onError: (error: unknown) => logger.error({ err: error }, 'the spirals could not be sent'),
  };
}

/** Looks until everything is ready, once; then says so with a query that has an answer now, if there is one. */
function announceReady(role: ServeRole, view: StartView, config: Config, begun: number): NodeJS.Timeout {
  const timer = setInterval(() => {
    if (!role.readiness().ready) return;
    clearInterval(timer);
    const example = config.streams.map((stream) => firstQuery(role.store, stream)).find((query) => query !== undefined);
    view.ready(role.server.url, example, performance.now() - begun);
  }, READY_POLL_MS);
  return timer;
}

/**
 * A time within the last observations of a series, and one a third of the horizon after them. Undefined where nothing is
 * stored: models outlive the events that they were trained on.
 */
function firstQuery(store: ObservationStore, { name, horizon }: StreamConfig): FirstQuery | undefined {
  const [known] = store.listSeries(name, { limit: 1 });
  if (!known) return undefined;
  const times = [known.lastTime - horizon / 10, known.lastTime + horizon / 3].map((t) => formatTime(Math.round(t)));
  return { stream: name, series: known.series, times };
}
