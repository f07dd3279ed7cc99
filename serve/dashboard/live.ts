/**
 * Tells when a series has news: over the server's event stream, or by a slow poll while that cannot be had. It carries
 * no forecasts of its own: what to ask for depends on what the reader is looking at.
 */
import type { Api } from './api.ts';

export type Connection = 'connecting' | 'live' | 'polling' | 'offline';

export interface LiveOptions {
  readonly api: Api;
  readonly stream: string;
  readonly series: string;
  readonly onNews: () => void;
  readonly onConnection: (connection: Connection) => void;
}

const POLL_MS = 2000;
const RETRY_MS = 10_000;

/** Runs until `close`. */
export function followSeries(options: LiveOptions): { close(): void } {
  const closing = new AbortController();
  run(options, closing.signal).catch(() => options.onConnection('offline'));
  return { close: () => closing.abort() };
}

async function run(options: LiveOptions, signal: AbortSignal): Promise<void> {
  options.onConnection('connecting');
  while (!signal.aborted) {
    await readEvents(options, signal).catch(() => undefined);
    if (signal.aborted) return;
    await poll(options, signal);
  }
}

async function readEvents({ api, stream, series, onNews, onConnection }: LiveOptions, signal: AbortSignal) {
  const response = await api.openEvents(stream, series, signal);
  if (!response.body) return;
  onConnection('live');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const messages = (pending + value.replaceAll('\r\n', '\n')).split('\n\n');
    pending = messages.pop() ?? '';
    if (messages.some(carriesData)) onNews();
  }
}

/** Comments and retry lines keep a connection alive and are no news. */
function carriesData(message: string): boolean {
  return message.split('\n').some((line) => line.startsWith('data:'));
}

/** Asks a few times at a fixed pace, then returns so that the event stream is tried again. */
async function poll({ api, stream, series, onNews, onConnection }: LiveOptions, signal: AbortSignal): Promise<void> {
  let seen: number | undefined;
  const until = performance.now() + RETRY_MS;
  while (!signal.aborted && performance.now() < until) {
    try {
      const { lastTime, observations } = await api.oneSeries(stream, series, signal);
      onConnection('polling');
      if (observations + lastTime !== seen) onNews();
      seen = observations + lastTime;
    } catch {
      if (!signal.aborted) onConnection('offline');
    }
    await pause(POLL_MS, signal);
  }
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
