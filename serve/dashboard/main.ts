/** Composes the page: reads the streams, watches the chosen series, and hands what changes to the drawings and panels. */
import { ApiProblem, createApi, type SeriesInfo, type StreamInfo } from './api.ts';
import { createAskPanel } from './ask-panel.ts';
import { type Charts, createCharts } from './charts.ts';
import { hasEnded, mostPromising } from './choose-series.ts';
import { h, setAttributes, setText } from './dom.ts';
import { createErrorPanel } from './error-panel.ts';
import { addSample, type RateSample, rateOf } from './event-rate.ts';
import { formatCount, formatDuration, formatInstant } from './format.ts';
import type { Connection } from './live.ts';
import { createModelPanel } from './model-panel.ts';
import { buildPage } from './page.ts';
import { onPaletteChange, readPalette } from './palette.ts';
import { addForecast, NO_ERROR, type RunningError } from './running-error.ts';
import { scoreFuture } from './scorer.ts';
import { createSeriesPicker } from './series-picker.ts';
import { type SeriesState, type SeriesWatch, watchSeries } from './series-watch.ts';
import { span, zoom } from './time-range.ts';

const POLL_MS = 2500;
const SCORE_EVERY_MS = 1000;

const clock = () => Date.now();
const api = createApi({ base: '', key: () => sessionStorage.getItem('odecast-key') ?? undefined });

/** What is known apart from the watched series. */
const known = {
  streams: [] as readonly StreamInfo[],
  stream: undefined as StreamInfo | undefined,
  series: [] as readonly SeriesInfo[],
  seriesName: undefined as string | undefined,
  /** The reader chose the series: it is not left for a fresher one. */
  pinned: false,
  rates: [] as readonly RateSample[],
  errors: new Map<string, RunningError>(),
  connection: 'connecting' as Connection,
  /** Why the streams cannot be read. */
  problem: undefined as ApiProblem | undefined,
};

let palette = readPalette();
let watch: SeriesWatch | undefined;
let charts: Charts | undefined;
let state: SeriesState | undefined;
let scoredAt = 0;

const modelPanel = createModelPanel();
const errorPanel = createErrorPanel();
const askPanel = createAskPanel({ api, origin: location.origin, subject, onAsked: (time) => watch?.ask(time) });
const picker = createSeriesPicker({
  clock,
  onPick: (name) => openSeries(name, true),
  onOpen: () => void readSeriesList(),
});
const page = buildPage(
  document.getElementById('page') ?? document.body,
  { seriesPicker: picker.element, panels: [errorPanel.element, askPanel.element, modelPanel.element] },
  {
    zoom: (factor) => state && watch?.setRange(zoom(state.picture.range, factor, zoomCentre(state))),
    fit: () => watch?.fit(),
    toggleFollow: () => watch?.follow(!state?.following),
  },
);

page.streamSelect.addEventListener('change', () => void openStream(page.streamSelect.value));
onPaletteChange(() => {
  palette = readPalette();
  charts?.resize();
});
addEventListener('hashchange', () => void openFromHash());
void poll();

// Reading what there is, again and again.

async function poll(): Promise<void> {
  if (!document.hidden || known.stream === undefined) await readEverything();
  showStatus();
  setTimeout(() => void poll(), POLL_MS);
}

async function readEverything(): Promise<void> {
  try {
    known.streams = await api.streams();
    known.problem = undefined;
    showStreams();
    if (known.stream) await readStream(known.stream.name);
    else await openFromHash();
  } catch (cause) {
    if (!(cause instanceof ApiProblem)) throw cause;
    known.problem = cause;
  }
  showBanner();
}

async function readStream(name: string): Promise<void> {
  const stream = known.streams.find((info) => info.name === name);
  if (!stream) return;
  known.rates = addSample(known.rates, { time: clock(), count: stream.observations });
  await readSeriesList();
  const models = await api.models(name);
  if (known.stream?.name === name) modelPanel.update(models, clock());
}

async function readSeriesList(): Promise<void> {
  const stream = known.stream;
  if (!stream) return;
  const series = await api.series(stream.name);
  if (known.stream?.name !== stream.name) return;
  known.series = series;
  const leave = known.seriesName === undefined || (!known.pinned && hasEnded(known.seriesName, series));
  const next = leave ? mostPromising(series) : undefined;
  if (next !== undefined && next !== known.seriesName) openSeries(next, false);
  else picker.update(series, known.seriesName);
}

// Choosing.

/** `#/stream/series` names what to show; else the stream with the latest event. */
async function openFromHash(): Promise<void> {
  const [, stream, series] = location.hash.split('/').map(decodeURIComponent);
  const named = known.streams.find(({ name }) => name === stream);
  const latest = [...known.streams].sort((a, b) => (b.lastTime ?? 0) - (a.lastTime ?? 0))[0];
  const wanted = named ?? latest;
  if (wanted && (wanted.name !== known.stream?.name || (series !== undefined && series !== known.seriesName))) {
    await openStream(wanted.name, series);
  }
}

async function openStream(name: string, series?: string): Promise<void> {
  const stream = known.streams.find((info) => info.name === name);
  if (!stream) return;
  leaveSeries();
  Object.assign(known, { stream, series: [], seriesName: undefined, pinned: false, rates: [] });
  page.streamSelect.value = name;
  modelPanel.update([], clock());
  showError();
  charts?.close();
  const { channels } = stream;
  charts = createCharts({
    channels,
    palette: () => palette,
    onRange: (range) => watch?.setRange(range),
    onFit: () => watch?.fit(),
  });
  page.charts.replaceChildren(charts.element);
  if (series) openSeries(series, true);
  await readStream(name).catch(() => undefined);
  showStatus();
}

function leaveSeries(): void {
  watch?.close();
  watch = undefined;
  state = undefined;
}

function openSeries(series: string, pinned: boolean): void {
  const stream = known.stream;
  if (!stream || (watch && series === known.seriesName)) return;
  leaveSeries();
  Object.assign(known, { seriesName: series, pinned });
  picker.update(known.series, series);
  history.replaceState(null, '', `#/${[stream.name, ...(pinned ? [series] : [])].map(encodeURIComponent).join('/')}`);
  const info = known.series.find((one) => one.series === series);
  askPanel.reset((info?.lastTime ?? 0) > clock() - 2 * stream.horizonMs, stream.horizonMs);
  watch = watchSeries({
    api,
    stream,
    series,
    clock,
    onState: showState,
    onNews: (lastEvent) => void score(stream, series, lastEvent),
    onConnection: (connection) => {
      known.connection = connection;
      showStatus();
    },
  });
}

/** At most one score a second: an event changes little. */
async function score(stream: StreamInfo, series: string, lastEvent: number): Promise<void> {
  if (clock() - scoredAt < SCORE_EVERY_MS) return;
  scoredAt = clock();
  const columns = await scoreFuture(api, stream, series, lastEvent).catch(() => undefined);
  if (!columns) return;
  known.errors.set(stream.name, addForecast(known.errors.get(stream.name) ?? NO_ERROR, columns));
  showError();
}

function subject() {
  if (!known.stream || known.seriesName === undefined) return undefined;
  const anchors = { now: clock(), last: state?.picture.lastEvent };
  return { stream: known.stream.name, series: known.seriesName, anchors };
}

function zoomCentre({ picture }: SeriesState): number {
  const { range, anchor } = picture;
  const seen = anchor.time > range.from && anchor.time < range.to;
  return seen ? anchor.time : (range.from + range.to) / 2;
}

// Showing.

function showState(next: SeriesState): void {
  const { picture } = next;
  state = next;
  charts?.update(picture);
  page.truthKey.hidden = !picture.truth || picture.truth.times.length === 0;
  setAttributes(page.followButton, { 'aria-pressed': String(next.following), hidden: !next.live });
  setText(page.followButton, next.following ? 'Following now' : 'Follow now');
  const [from, to] = [picture.range.from, picture.range.to].map((t) => formatInstant(t, span(picture.range)));
  setText(page.range, `${from} – ${to} UTC`);
  showBanner();
  showStatus();
}

function showStreams(): void {
  const names = known.streams.map(({ name }) => name);
  const shown = [...page.streamSelect.options].map(({ value }) => value);
  if (names.join() === shown.join()) return;
  page.streamSelect.replaceChildren(...names.map((name) => h('option', { value: name }, name)));
  if (known.stream) page.streamSelect.value = known.stream.name;
}

function showError(): void {
  const error = known.errors.get(known.stream?.name ?? '') ?? NO_ERROR;
  errorPanel.update(error, known.stream?.horizonMs ?? 0);
}

const CONNECTIONS: Readonly<Record<Connection, string>> = {
  connecting: 'connecting',
  live: 'connected',
  polling: 'connected, polling',
  offline: 'no connection',
};

function showStatus(): void {
  const connection = known.problem?.status === 0 ? 'offline' : known.connection;
  setText(page.connection, CONNECTIONS[connection]);
  setAttributes(page.connection, { 'data-state': connection });
  const stream = known.streams.find(({ name }) => name === known.stream?.name);
  if (!stream) return;
  const rate = rateOf(known.rates);
  const facts = [
    rate === undefined ? undefined : `${rate < 10 ? rate.toFixed(1) : formatCount(Math.round(rate))} events/s`,
    `${formatCount(stream.observations)} observations`,
    `${formatCount(stream.series)} series`,
  ];
  setText(page.facts, facts.filter((fact) => fact !== undefined).join('  ·  '));
  setAttributes(page.facts, { 'data-rate': rate });
}

/** One sentence at most: that there is no model yet, or the latest problem. */
function showBanner(): void {
  const problem = known.problem ?? state?.problem;
  const training = problem?.code === 'no-model';
  page.banner.hidden = problem === undefined;
  if (!problem) return;
  page.banner.className = training ? 'banner training' : 'banner problem';
  setAttributes(page.banner, { 'data-code': problem.code });
  const left = Math.max(1, Math.ceil(((state?.trainingUntil ?? clock()) - clock()) / 1000));
  const [title, detail] = training
    ? ['No model yet: training', `about ${formatDuration(left * 1000)} to go. The chart fills in by itself.`]
    : [problem.title, problem.detail];
  page.banner.replaceChildren(h('strong', {}, title), h('span', {}, detail));
}
