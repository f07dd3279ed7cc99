/** `odecast replay`: a file's events onto the log, all at once or at a multiple of their own pace. Ctrl-C stops between batches. */
import { setTimeout as sleep } from 'node:timers/promises';
import { appendEvents } from '../../ingest/append.ts';
import type { Event } from '../../ingest/event.ts';
import { readObservations, toEvent } from '../../ingest/files.ts';
import type { EventLog } from '../../ingest/log/event-log.ts';
import type { StreamSpec } from '../../ingest/stream.ts';
import { CliError } from '../errors.ts';
import { loadConfig } from '../load-config.ts';
import { roleLogger } from '../logger.ts';
import { ensureTopics, openLog } from '../roles/open-log.ts';
import { streamNamed, streamSpec } from '../stream-options.ts';
import { count, stdoutTerminal, type Terminal } from '../terminal.ts';

export interface ReplayOptions {
  readonly config?: string;
  readonly stream: string;
  /** `max`, or how many times faster than the events' own pace. */
  readonly pace: string;
}

const BATCH = 1000;
/** At a pace, events that are due within so many ms go together. */
const TICK_MS = 50;
/** A timer takes 32 bits: a longer one would fire at once. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1;

export async function replay(path: string, options: ReplayOptions): Promise<void> {
  const { config } = loadConfig({ path: options.config, environment: process.env, directory: process.cwd() });
  const stream = streamNamed(config, options.stream);
  if (!stream)
    throw new CliError(
      'bad-option',
      `There is no stream "${options.stream}" in the configuration; there are ${config.streams.map((s) => s.name).join(', ')}.`,
    );
  const log = await openLog(config, roleLogger({ logLevel: 'silent' }, 'replay'));
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  try {
    await ensureTopics(log, config);
    await send(log, streamSpec(stream), path, paceOf(options.pace), controller.signal);
  } finally {
    await log.close();
  }
}

function paceOf(text: string): number {
  const pace = text === 'max' ? Number.POSITIVE_INFINITY : Number(text);
  if (pace > 0) return pace;
  throw new CliError('bad-option', `--pace is "max" or a number above 0 (1: as fast as it happened), not "${text}".`);
}

interface Tally {
  sent: number;
  refused: number;
}

async function send(log: EventLog, stream: StreamSpec, path: string, pace: number, signal: AbortSignal): Promise<void> {
  const terminal = stdoutTerminal();
  const tally: Tally = { sent: 0, refused: 0 };
  let batch: Event[] = [];
  const flush = async () => {
    const { appended, refused } = await appendEvents(log, stream, batch);
    tally.sent += appended;
    tally.refused += refused.length;
    batch = [];
    terminal.update('replay', `${count(tally.sent)} events sent`);
  };
  const due = pacer(pace, signal);
  for await (const line of readObservations(path, stream)) {
    if (signal.aborted) break;
    if (!line.ok) complainOnce(terminal, tally, line);
    else {
      if (batch.length === BATCH || (batch.length > 0 && due.waitMs(line.observation.time) > TICK_MS)) await flush();
      await due.wait(line.observation.time);
      batch.push(toEvent(line.observation, stream.channels));
    }
  }
  if (!signal.aborted) await flush();
  terminal.done(
    'replay',
    `${count(tally.sent)} events on ${stream.topic}, ${count(tally.refused)} refused${signal.aborted ? '; stopped early' : ''}`,
  );
}

function complainOnce(terminal: Terminal, tally: Tally, { line, message }: { line: number; message: string }): void {
  if (tally.refused++ === 0) terminal.line(`line ${line} is left out: ${message}`);
}

/** Maps event time to the moment to send it: the first event goes now, the others keep their distances ÷ pace. */
function pacer(pace: number, signal: AbortSignal) {
  let origin: { event: number; clock: number } | undefined;
  const waitMs = (time: number) => {
    if (pace === Number.POSITIVE_INFINITY) return 0;
    origin ??= { event: time, clock: performance.now() };
    return (time - origin.event) / pace - (performance.now() - origin.clock);
  };
  const wait = async (time: number) => {
    for (let ms = waitMs(time); ms > TICK_MS && !signal.aborted; ms = waitMs(time))
      await sleep(Math.min(ms, LONGEST_SLEEP_MS), undefined, { signal }).catch(() => undefined);
  };
  return { waitMs, wait };
}
