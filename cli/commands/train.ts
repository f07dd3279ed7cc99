/** `odecast train`: consumes events into its own store, trains without pause, publishes what passes the gate. */
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { createMetrics } from '../../serve/metrics.ts';
import { createOperationsApp } from '../../serve/operations.ts';
import { listen } from '../../serve/server.ts';
import type { Config } from '../config.ts';
import { openDataFolder } from '../data-folder.ts';
import { loadConfig } from '../load-config.ts';
import { roleLogger } from '../logger.ts';
import { openLog } from '../roles/open-log.ts';
import { runTrainRole } from '../roles/train-role.ts';
import { recordTraining } from '../roles/training-metrics.ts';
import { parentChannel } from '../trainer-process.ts';
import type { TrainingReport } from '../training-report.ts';
import { untilStopped } from '../until-stopped.ts';

export interface TrainOptions {
  readonly config?: string;
  /** Started by `odecast start`, which hears its reports. */
  readonly watched?: boolean;
}

interface Watch {
  readonly report: (report: TrainingReport) => void;
  readonly signal: AbortSignal;
  readonly close: () => Promise<void>;
}

export async function train(options: TrainOptions): Promise<void> {
  const { config } = loadConfig({ path: options.config, environment: process.env, directory: process.cwd() });
  const folder = openDataFolder(join(resolve(config.data), 'train'));
  const channel = options.watched ? parentChannel() : undefined;
  const logger = roleLogger(config, 'train', channel && join(resolve(config.data), 'odecast.log'));
  const log = await openLog(config, logger);
  const watch = channel ? { ...channel, close: async () => undefined } : await standalone(config, logger);
  try {
    await runTrainRole({ config, log, folder: folder.path, logger, ...watch });
  } finally {
    await watch.close();
    await log.close();
    folder.release();
  }
}

/** Alone, it logs what happens and answers probes and scrapes; it ends at a signal. */
async function standalone(config: Config, logger: Logger): Promise<Watch> {
  const metrics = createMetrics();
  const controller = new AbortController();
  const ready = { ready: true, reasons: [] };
  // Probes and metrics are for the orchestrator; there is nothing here that a key would protect.
  const server = await listen(createOperationsApp({ metrics, logger, readiness: () => ready }), {
    ...config,
    auth: { keys: [], anonymous: true },
  });
  logger.info({ url: server.url }, 'probes and metrics');
  void untilStopped([], () => controller.abort());
  const report = (event: TrainingReport) => {
    recordTraining(metrics, event);
    const level = event.kind === 'progress' || event.kind === 'waiting' || event.kind === 'idle' ? 'debug' : 'info';
    logger[level](event, `training: ${event.kind}`);
  };
  return { report, signal: controller.signal, close: () => server.close() };
}
