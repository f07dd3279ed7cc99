/** The commands and their options. What each one does is in `commands/`, loaded only when it runs. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { IngestError } from '../ingest/errors.ts';
import { EngineError } from '../model/engine/engine-error.ts';
import { ENGINE_PREFERENCES } from '../model/engine/select.ts';
import { ModelError } from '../model/errors.ts';
import { BOUNDS } from '../model/latent/batch.ts';
import { ENCODERS, GRADIENT_MODES, LIKELIHOODS, SOLVER_METHODS } from '../model/latent/spec.ts';
import { ListenError } from '../serve/server.ts';
import { parseDuration } from '../serve/time.ts';
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
  program
    .command('replay')
    .description('put a file’s events onto the log')
    .argument('<file>', 'CSV (series,time,<channel>…) or NDJSON, plain or .gz')
    .option(...config)
    .requiredOption('-s, --stream <name>', 'the stream they are of')
    .option('-p, --pace <factor>', '"max", or how many times faster than they happened', 'max')
    .action(async (file, options) => (await import('./commands/replay.ts')).replay(file, options));
  program
    .command('models')
    .description('list models; promote one, or roll back')
    .option(...config)
    .option('-s, --stream <name>')
    .option('--promote <version>', 'make this version the one that answers')
    .option('--rollback', 'make the previous one answer again')
    .action(async (options) => (await import('./commands/models.ts')).models(options));
  addFileCommands(program);
  addSolveCommand(program);
  return program;
}

/** Commands for people at a terminal, on files, without any log. */
function addFileCommands(program: Command): void {
  const engine = new Option('--engine <name>', 'what computes the model').choices(ENGINE_PREFERENCES).default('auto');
  const list = (text: string) => text.split(',').map((part) => part.trim());
  program
    .command('fit')
    .description('learn a model from a file')
    .argument('<file>', 'CSV (series,time,<channel>…) or NDJSON, plain or .gz')
    .option('-o, --out <file>', 'the model file', 'model.safetensors')
    .option('--channels <a,b>', 'channels to learn (default: every column of numbers)', list)
    .option('--window <duration>', 'longest context, e.g. 60d (default: about 60 observations)')
    .option('--horizon <duration>', 'how far ahead to learn, e.g. 14d (default: about 20 observations)')
    .option('--period <durations>', 'seasonal periods, e.g. 1d,365.25d', list)
    .option('--budget <duration>', 'training time', '60s')
    .option('--steps <n>', 'training steps instead of a time: the run is then reproducible', positiveInteger)
    .option('--seed <n>', '', positiveInteger, 1)
    .addOption(new Option('--encoder <kind>', 'what reads the observations').choices(ENCODERS))
    .addOption(new Option('--likelihood <kind>', 'student-t for data with outliers').choices(LIKELIHOODS))
    .addOption(new Option('--bound <bound>', 'what training raises').choices(BOUNDS))
    .option('--samples <n>', 'posterior samples of the training loss', positiveInteger)
    .addOption(new Option('--method <name>', 'solver').choices(SOLVER_METHODS))
    .addOption(new Option('--gradient <mode>', 'how the gradient is computed').choices(GRADIENT_MODES))
    .addOption(engine)
    .action(async (file, options) => (await import('./commands/fit.ts')).fit(file, options));
  program
    .command('forecast')
    .description('forecast a file’s series with a model file')
    .argument('<file>', 'the series so far')
    .option('-m, --model <file>', 'the model file', 'model.safetensors')
    .option('-s, --series <name>', 'needed where the file has several')
    .option('-t, --times <list>', 'ISO 8601 or ms since the epoch, separated by commas', list)
    .option('--horizon <duration>', 'equally spaced times up to so far after the last observation', milliseconds)
    .option('-n, --points <n>', 'how many of them', positiveInteger, 20)
    .option('-q, --quantiles <list>', 'in (0, 1)', (text) => list(text).map(probability), [0.05, 0.5, 0.95])
    .option('--samples <n>', 'posterior samples', positiveInteger, 64)
    .option('--plot <file>', 'draw a picture: .svg or .png')
    .addOption(new Option('--format <name>').choices(['csv', 'json']).default('csv'))
    .addOption(engine)
    .action(async (file, options) => (await import('./commands/forecast.ts')).forecast(file, options));
}

/** The solvers by themselves: no data, no model. */
function addSolveCommand(program: Command): void {
  program
    .command('solve')
    .description('solve a differential equation; without a problem, list those that have a name')
    .argument('[problem]', 'a named problem')
    .option('--field <text>', 'or your own: "y*sin(t)^2", "x\' = v; v\' = -x", "x\'\' = -x"')
    .option('--y0 <numbers>', 'the start, one number for each component, separated by commas')
    .option('--t0 <t>', 'where it starts (default: 0)', finiteNumber)
    .option('--t1 <t>', 'where it ends (default: 10 later)', finiteNumber)
    .option('--exact <text>', 'the exact solution in t, to measure errors against')
    .option('--method <names>', 'one or more of the library’s methods, e.g. euler,rk4,tsit5', (text) =>
      text.split(',').map((part) => part.trim()),
    )
    .option('--rtol <tolerance>', 'relative tolerance (default: 1e-6)', finiteNumber)
    .option('--atol <tolerance>', 'absolute tolerance (default: 1e-9)', finiteNumber)
    .option('--steps <n>', 'equal steps instead of a tolerance', positiveInteger)
    .option('--plot <file>', 'draw the solution, its error and the vector field: .svg or .png')
    .action(async (problem, options) => (await import('./commands/solve.ts')).solveProblem(problem, options));
}

function finiteNumber(text: string): number {
  const n = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(n)) return n;
  throw new InvalidArgumentError('Give a number.');
}

function positiveInteger(text: string): number {
  const n = Number(text);
  if (Number.isSafeInteger(n) && n > 0) return n;
  throw new InvalidArgumentError('Give a whole number above 0.');
}

function milliseconds(text: string): number {
  const ms = parseDuration(text) ?? 0;
  if (ms > 0) return ms;
  throw new InvalidArgumentError('Give a duration above 0, like "30s", "12h", "7d".');
}

function probability(text: string): number {
  const p = Number(text);
  if (p > 0 && p < 1) return p;
  throw new InvalidArgumentError('Give numbers between 0 and 1.');
}

const KNOWN = [CliError, ListenError, IngestError, ModelError];

function isKnown(error: unknown): error is Error {
  if (error instanceof EngineError) return error.code === 'no-engine';
  return KNOWN.some((kind) => error instanceof kind);
}

/** A known trouble is one sentence on stderr; an unknown one keeps its stack, for us. */
function complain(error: unknown): number {
  console.error(isKnown(error) ? `odecast: ${error.message}` : error);
  return 1;
}
