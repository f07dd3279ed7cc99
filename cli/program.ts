/** The commands and their options. What each one does is in `commands/`, loaded only when it runs. */
import { Command } from 'commander';
import { IngestError } from '../ingest/errors.ts';
import { ModelError } from '../model/errors.ts';
import { ListenError } from '../serve/server.ts';
import { CliError } from './errors.ts';
import { VERSION } from './package-info.ts';

/** @returns the exit code */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([...argv]);
    return 0;
  } catch (error) {
    return complain(error);
  }
}

function createProgram(): Command {
  const program = new Command('odecast').version(VERSION);
  program.description('Forecasts at any timestamp from irregular event streams.');
  const config = [
    '-c, --config <file>',
    'configuration (default: ODECAST_CONFIG, odecast.config.json or .yaml)',
  ] as const;
  program
    .command('start')
    .description('all roles in one process tree; without a configuration, the demonstration')
    .option(...config)
    .action(async (options) => (await import('./commands/start.ts')).start(options));
  program
    .command('serve')
    .description('answer queries: consume events, follow the models topic')
    .option(...config)
    .action(async (options) => (await import('./commands/serve.ts')).serve(options));
  program
    .command('train')
    .description('train without pause, publish what passes the gate')
    .option(...config)
    .option('--watched', 'report to the process that started this one')
    .action(async (options) => (await import('./commands/train.ts')).train(options));
  return program;
}

/** A known trouble is one sentence on stderr; an unknown one keeps its stack, for us. */
function complain(error: unknown): number {
  const known =
    error instanceof CliError ||
    error instanceof ListenError ||
    error instanceof IngestError ||
    error instanceof ModelError;
  console.error(known ? `odecast: ${error.message}` : error);
  return 1;
}
