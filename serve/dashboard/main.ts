/** Composes the page: reads the streams, watches the chosen series, and hands what changes to the drawings and panels. */
import type { SeriesInfo, StreamInfo } from './answers.ts';
import { ApiProblem, createApi } from './api.ts';
import { createAskPanel } from './ask-panel.ts';
import { createBanner } from './banner.ts';
import { type Charts, createCharts } from './charts.ts';
import { FRESH_MS, hasEnded, mostPromising } from './choose-series.ts';
import { h, setAttributes, setText } from './dom.ts';
import { createErrorPanel } from './error-panel.ts';
import { addSample, type RateSample, rateOf } from './event-rate.ts';
import { formatCount, formatDuration } from './format.ts';
import type { Connection } from './live.ts';
import { createModelPanel } from './model-panel.ts';
import { noticeOf } from './notice.ts';
import { buildPage } from './page.ts';
import { onPaletteChange, readPalette } from './palette.ts';
import { addForecast, NO_ERROR, type RunningError } from './running-error.ts';
import { scoreFuture } from './scorer.ts';
import { createSeriesPicker } from './series-picker.ts';
import { type SeriesState, type SeriesWatch, watchSeries } from './series-watch.ts';
import { createStatusLine } from './status-line.ts';
import { span, zoom } from './time-range.ts';

const POLL_MS = 2500;
const SCORE_EVERY_MS = 1000;
const KEY_ITEM = 'odecast-key';

const clock = () => Date.now();
const api = createApi({ base: '', key: () => sessionStorage.getItem(KEY_ITEM) ?? undefined });

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

const statusLine = createStatusLine();
const banner = createBanner((key) => {
  sessionStorage.setItem(KEY_ITEM, key);
  location.reload();
});
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
  {
    seriesPicker: picker.element,
    status: statusLine.element,
    banner: banner.element,
    error: errorPanel.element,
    ask: askPanel.element,
    model: modelPanel.element,
  },
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
  if (hasFallenBehind(stream)) await readSeriesList();
  const models = await api.models(name);
  if (known.stream?.name === name) modelPanel.update(models, stream.training, clock());
}

/** Lists can be long: they are read only where another series may have to be shown, and when the picker is opened. */
function hasFallenBehind({ lastEventTime }: StreamInfo): boolean {
  const own = state?.picture.lastEvent;
  return own === undefined || (!known.pinned && lastEventTime !== undefined && own < lastEventTime - FRESH_MS);
}

async function readSeriesList(): Promise<void> {
  const stream = known.stream;
  if (!stream) return;
  const series = await api.series(stream.name);
  if (known.stream?.name !== stream.name) return;
  known.series = series;
  const leave = !known.pinned && (known.seriesName === undefined || hasEnded(known.seriesName, series));
  const next = leave ? mostPromising(series) : undefined;
  if (next !== undefined && next !== known.seriesName) openSeries(next, false);
  else picker.update(series, known.seriesName);
}

// Choosing.

/** `#/stream/series` names what to show; else the stream with the latest event. */
async function openFromHash(): Promise<void> {
  const [, stream, series] = location.hash.split('/').map(decodeURIComponent);
  const named = known.streams.find(({ name }) => name === stream);
  const latest = [...known.streams].sort((a, b) => (b.lastEventTime ?? 0) - (a.lastEventTime ?? 0))[0];
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
  document.title = `${name} · odecast`;
  modelPanel.update([], undefined, clock());
  showError();
  charts?.close();
  const { channels } = stream;
  charts = createCharts({
    channels,
    palette: () => palette,
    onRange: (range) => watch?.setRange(range),
    onFit: () => watch?.fit(),
  });
  page.channels.replaceChildren(charts.channels);
  setAttributes(page.channels, { 'data-channels': channels.length });
  page.plane.replaceChildren(...(charts.plane ? [charts.plane] : []));
  page.plane.hidden = charts.plane === undefined;
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
  setText(page.range, rangeText(picture));
  showBanner();
  showStatus();
}

function rangeText({ range, observations }: SeriesState['picture']): string {
  const cut = observations.cut ? ` · newest ${formatCount(observations.times.length)} observations` : '';
  return `${formatDuration(span(range))} wide${cut}`;
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

function showStatus(): void {
  const unheard = known.problem?.status === 0;
  statusLine.update(unheard ? 'offline' : watch ? known.connection : 'live', freshStream(), rateOf(known.rates));
}

function showBanner(): void {
  const problem = known.problem ?? state?.problem;
  banner.update(
    noticeOf({ problem, streams: known.streams.length > 0, stream: freshStream(), series: known.seriesName }),
  );
}

/** The chosen stream as it was read last. */
function freshStream(): StreamInfo | undefined {
  return known.streams.find(({ name }) => name === known.stream?.name);
}
