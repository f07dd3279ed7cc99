/** `odecast serve`: consumes its partitions, follows the models topic, answers queries. */
import { join, resolve } from 'node:path';
import { type Cleanup, cleaningUp } from '../cleanup.ts';
import { openDataFolder } from '../data-folder.ts';
import { loadConfig } from '../load-config.ts';
import { roleLogger } from '../logger.ts';
import { openLog } from '../roles/open-log.ts';
import { startServeRole } from '../roles/serve-role.ts';
import { untilStopped } from '../until-stopped.ts';

export interface ServeOptions {
  readonly config?: string;
}

export function serve(options: ServeOptions): Promise<void> {
  return cleaningUp((cleanup) => serveUntilStopped(options, cleanup));
}

async function serveUntilStopped(options: ServeOptions, cleanup: Cleanup): Promise<void> {
  const { config } = loadConfig({ path: options.config, environment: process.env, directory: process.cwd() });
  const folder = openDataFolder(join(resolve(config.data), 'serve'));
  cleanup.add(() => folder.release());
  const logger = roleLogger(config, 'serve');
  const log = await openLog(config, logger);
  cleanup.add(() => log.close());
  const role = await startServeRole({ config, log, folder: folder.path, logger });
  cleanup.add(() => role.close());
  logger.info({ url: role.server.url, log: log.description, engine: role.engine.description }, 'serving');
  await untilStopped([role.failed], () => logger.info({}, 'stopping'));
}
