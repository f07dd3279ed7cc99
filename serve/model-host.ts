/**
 * Holds the live model of each stream and swaps it between two requests. A new model is opened and warmed before it
 * replaces the old one; the old one is closed when the last request that uses it is done. A model that cannot be opened
 * or does not answer is refused, and the one before stays.
 *
 *   artifact ──open──▶ warm ──▶ live ──swap──▶ retired ──last lease released──▶ closed
 *                └─────── refused (closed) ◀──┘ on any failure before live
 */
import type { Artifact, ArtifactHeader } from '../model/artifact-format.ts';
import type { Forecast, Forecaster } from '../model/forecast-types.ts';
import type { Clock, LiveModel, Logger, ModelLease, ModelSource } from './app-parts.ts';
import { inlineHistory } from './history.ts';
import type { Metrics } from './metrics.ts';

/** What an artifact becomes on this machine. */
export interface OpenedModel {
  readonly forecaster: Forecaster;
  /** Name of the engine that computes it. */
  readonly engine: string;
  /** Releases what the engine holds. */
  close(): void;
}

export interface ModelHostOptions {
  readonly open: (artifact: Artifact) => OpenedModel | Promise<OpenedModel>;
  /** Channels of each stream that is served: a model of other channels is refused. */
  readonly channels: (stream: string) => readonly string[] | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export type SwapOutcome = 'live' | 'unchanged' | 'refused';

export interface ModelHost extends ModelSource {
  /** Makes the artifact the live model of the stream. Swaps of one stream happen one after the other; never rejects. */
  swap(stream: string, artifact: Artifact, alias?: string): Promise<SwapOutcome>;
  /** Closes every model once its requests are done; nothing is live any more. Idempotent. */
  close(): void;
}

/** A live model with the number of those who use it. The host itself counts as one until it lets go. */
interface Held {
  readonly model: LiveModel;
  readonly close: () => void;
  users: number;
}

export function createModelHost(options: ModelHostOptions): ModelHost {
  const live = new Map<string, Held>();
  const queues = new Map<string, Promise<SwapOutcome>>();
  const listeners = new Set<(stream: string) => void>();
  let closed = false;

  const replace = async (stream: string, artifact: Artifact, alias: string): Promise<SwapOutcome> => {
    if (closed) return 'refused';
    const old = live.get(stream);
    if (old?.model.header.version === artifact.header.version) return 'unchanged';
    const held = await openWarm(options, stream, artifact, alias);
    if (held === undefined) return 'refused';
    if (closed) {
      release(held);
      return 'refused';
    }
    live.set(stream, held);
    options.metrics.modelLive(artifact.header, alias);
    for (const listener of listeners) listener(stream);
    if (old !== undefined) release(old);
    return 'live';
  };

  return {
    current: (stream) => live.get(stream)?.model,
    acquire: (stream) => leaseOf(live.get(stream)),
    onSwap(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    swap(stream, artifact, alias = 'champion') {
      const before = queues.get(stream) ?? Promise.resolve();
      const swapped = before
        .then(() => replace(stream, artifact, alias))
        .catch((error: unknown): SwapOutcome => {
          // The new model is live; what failed came after, such as closing the old one.
          options.logger.error(
            { stream, version: artifact.header.version, err: error },
            'a swap left something undone',
          );
          return 'live';
        });
      queues.set(stream, swapped);
      return swapped;
    },
    close() {
      closed = true;
      for (const held of live.values()) release(held);
      live.clear();
    },
  };
}

function leaseOf(held: Held | undefined): ModelLease | undefined {
  if (held === undefined) return undefined;
  held.users += 1;
  let released = false;
  return {
    model: held.model,
    release() {
      if (!released) release(held);
      released = true;
    },
  };
}

function release(held: Held): void {
  held.users -= 1;
  if (held.users === 0) held.close();
}

/** Opens and warms; undefined, with the reason in the log and counted, where the model is of no use. */
async function openWarm(
  options: ModelHostOptions,
  stream: string,
  artifact: Artifact,
  alias: string,
): Promise<Held | undefined> {
  const { clock, logger, metrics } = options;
  const { header } = artifact;
  const started = clock.now();
  try {
    const held = await opened(options, stream, artifact, alias);
    const ms = Math.max(0, clock.now() - started);
    metrics.observe('model_swap_duration_seconds', ms / 1000);
    logger.info({ stream, version: header.version, alias, ms }, 'a model is live');
    return held;
  } catch (error) {
    metrics.count('model_refused_total', { stream });
    logger.error({ stream, version: header.version, err: error }, 'a model was refused; the one before stays');
    return undefined;
  }
}

async function opened(options: ModelHostOptions, stream: string, artifact: Artifact, alias: string): Promise<Held> {
  const { header } = artifact;
  checkFits(header, stream, options.channels(stream));
  const { forecaster, engine, close } = await options.open(artifact);
  try {
    await warm(forecaster, header);
  } catch (error) {
    close();
    throw error;
  }
  return { model: { header, alias, engine, forecaster }, close, users: 1 };
}

function checkFits(
  { stream: own, spec }: ArtifactHeader,
  stream: string,
  channels: readonly string[] | undefined,
): void {
  if (own !== stream) throw new Error(`the model is of ${own}, not of ${stream}`);
  if (channels?.join() !== spec.channels.join())
    throw new Error(
      `the model has the channels ${spec.channels.join()}, the stream ${channels?.join() ?? 'is not served'}`,
    );
}

/** One query of plausible numbers on either side of the last event: it must be answered with finite ones. */
async function warm(forecaster: Forecaster, header: ArtifactHeader): Promise<void> {
  const { trainedThrough: end, window, normalisation } = header;
  const values = Float64Array.from(normalisation.channels, ({ location }) => location);
  const rows = [0.5, 0.25, 0].map((share) => ({ time: end - share * window.contextMs, values }));
  const answer = await forecaster.forecast(inlineHistory(rows, values.length), {
    times: [end - 0.125 * window.contextMs, end + window.horizonMs],
    quantiles: [0.05, 0.95],
    samples: 2,
  });
  checkAnswer(answer);
}

function checkAnswer({ solver, channels }: Forecast): void {
  if (solver.status !== 'success') throw new Error(`its first query ended with the status ${solver.status}`);
  const columns = channels.flatMap(({ mean, quantiles }) => [mean, ...quantiles]);
  if (!columns.every((column) => column.every(Number.isFinite)))
    throw new Error('its first answer holds numbers that are not finite');
}
