/** `odecast serve`: consumes its partitions, follows the models topic, answers queries. */
import { join, resolve } from 'node:path';
import { openDataFolder } from '../data-folder.ts';
import { loadConfig } from '../load-config.ts';
import { roleLogger } from '../logger.ts';
import { openLog } from '../roles/open-log.ts';
import { startServeRole } from '../roles/serve-role.ts';
import { untilStopped } from '../until-stopped.ts';

export async function serve(options: { readonly config?: string }): Promise<void> {
  const { config } = loadConfig({ path: options.config, environment: process.env, directory: process.cwd() });
  const folder = openDataFolder(join(resolve(config.data), 'serve'));
  const logger = roleLogger(config, 'serve');
  const log = await openLog(config, logger);
  try {
    const role = await startServeRole({ config, log, folder: folder.path, logger });
    logger.info({ url: role.server.url, log: log.description, engine: role.engine.description }, 'serving');
    await untilStopped([role.failed], () => logger.info({}, 'stopping')).finally(() => role.close());
  } finally {
    await log.close();
    folder.release();
  }
}
