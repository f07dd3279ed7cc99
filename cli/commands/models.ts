/** `odecast models`: list, promote, roll back, on the models topic that every serving process follows. */
import { openRegistry, type Registry } from '../../model/registry.ts';
import { CliError } from '../errors.ts';
import { loadConfig } from '../load-config.ts';
import { roleLogger } from '../logger.ts';
import { ensureTopics, openLog } from '../roles/open-log.ts';
import { MODELS_TOPIC, streamNamed } from '../stream-options.ts';

export interface ModelsOptions {
  readonly config?: string;
  readonly stream?: string;
  readonly promote?: string;
  readonly rollback?: boolean;
}

export async function models(options: ModelsOptions): Promise<void> {
  const { config } = loadConfig({ path: options.config, environment: process.env, directory: process.cwd() });
  const names = options.stream ? [options.stream] : config.streams.map(({ name }) => name);
  const unknown = names.find((name) => !streamNamed(config, name));
  if (unknown) throw new CliError('bad-option', `There is no stream "${unknown}" in the configuration.`);
  if ((options.promote || options.rollback) && names.length > 1)
    throw new CliError('bad-option', 'Name the stream with --stream.');
  const log = await openLog(config, roleLogger({ logLevel: 'silent' }, 'models'));
  try {
    await ensureTopics(log, config);
    const registry = await openRegistry({ log, topic: MODELS_TOPIC });
    await registry.caughtUp;
    if (options.promote) await registry.promote(names[0], options.promote);
    if (options.rollback) await registry.rollback(names[0]);
    for (const name of names) process.stdout.write(listing(registry, name));
  } finally {
    await log.close();
  }
}

function listing(registry: Registry, stream: string): string {
  const rows = registry
    .versions(stream)
    .reverse()
    .map(({ header }) => {
      const { crps } = header.evaluation.extrapolation;
      const aliases = registry.aliasesOf(stream, header.version).join(', ');
      return `  ${header.version}  CRPS ${crps.toPrecision(4).padEnd(8)} ${header.training.steps} steps  ${aliases}\n`;
    });
  return `${stream}\n${rows.join('') || '  no model yet\n'}`;
}
