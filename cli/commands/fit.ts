/** `odecast fit`: a file → a model file, without any log. Ctrl-C ends training early and keeps what was learnt. */
import { accessSync, constants, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { encodeArtifact } from '../../model/artifact.ts';
import type { Artifact, Scores } from '../../model/artifact-format.ts';
import { type EnginePreference, selectEngine } from '../../model/engine/select.ts';
import { sourceOf } from '../../model/train/pool.ts';
import { createTrainer, type Trainer } from '../../model/train/trainer.ts';
import { naturalSpans } from '../cadence.ts';
import { type StreamConfig, streamSchema } from '../config.ts';
import { CliError, systemCode } from '../errors.ts';
import { FILE_STREAM, type FileStore, openFileStore, warnOfRefused } from '../file-store.ts';
import { bar, count, duration, stdoutTerminal, type Terminal } from '../terminal.ts';

export interface FitOptions {
  readonly out: string;
  readonly channels?: string[];
  readonly window?: string;
  readonly horizon?: string;
  readonly period?: string[];
  readonly budget: string;
  readonly steps?: number;
  readonly seed: number;
  readonly encoder?: string;
  readonly likelihood?: string;
  readonly bound?: string;
  readonly samples?: number;
  readonly method?: string;
  readonly gradient?: string;
  readonly engine: EnginePreference;
}

const UPDATE_EVERY_MS = 250;

export async function fit(path: string, options: FitOptions): Promise<void> {
  requireWritable(options.out);
  const file = await openFileStore(path, options.channels);
  const terminal = stdoutTerminal();
  try {
    warnOfRefused(path, file);
    const stream = streamOf(file, options);
    terminal.line(
      `${count(file.observations)} observations of ${file.channels.join(', ')} · window ${duration(stream.window)} · horizon ${duration(stream.horizon)}`,
    );
    const artifact = await train(file, stream, options, terminal);
    writeWhole(options.out, encodeArtifact(artifact));
    for (const line of summary(artifact, options.out)) terminal.line(line);
  } finally {
    await file.close();
  }
}

function streamOf(
  file: FileStore,
  { window, horizon, period, seed, steps, budget, ...options }: FitOptions,
): StreamConfig {
  const { encoder, likelihood, method, gradient, bound, samples } = options;
  const spans = window && horizon ? undefined : naturalSpans(file.store);
  const result = streamSchema.safeParse({
    name: FILE_STREAM,
    channels: file.channels,
    window: window ?? spans?.window,
    horizon: horizon ?? spans?.horizon,
    periods: period ?? [],
    model: { encoder, likelihood, method, gradient, instanceNormalisation: true },
    training: { seed, round: budget, maxSteps: steps, bound, samples },
  });
  if (result.success) return result.data;
  throw new CliError('bad-option', `These options do not fit together.\n${z.prettifyError(result.error)}`);
}

async function train(
  file: FileStore,
  stream: StreamConfig,
  options: FitOptions,
  terminal: Terminal,
): Promise<Artifact> {
  const provider = await selectEngine({ preference: options.engine });
  terminal.line(provider.description);
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop);
  const trainer = createTrainer({
    options: stream,
    source: sourceOf(file.store, FILE_STREAM),
    provider,
    clock: { monotonic: () => performance.now(), now: () => Date.now() },
    onStep: progressLine(terminal, stream, options.steps),
  });
  try {
    await trainFor(trainer, stream, options.steps, controller.signal);
    terminal.done('fit');
    return await trainer.artifact();
  } finally {
    process.off('SIGINT', stop);
    trainer.close();
  }
}

async function trainFor(
  trainer: Trainer,
  { training: { round } }: StreamConfig,
  steps: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { status, roundSteps } = await trainer.round({ signal, ...(steps ? { steps } : { budgetMs: round }) });
  if (status === 'waiting')
    throw new CliError(
      'bad-file',
      'Too few observations to learn from: a model needs some dozens, in more than one window.',
    );
  if (roundSteps === 0 && !signal.aborted)
    throw new CliError(
      'bad-file',
      'No step had a finite gradient: see whether the file holds values of extreme size, and rescale them.',
    );
  if (roundSteps === 0) throw new CliError('no-model', 'Stopped before the first step; there is no model.');
}

function progressLine(terminal: Terminal, { training: { round } }: StreamConfig, steps: number | undefined) {
  const begun = performance.now();
  let shown = 0;
  return ({ step, loss }: { step: number; loss: number }) => {
    const now = performance.now();
    if (now - shown < UPDATE_EVERY_MS) return;
    shown = now;
    const share = steps ? step / steps : (now - begun) / round;
    const left = duration(((now - begun) * (1 - share)) / share);
    terminal.update('fit', `training ${bar(share)} ${left} left · step ${count(step)} · loss ${loss.toFixed(3)}`);
  };
}

/** Asked before minutes of training, not after them. */
function requireWritable(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw unwritable(path, error);
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw unwritable(path, 'it is a folder');
}

function writeWhole(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(`${path}.new`, bytes);
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw unwritable(path, error);
  }
}

function unwritable(path: string, cause: unknown): CliError {
  const reason = systemCode(cause) ?? cause;
  return new CliError(
    'bad-option',
    `The model cannot be written to ${path} (${reason}); give another file with --out.`,
  );
}

function summary({ header }: Artifact, path: string): string[] {
  const { interpolation, extrapolation, baselines } = header.evaluation;
  const row = (name: string, { rmse, mae, crps }: Pick<Scores, 'rmse' | 'mae' | 'crps'>, coverage = '') =>
    `  ${name.padEnd(24)}${[rmse, mae, crps].map((v) => v.toPrecision(4).padStart(10)).join('')}${coverage.padStart(14)}`;
  const covered = (scores: Scores) => `${Math.round(100 * (scores.coverage['0.8'] ?? Number.NaN))} %`;
  return [
    `${path}: ${header.version}, ${count(header.training.steps)} steps, held out ${header.evaluation.windows} windows`,
    `  ${''.padEnd(24)}${'RMSE'.padStart(10)}${'MAE'.padStart(10)}${'CRPS'.padStart(10)}${'in 80 % band'.padStart(14)}`,
    row('forecast', extrapolation, covered(extrapolation)),
    ...Object.entries(baselines).map(([name, scores]) => row(name, scores)),
    row('between observations', interpolation, covered(interpolation)),
  ];
}
