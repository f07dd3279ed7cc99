/**
 * Server-sent events: each subscriber gets a fresh forecast when an event of its series is stored or a model goes live.
 * A subscriber has one forecast in flight at most; what arrives meanwhile is one more run after it. A reader too slow
 * to take what was sent gets no more until it has, then the newest.
 */
import type { Response } from 'express';
import { createAdmission, tooManySubscribers } from './admission.ts';
import { type AppParts, DEFAULT_SUBSCRIBERS } from './app-parts.ts';
import { Problem } from './problem.ts';
import { toProblem } from './problem-answer.ts';

/** Well below the half minute after which proxies drop a silent connection. */
const HEARTBEAT_MS = 15_000;
/** Forecasts of all subscribers together: requests that wait for an answer come first. */
const FORECASTS_AT_ONCE = 2;
/** After which a browser connects again. */
const RETRY_MS = 3000;

export interface Subscription {
  readonly stream: string;
  readonly series: string;
  /** Path, for problems sent as events. */
  readonly instance: string;
  readonly forecast: () => Promise<unknown>;
}

export interface LiveStreams {
  /** Answers with an event stream that lasts until the reader leaves or `close`. @throws Problem `too-many-subscribers` */
  open(response: Response, subscription: Subscription): void;
  /** Ends every stream and refuses new ones. Idempotent. */
  close(): void;
}

type LiveParts = Pick<AppParts, 'changes' | 'models' | 'limits' | 'logger'>;

export function createLiveStreams(parts: LiveParts): LiveStreams {
  const admission = createAdmission(parts.limits.subscribers ?? DEFAULT_SUBSCRIBERS, tooManySubscribers);
  const open = new Set<Response>();
  const gate = createGate(FORECASTS_AT_ONCE);
  let closed = false;
  return {
    open(response, subscription) {
      if (closed)
        throw new Problem('closing-down', 'The server is closing down; connect again after Retry-After seconds.');
      const leave = admission.enter();
      open.add(response);
      const forecast = () => gate(subscription.forecast);
      const stop = follow(parts, response, { ...subscription, forecast });
      response.once('close', () => {
        stop();
        open.delete(response);
        leave();
      });
    },
    close() {
      closed = true;
      for (const response of open) response.end();
    },
  };
}

/** Sends the first forecast and then one after each change; returns what ends that. */
function follow(parts: LiveParts, response: Response, subscription: Subscription): () => void {
  startStream(response);
  const runner = coalesce(() => sendForecast(parts, response, subscription));
  const heartbeat = setInterval(() => {
    // One that has ended but still flushes to a slow reader takes no more.
    if (!response.writableNeedDrain && !response.writableEnded) response.write(': still here\n\n');
  }, HEARTBEAT_MS);
  const leaveSeries = parts.changes.subscribe(subscription.stream, subscription.series, runner.request);
  const leaveModels = parts.models.onSwap((stream) => {
    if (stream === subscription.stream) runner.request();
  });
  runner.request();
  return () => {
    runner.stop();
    clearInterval(heartbeat);
    leaveSeries();
    leaveModels();
  };
}

function startStream(response: Response): void {
  response.status(200).set({
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-cache, no-transform',
    // nginx would otherwise hold events back until its buffer is full
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
  response.write(`retry: ${RETRY_MS}\n\n`);
}

async function sendForecast(parts: LiveParts, response: Response, subscription: Subscription): Promise<void> {
  const [event, data] = await subscription.forecast().then(
    (answer) => ['forecast', answer],
    (error: unknown) => ['problem', problemData(parts, error, subscription)],
  );
  if (response.writableEnded || response.destroyed) return;
  const taken = response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  if (!taken) await drained(response);
}

function problemData({ logger }: LiveParts, error: unknown, { instance }: Subscription) {
  const problem = toProblem(error);
  if (problem.code === 'internal') logger.error({ err: error, path: instance }, 'a live forecast failed');
  return problem.body(instance);
}

function drained(response: Response): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

interface Coalesced {
  /** Runs the work now, or once more after the run in hand, however often it is asked. */
  readonly request: () => void;
  readonly stop: () => void;
}

/** @param work never rejects */
function coalesce(work: () => Promise<void>): Coalesced {
  let running = false;
  let wanted = false;
  let stopped = false;
  const run = async () => {
    running = true;
    while (wanted && !stopped) {
      wanted = false;
      await work();
    }
    running = false;
  };
  return {
    request: () => {
      wanted = true;
      if (!running && !stopped) void run();
    },
    stop: () => {
      stopped = true;
    },
  };
}

type Gate = <T>(work: () => Promise<T>) => Promise<T>;

/** Lets so many works run at once, the others in the order of their coming. */
function createGate(limit: number): Gate {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      // The place goes to the next in line, or back.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
