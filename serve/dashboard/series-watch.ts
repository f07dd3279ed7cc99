/**
 * Keeps the picture of one series up to date: which range of time is looked at, and what the server says of just that
 * range. Asks again when the range changes (once it rests), when an event arrives, and as a followed clock runs on.
 *
 *   setRange, fit, follow ──▶ range ──debounced──▶ load ──▶ picture ──▶ onState
 *   news (event stream), clock ─────────────────────┘
 */
import { type Columns, type ForecastAnswer, QUANTILES, type StreamInfo } from './answers.ts';
import { type Api, ApiProblem } from './api.ts';
import { type Connection, followSeries } from './live.ts';
import type { Anchor, Picture } from './picture.ts';
import { gridTimes, span, type TimeRange } from './time-range.ts';

export interface SeriesState {
  readonly picture: Picture;
  /** The range moves with the clock. */
  readonly following: boolean;
  /** Events arrive about now, so that the clock is where past and future part. */
  readonly live: boolean;
  readonly problem: ApiProblem | undefined;
}

export interface SeriesWatchOptions {
  readonly api: Api;
  readonly stream: StreamInfo;
  readonly series: string;
  readonly clock: () => number;
  readonly onState: (state: SeriesState) => void;
  readonly onConnection: (connection: Connection) => void;
  /** After an event has arrived and the picture shows it. */
  readonly onNews: (lastEvent: number) => void;
}

export interface SeriesWatch {
  setRange(range: TimeRange): void;
  /** Back to the range that shows the model's context and horizon. */
  fit(): void;
  follow(on: boolean): void;
  ask(time: number | undefined): void;
  close(): void;
}

const TIMES = 200;
const REST_MS = 120;
const NEWS_EVERY_MS = 400;
const TICK_MS = 250;
const RETRY_MS = 3000;
/** How much further than the range a followed picture asks, so that the clock does not run out of it at once. */
const AHEAD = 0.08;
const NO_COLUMNS: Columns = { times: [], values: {} };

interface Loaded {
  readonly lastEvent: number | undefined;
  readonly observations: Columns;
  readonly truth: Columns | undefined;
  readonly forecast: ForecastAnswer | undefined;
  readonly problem: ApiProblem | undefined;
}

export function watchSeries(options: SeriesWatchOptions): SeriesWatch {
  const { clock, stream } = options;
  const horizon = stream.horizonMs;
  const closing = new AbortController();
  const pending = schedule(load);

  let loaded: Loaded = {
    lastEvent: undefined,
    observations: NO_COLUMNS,
    truth: undefined,
    forecast: undefined,
    problem: undefined,
  };
  let range: TimeRange | undefined;
  let following = true;
  let asked: number | undefined;
  let hasTruth = stream.simulated;
  let news = true;

  const live = () => loaded.lastEvent !== undefined && Math.abs(clock() - loaded.lastEvent) < Math.max(horizon, 60_000);
  const anchor = (): Anchor =>
    live() || loaded.lastEvent === undefined
      ? { time: clock(), name: 'now' }
      : { time: loaded.lastEvent, name: 'last event' };

  function home(): TimeRange {
    const past = Math.min(stream.windowMs, 3 * horizon);
    return { from: anchor().time - past, to: anchor().time + horizon };
  }

  function emit(): void {
    if (closing.signal.aborted || !range) return;
    const picture = { ...loaded, range, anchor: anchor(), asked };
    options.onState({ picture, following: following && live(), live: live(), problem: loaded.problem });
  }

  async function load(signal: AbortSignal): Promise<void> {
    const hadNews = news;
    news = false;
    const answer = await loadAll(signal);
    if (!answer || signal.aborted || closing.signal.aborted) return;
    loaded = answer;
    range ??= home();
    waitForModel(answer.problem);
    emit();
    if (hadNews && answer.lastEvent !== undefined) options.onNews(answer.lastEvent);
  }

  async function loadAll(signal: AbortSignal): Promise<Loaded | undefined> {
    const { api, series } = options;
    try {
      const { lastTime } = await api.oneSeries(stream.name, series, signal);
      loaded = { ...loaded, lastEvent: lastTime };
      range ??= home();
      const wide = following && live() ? { from: range.from, to: range.to + AHEAD * span(range) } : range;
      const times = gridTimes(wide, TIMES, [anchor().time, ...(lastTime === undefined ? [] : [lastTime])]);
      const body = { stream: stream.name, series, times, quantiles: QUANTILES };
      const [observations, truth, forecast] = await Promise.all([
        api.observations(stream.name, series, wide, signal),
        hasTruth ? api.truth(stream.name, series, wide, span(wide) / TIMES, signal).catch(noTruth) : undefined,
        api.forecast(body, signal).catch(problemOnly),
      ]);
      const [answer, problem] = forecast instanceof ApiProblem ? [undefined, forecast] : [forecast, undefined];
      return { lastEvent: lastTime, observations, truth, forecast: answer, problem };
    } catch (cause) {
      return cause instanceof ApiProblem ? { ...loaded, problem: cause } : undefined;
    }
  }

  /** A series of a simulated stream may be unknown to the simulator; it is not asked for again. */
  function noTruth(cause: unknown): undefined {
    hasTruth = !(cause instanceof ApiProblem && cause.status === 404);
    return undefined;
  }

  /** Where there is no model yet, or no server, asks again by itself. */
  function waitForModel(problem: ApiProblem | undefined): void {
    const worthWaiting = problem?.status === 503 || problem?.status === 0;
    if (worthWaiting) pending.soon(Math.min(problem.retryAfterMs ?? RETRY_MS, RETRY_MS));
  }

  function tick(): void {
    if (document.hidden || !following || !live() || !range) return;
    const by = clock() - lastTick;
    lastTick = clock();
    range = { from: range.from + by, to: range.to + by };
    emit();
    const reach = loaded.forecast?.times.at(-1) ?? Number.POSITIVE_INFINITY;
    if (range.to > reach) pending.soon(0);
  }

  let lastTick = clock();
  const ticking = setInterval(tick, TICK_MS);
  const events = followSeries({
    ...options,
    stream: stream.name,
    onNews: () => {
      news = true;
      pending.soon(NEWS_EVERY_MS);
    },
  });
  pending.soon(0);

  return {
    setRange(next) {
      const panned = range !== undefined && Math.abs(span(next) - span(range)) < 1e-6 * span(next);
      const sees = anchor().time > next.from && anchor().time < next.to;
      if (following && (panned || !sees)) following = false;
      range = next;
      emit();
      pending.restart(REST_MS);
    },
    fit() {
      following = true;
      lastTick = clock();
      range = home();
      emit();
      pending.restart(0);
    },
    follow(on) {
      if (on) this.fit();
      else following = false;
      emit();
    },
    ask(time) {
      asked = time;
      emit();
    },
    close() {
      closing.abort();
      events.close();
      pending.stop();
      clearInterval(ticking);
    },
  };
}

function problemOnly(cause: unknown): ApiProblem {
  if (cause instanceof ApiProblem) return cause;
  throw cause;
}

/**
 * Runs one job at a time. `soon` asks for a run within `ms` and waits for a running one to end; `restart` gives up the
 * running one, whose answer nobody wants any more, and puts off what was planned.
 */
function schedule(job: (signal: AbortSignal) => Promise<void>) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: AbortController | undefined;
  let again = false;

  async function run(): Promise<void> {
    timer = undefined;
    if (running) {
      again = true;
      return;
    }
    const mine = new AbortController();
    running = mine;
    await job(mine.signal).catch(() => undefined);
    if (running === mine) running = undefined;
    if (again && !mine.signal.aborted) {
      again = false;
      plan(0);
    }
  }

  function plan(ms: number): void {
    timer ??= setTimeout(run, ms);
  }

  function stop(): void {
    clearTimeout(timer);
    timer = undefined;
    running?.abort();
    running = undefined;
    again = false;
  }

  return {
    soon: plan,
    restart(ms: number): void {
      stop();
      plan(ms);
    },
    stop,
  };
}
