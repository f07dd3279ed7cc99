/**
 * Keeps the picture of one series up to date: which range of time is looked at, and what the server says of just that
 * range. Asks again when the range changes (once it rests), when an event arrives, and as a followed clock runs on.
 *
 *   setRange, fit, follow ──▶ range ──debounced──▶ load ──▶ picture ──▶ onState
 *   news (event stream), clock ─────────────────────┘
 */
import type { StreamInfo } from './answers.ts';
import { type Api, ApiProblem } from './api.ts';
import { type Connection, followSeries } from './live.ts';
import { type Loaded, loadPicture } from './load-picture.ts';
import type { Anchor, Picture } from './picture.ts';
import { createScheduler } from './scheduler.ts';
import { span, type TimeRange } from './time-range.ts';

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

const REST_MS = 120;
const NEWS_EVERY_MS = 400;
const TICK_MS = 250;
const RETRY_MS = 3000;
/** How much further than the range a followed picture asks, so that the clock does not run out of it at once. */
const AHEAD = 0.08;
/** A series is live while its last event is younger than this, or than the horizon. */
const LIVE_MS = 60_000;

const NOTHING: Loaded = {
  observations: { times: [], values: {} },
  truth: undefined,
  forecast: undefined,
  problem: undefined,
};

export function watchSeries(options: SeriesWatchOptions): SeriesWatch {
  const { api, stream, series, clock } = options;
  const closing = new AbortController();
  const pending = createScheduler(load);

  let loaded = NOTHING;
  let lastEvent: number | undefined;
  let range: TimeRange | undefined;
  let following = true;
  let asked: number | undefined;
  let news = true;
  let lastTick = clock();

  function live(): boolean {
    return lastEvent !== undefined && Math.abs(clock() - lastEvent) < Math.max(stream.horizonMs, LIVE_MS);
  }

  function anchor(): Anchor {
    const past = lastEvent !== undefined && !live();
    return past ? { time: lastEvent ?? 0, name: 'last event' } : { time: clock(), name: 'now' };
  }

  function home(): TimeRange {
    const { time } = anchor();
    return { from: time - Math.min(stream.windowMs, 3 * stream.horizonMs), to: time + stream.horizonMs };
  }

  function emit(): void {
    if (closing.signal.aborted || !range) return;
    const picture = { ...loaded, range, lastEvent, anchor: anchor(), asked };
    options.onState({ picture, following: following && live(), live: live(), problem: loaded.problem });
  }

  async function load(signal: AbortSignal): Promise<void> {
    const hadNews = news;
    news = false;
    const answer = await loadRange(signal).catch(onlyProblem);
    if (signal.aborted) news ||= hadNews;
    if (signal.aborted || closing.signal.aborted) return;
    loaded = answer;
    if (isPassing(answer.problem)) pending.soon(Math.min(answer.problem?.retryAfterMs ?? RETRY_MS, RETRY_MS));
    emit();
    if (hadNews && lastEvent !== undefined && !answer.problem) options.onNews(lastEvent);
  }

  async function loadRange(signal: AbortSignal): Promise<Loaded> {
    const { lastTime } = await api.oneSeries(stream.name, series, signal);
    lastEvent = lastTime;
    range ??= home();
    const wanted = following && live() ? { from: range.from, to: range.to + AHEAD * span(range) } : range;
    const answer = await loadPicture(options, wanted, [anchor().time, lastTime], signal);
    return { ...answer, forecast: answer.forecast ?? loaded.forecast };
  }

  /** What was drawn stays while something is wrong. */
  function onlyProblem(cause: unknown): Loaded {
    if (cause instanceof ApiProblem) range ??= home();
    return cause instanceof ApiProblem ? { ...loaded, problem: cause } : loaded;
  }

  function tick(): void {
    if (document.hidden || !live() || !range) return;
    const by = clock() - lastTick;
    lastTick = clock();
    if (following) range = { from: range.from + by, to: range.to + by };
    emit();
    const reach = loaded.forecast?.times.at(-1) ?? Number.POSITIVE_INFINITY;
    if (following && range.to > reach) pending.soon(0);
  }

  /** A hidden page asks for nothing; what it missed is asked for when it is seen again. */
  function hearNews(): void {
    news = true;
    if (!document.hidden) pending.soon(NEWS_EVERY_MS);
  }

  const ticking = setInterval(tick, TICK_MS);
  const events = followSeries({ ...options, stream: stream.name, onNews: hearNews });
  const onVisible = () => document.hidden || pending.soon(0);
  document.addEventListener('visibilitychange', onVisible, { signal: closing.signal });
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

/** Whether it is worth asking again without being told to: no model yet, too much work, no server. */
function isPassing(problem: ApiProblem | undefined): boolean {
  return problem?.status === 503 || problem?.status === 0;
}
