/** `odecast train`: consumes events into its own store, trains without pause, publishes what passes the gate. */
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { createMetrics } from '../../serve/metrics.ts';
import { createOperationsApp } from '../../serve/operations.ts';
import { listen } from '../../serve/server.ts';
import { type Cleanup, cleaningUp } from '../cleanup.ts';
import type { Config } from '../config.ts';
import { openDataFolder } from '../data-folder.ts';
import { loadConfig } from '../load-config.ts';
import { roleLogger } from '../logger.ts';
import { NOT_CAUGHT_UP } from '../roles/ingest-streams.ts';
import { openLog } from '../roles/open-log.ts';
import { runTrainRole, type TrainRoleParts } from '../roles/train-role.ts';
import { recordTraining } from '../roles/training-metrics.ts';
import { parentChannel } from '../trainer-process.ts';
import type { TrainingReport } from '../training-report.ts';
import { untilStopped } from '../until-stopped.ts';

export interface TrainOptions {
  readonly config?: string;
  /** Started by `odecast start`, which hears its reports. */
  readonly watched?: boolean;
}

/** Who hears what the trainer tells, and says when it ends: the parent, or the log, the metrics and the signals. */
type Watch = Pick<TrainRoleParts, 'report' | 'signal' | 'onStarted'>;

export function train(options: TrainOptions): Promise<void> {
  return cleaningUp((cleanup) => trainWatched(options, cleanup));
}

async function trainWatched(options: TrainOptions, cleanup: Cleanup): Promise<void> {
  const channel = options.watched ? parentChannel() : undefined;
  if (channel) cleanup.add(() => channel.close());
  const { config } = loadConfig({ path: options.config, environment: process.env, directory: process.cwd() });
  const folder = openDataFolder(join(resolve(config.data), 'train'));
  cleanup.add(() => folder.release());
  const logger = roleLogger(config, 'train', channel && join(resolve(config.data), 'odecast.log'));
  const log = await openLog(config, logger);
  cleanup.add(() => log.close());
  const watch = channel ?? (await standalone(config, logger, cleanup));
  await runTrainRole({ config, log, folder: folder.path, logger, ...watch });
}

/** Alone, it logs what happens and answers probes and scrapes; it ends at a signal. */
async function standalone(config: Config, logger: Logger, cleanup: Cleanup): Promise<Watch> {
  const metrics = createMetrics();
  const controller = new AbortController();
  let caughtUp = () => false;
  const readiness = () => (caughtUp() ? { ready: true, reasons: [] } : { ready: false, reasons: [NOT_CAUGHT_UP] });
  // Probes and metrics are for the orchestrator; there is nothing here that a key would protect.
  const auth = { keys: [], anonymous: true };
  const server = await listen(createOperationsApp({ metrics, logger, readiness }), { ...config, auth });
  cleanup.add(() => server.close());
  logger.info({ url: server.url }, 'probes and metrics');
  void untilStopped([], () => controller.abort());
  return {
    report: (report) => {
      recordTraining(metrics, report);
      logReport(logger, report);
    },
    signal: controller.signal,
    onStarted: (isCaughtUp) => {
      caughtUp = isCaughtUp;
    },
  };
}

const OFTEN: readonly TrainingReport['kind'][] = ['progress', 'waiting', 'idle'];

function logReport(logger: Logger, report: TrainingReport): void {
  logger[OFTEN.includes(report.kind) ? 'debug' : 'info'](report, `training: ${report.kind}`);
}
