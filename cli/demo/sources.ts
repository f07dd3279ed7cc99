/**
 * Puts the demonstration's streams on the log: the weather once, and the spirals for ever. The marker file says what
 * is on the log already, so that a restart does not send it again (sending again would change nothing but take time).
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { appendEvents } from '../../ingest/append.ts';
import type { EventLog } from '../../ingest/log/event-log.ts';
import type { StreamSpec } from '../../ingest/stream.ts';
import { SPIRAL_WORLD, spiralEvents } from './spirals.ts';
import { weatherEvents } from './weather.ts';

export const DEMO_STREAMS = { weather: 'weather', spirals: 'spirals' } as const;

/** How much of the spirals' past a first start finds: two hours, some 200 spirals. */
const SPIRALS_PAST_MS = 2 * 3_600_000;
const TICK_MS = 100;
const EVENTS_PER_APPEND = 2000;

export interface DemoParts {
  readonly log: EventLog;
  readonly streams: { readonly weather: StreamSpec; readonly spirals: StreamSpec };
  /** The file. */
  readonly weatherCsv: string;
  readonly markerFile: string;
  readonly now: () => number;
  /** Events of a stream that were put onto the log. */
  readonly onLoaded: (stream: string, events: number) => void;
  readonly onError: (error: unknown) => void;
}

/** Loads the past, then sends live spirals until stopped. */
export async function startDemo(parts: DemoParts): Promise<{ stop(): Promise<void> }> {
  const marker = readMarker(parts.markerFile);
  if (!marker) await loadWeather(parts);
  const now = parts.now();
  // After a pause only what is alive is sent: the store has the beginning of it already, or merges it again.
  const from = marker ? Math.max(marker.spiralsThrough, now - SPIRAL_WORLD.lifeMs) : now - SPIRALS_PAST_MS;
  await loadSpirals(parts, from, now, !marker);
  return followSpirals(parts, now);
}

interface Marker {
  readonly spiralsThrough: number;
}

function readMarker(file: string): Marker | undefined {
  if (!existsSync(file)) return undefined;
  const spiralsThrough = Number(readFileSync(file, 'utf8'));
  return Number.isFinite(spiralsThrough) ? { spiralsThrough } : undefined;
}

async function loadWeather({ log, streams: { weather }, weatherCsv, onLoaded }: DemoParts): Promise<void> {
  const { appended } = await appendEvents(
    log,
    weather,
    weatherEvents(readFileSync(weatherCsv, 'utf8'), weather.channels),
  );
  onLoaded(weather.name, appended);
}

async function loadSpirals(parts: DemoParts, from: number, to: number, announce: boolean): Promise<void> {
  const events = spiralEvents(SPIRAL_WORLD, from, to);
  if (events.length === 0) return;
  for (let i = 0; i < events.length; i += EVENTS_PER_APPEND)
    await appendEvents(parts.log, parts.streams.spirals, events.slice(i, i + EVENTS_PER_APPEND));
  writeFileSync(parts.markerFile, `${to}`);
  if (announce) parts.onLoaded(parts.streams.spirals.name, events.length);
}

function followSpirals(parts: DemoParts, start: number): { stop(): Promise<void> } {
  let through = start;
  let sending = Promise.resolve();
  const tick = async () => {
    const to = parts.now();
    // A clock that was set back sends nothing until it has come to where it was.
    if (to <= through) return;
    await loadSpirals(parts, through, to, false);
    through = to;
  };
  const timer = setInterval(() => {
    sending = sending.then(tick).catch(parts.onError);
  }, TICK_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await sending;
    },
  };
}
