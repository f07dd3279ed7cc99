/**
 * A server of canned answers for states of the page that the real one passes through too quickly, or never: no model
 * yet, no data, a refusal, a thousand series. It speaks the routes of `docs/` in the shapes of `serve/schemas`, sends the
 * real server's content security policy, and answers with a circle whose forecast is exact up to `BIAS`.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

export interface FakeServer {
  readonly url: string;
  /** Bodies of the forecasts that were asked, oldest first. */
  readonly asked: ForecastBody[];
  /** Adds an event now and tells the subscribers of its series. */
  addEvent(): void;
  /** Answers of the next requests; change it while the page is open. */
  readonly mood: Mood;
  close(): Promise<void>;
}

export interface ForecastBody {
  readonly stream: string;
  readonly series: string;
  readonly times: readonly (number | string)[];
  readonly quantiles: readonly number[];
}

export interface Mood {
  model: 'ready' | 'training' | 'failing';
  series: number;
  empty: boolean;
  events: boolean;
}

interface Row {
  readonly time: number;
  readonly values: Readonly<Record<string, number | null>>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'self'";
const HORIZON_MS = 40_000;
const WINDOW_MS = 60_000;
const BIAS = 0.1;
const NORMAL: Readonly<Record<string, number>> = { 0.025: -1.96, 0.1: -1.2816, 0.25: -0.6745, 0.5: 0 };

export async function startFakeServer(pageDir: string, mood: Partial<Mood> = {}): Promise<FakeServer> {
  const state = {
    mood: { model: 'ready', series: 3, empty: false, events: true, ...mood } as Mood,
    asked: [] as ForecastBody[],
    rows: history(Date.now()),
    subscribers: new Set<ServerResponse>(),
  };
  const server = createServer((request, response) => {
    answer(pageDir, state, request, response).catch((cause: Error) =>
      problem(response, 500, 'internal', cause.message),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked: state.asked,
    mood: state.mood,
    addEvent() {
      state.rows.push(row(Date.now(), state.rows.length));
      for (const subscriber of state.subscribers) subscriber.write(`event: forecast\ndata: {}\n\n`);
    },
    close: () => closeServer(server),
  };
}

type State = {
  readonly mood: Mood;
  readonly asked: ForecastBody[];
  readonly rows: Row[];
  readonly subscribers: Set<ServerResponse>;
};

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

// The world: a point on a circle, seen about once a second.

function position(time: number): { x: number; y: number } {
  const angle = (2 * Math.PI * time) / 60_000;
  return { x: 3 * Math.cos(angle), y: 3 * Math.sin(angle) };
}

function row(time: number, i: number): Row {
  const { x, y } = position(time);
  const noise = 0.12 * Math.sin(12.9898 * i);
  return { time, values: { x: x + noise, y: i % 7 === 3 ? null : y - noise } };
}

function history(now: number): Row[] {
  return Array.from({ length: 60 }, (_, i) => row(now - 61_000 + 1000 * (i + 0.4 * Math.sin(7.1 * i)), i));
}

async function answer(
  pageDir: string,
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://page');
  const [, version, kind, stream, series, name, leaf] = url.pathname.split('/');
  if (version !== 'v1') return file(pageDir, url.pathname, response);
  if (kind === 'forecast') return forecast(state, await readBody(request), response);
  if (stream === undefined) return json(response, { streams: state.mood.empty ? [] : [streamInfo(state)] });
  if (series === 'models') return json(response, { models: state.mood.model === 'ready' ? [model()] : [] });
  if (name === undefined) return json(response, { series: seriesList(state), next: null });
  if (leaf === undefined) return json(response, seriesInfo(state, name));
  if (leaf === 'observations') return observations(state, url, response);
  if (leaf === 'truth') return truth(url, response);
  return events(state, response);
}

async function file(pageDir: string, path: string, response: ServerResponse): Promise<void> {
  const name = normalize(path === '/' ? '/index.html' : path);
  const content = await readFile(join(pageDir, name)).catch(() => undefined);
  if (content === undefined) return problem(response, 404, 'not-found', `There is no ${name}.`);
  const headers = { 'content-type': TYPES[extname(name)] ?? 'text/plain', 'content-security-policy': POLICY };
  response.writeHead(200, headers).end(content);
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const TITLES: Readonly<Record<string, string>> = {
  'no-model': 'There is no model of this stream yet',
  internal: 'The server failed',
  'unknown-series': 'Nothing was ever observed of this series',
};

function problem(response: ServerResponse, status: number, code: string, detail: string): void {
  const headers = { 'content-type': 'application/problem+json', 'retry-after': '12' };
  response.writeHead(status, headers).end(JSON.stringify({ title: TITLES[code] ?? code, status, detail, code }));
}

async function readBody(request: IncomingMessage): Promise<ForecastBody> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body: ForecastBody = JSON.parse(Buffer.concat(chunks).toString());
  return body;
}

function streamInfo({ rows, mood }: State): object {
  const channels = ['x', 'y'];
  const lastTime = new Date(rows[rows.length - 1].time).toISOString();
  const counts = { observations: rows.length, series: mood.series };
  const learning = { state: 'training', steps: 120, windows: 3840, remainingMs: 12_000, lossCurve: lossCurve(30) };
  const training = mood.model === 'training' ? learning : null;
  const spans = { windowMs: WINDOW_MS, horizonMs: HORIZON_MS, simulated: true };
  return { stream: 'circles', channels, ...counts, lastTime, ...spans, training };
}

function seriesList(state: State): object[] {
  return Array.from({ length: state.mood.series }, (_, i) => seriesInfo(state, `circle-${i}`));
}

function seriesInfo({ rows }: State, series: string): object {
  const time = (at: number) => new Date(rows.at(at)?.time ?? 0).toISOString();
  return { series, observations: rows.length, firstTime: time(0), lastTime: time(-1) };
}

function observations({ rows }: State, url: URL, response: ServerResponse): void {
  const [from, to] = ['from', 'to'].map((name) => Number(url.searchParams.get(name)));
  const seen = rows.filter(({ time }) => time >= from && time <= to);
  const column = (name: string) => seen.map(({ values }) => values[name]);
  const times = seen.map(({ time }) => new Date(time).toISOString());
  json(response, { times, channels: { x: column('x'), y: column('y') }, next: null });
}

function truth(url: URL, response: ServerResponse): void {
  const [from, to, step] = ['from', 'to', 'step'].map((name) => Number(url.searchParams.get(name)));
  const times = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
  const at = times.map(position);
  json(response, { times, channels: { x: at.map(({ x }) => x), y: at.map(({ y }) => y) } });
}

function events({ mood, subscribers }: State, response: ServerResponse): void {
  if (!mood.events) return problem(response, 500, 'internal', 'No event stream today.');
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': open\n\n');
  subscribers.add(response);
  response.on('close', () => subscribers.delete(response));
}

function forecast({ mood, asked, rows }: State, body: ForecastBody, response: ServerResponse): void {
  asked.push(body);
  if (mood.model === 'training') return problem(response, 503, 'no-model', 'Ask again in 12 s.');
  if (mood.model === 'failing') return problem(response, 500, 'internal', 'The engine is on fire; see the log.');
  const last = rows[rows.length - 1].time;
  const times = body.times.map((time) => (typeof time === 'number' ? time : Date.parse(time)));
  const column = (axis: 'x' | 'y') => ({
    mean: times.map((time) => position(time)[axis] + BIAS),
    quantiles: Object.fromEntries(
      body.quantiles.map((q) => {
        const z = NORMAL[Math.min(q, Number((1 - q).toFixed(3)))] * (q > 0.5 ? -1 : 1);
        return [q, times.map((time) => position(time)[axis] + BIAS + z * spread(time, rows[0].time, last))];
      }),
    ),
  });
  json(response, {
    stream: body.stream,
    series: body.series,
    times: body.times,
    kind: times.map((time) => (time >= rows[0].time && time <= last ? 'interpolation' : 'extrapolation')),
    channels: { x: column('x'), y: column('y') },
    model: { version: VERSION, alias: 'champion', trainedThrough: new Date(last).toISOString(), engine: 'tfjs' },
    lastEventTime: new Date(last).toISOString(),
    observationsUsed: rows.length,
  });
}

function spread(time: number, first: number, last: number): number {
  const outside = Math.max(0, time - last, first - time);
  return 0.15 + Math.min(1.2, outside / 40_000);
}

const VERSION = '20261122T030405Z-9f3ac2d1';

function model(): object {
  const scores = (factor: number) => ({ rmse: 0.31 * factor, mae: 0.22 * factor, crps: 0.16 * factor });
  const detail = { mase: 0.7, coverage: { 0.5: 0.52, 0.8: 0.81, 0.95: 0.94 }, width: {}, count: 4000 };
  return {
    version: VERSION,
    aliases: ['champion'],
    createdAt: new Date(Date.now() - 42_000).toISOString(),
    trainedThrough: new Date(Date.now() - 60_000).toISOString(),
    training: {
      seed: 1,
      steps: 1200,
      windows: 38_400,
      seconds: 14,
      engine: 'tfjs',
      gradient: 'adjoint',
      lossCurve: lossCurve(120),
    },
    evaluation: {
      interpolation: { ...scores(0.5), ...detail },
      extrapolation: { ...scores(1), ...detail },
      baselines: {
        'last-value': scores(4.1),
        linear: scores(2.3),
        'seasonal-naive': scores(3.6),
        'local-level': scores(3.9),
      },
      windows: 96,
    },
  };
}

function lossCurve(points: number): number[][] {
  return Array.from({ length: points }, (_, i) => [i * 10, 0.3 + 2.2 * Math.exp(-i / 18) + 0.05 * Math.sin(i * 1.7)]);
}
