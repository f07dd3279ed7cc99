/**
 * A stranger's first minutes: `odecast start` on an empty folder, to forecasts of both streams, stopped by Ctrl-C and started
 * again. The limits are the issue's: 60 s to the first forecast, 5 s to stop.
 */
import { createServer } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { freePort, type Odecast, runOdecast, stop, temporaryFolder, until } from './odecast-process.ts';

const FIRST_FORECAST_MS = 60_000;
const STOP_MS = 5000;
const data = temporaryFolder('start');
const running: Odecast[] = [];

interface Answer {
  readonly status: number;
  readonly body: {
    readonly channels: Record<string, { mean: number[]; quantiles: Record<string, number[]> }>;
    readonly kind: string[];
    readonly model: { version: string };
    readonly observationsUsed: number;
  };
}

async function start(port: number): Promise<Odecast> {
  const odecast = runOdecast(['start'], { ODECAST_DATA: data, ODECAST_PORT: `${port}` }, temporaryFolder('cwd'));
  running.push(odecast);
  return odecast;
}

async function forecast(port: number, query: object): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/forecast`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ quantiles: [0.1, 0.9], ...query }),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

async function json<T>(port: number, path: string): Promise<T> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).json() as Promise<T>;
}

interface StreamState {
  readonly name: string;
  readonly observations: number;
  readonly series: number;
}

async function streamState(port: number, stream: string): Promise<StreamState> {
  return json(port, `/v1/streams/${stream}`);
}

async function liveSpiral(port: number): Promise<string> {
  const { series } = await json<{ series: { series: string; lastTime: number }[] }>(
    port,
    '/v1/streams/spirals/series?limit=1000',
  );
  return [...series].sort((a, b) => b.lastTime - a.lastTime)[0].series;
}

const answered = (answer: Answer) => answer.status === 200;
const weatherQuery = { stream: 'weather', series: 'seattle', times: ['2015-12-24T18:00:00Z', '2016-01-05T00:00:00Z'] };

afterAll(() => {
  for (const odecast of running) odecast.child.kill('SIGKILL');
});

describe('odecast start', () => {
  let version = '';
  let observations = 0;

  it('answers both streams from trained models within 60 s, and stops within 5 s', async () => {
    const port = await freePort();
    const from = performance.now();
    const odecast = await start(port);
    const weather = await until(() => forecast(port, weatherQuery), answered, FIRST_FORECAST_MS, odecast);
    const spiralQuery = async () =>
      forecast(port, {
        stream: 'spirals',
        series: await liveSpiral(port),
        times: [Date.now() - 5000, Date.now() + 20_000],
      });
    const spirals = await until(spiralQuery, answered, FIRST_FORECAST_MS - (performance.now() - from), odecast);
    console.log(`first forecasts of both streams after ${((performance.now() - from) / 1000).toFixed(1)} s`);
    expect(weather.body.kind).toEqual(['interpolation', 'extrapolation']);
    for (const { body } of [weather, spirals])
      for (const { mean, quantiles } of Object.values(body.channels))
        for (let i = 0; i < 2; i++) {
          expect(Number.isFinite(mean[i])).toBe(true);
          expect(quantiles['0.1'][i]).toBeLessThan(quantiles['0.9'][i]);
        }
    version = weather.body.model.version;
    observations = (await streamState(port, 'weather')).observations;
    expect(observations).toBeGreaterThan(1000);
    await until(
      async () => odecast.output(),
      (text) => /curl/.test(text) && text.includes(`:${port}/`),
      10_000,
      odecast,
    );
    expect(await stop(odecast, 'SIGINT', STOP_MS)).toBeLessThan(STOP_MS);
    expect(await odecast.exit).toBe(0);
  });

  it('resumes from disk: at once the models and observations of before, and no step is trained again', async () => {
    const port = await freePort();
    const odecast = await start(port);
    const answer = await until(() => forecast(port, weatherQuery), answered, 20_000, odecast);
    expect(answer.body.model.version >= version).toBe(true);
    expect((await streamState(port, 'weather')).observations).toBe(observations);
    const { models } = await json<{ models: { training: { steps: number } }[] }>(port, '/v1/streams/weather/models');
    expect(models.every((m) => m.training.steps > 0)).toBe(true);
    await stop(odecast, 'SIGTERM', STOP_MS);
  });

  it('goes on after it was killed, trainer and all', async () => {
    const port = await freePort();
    const first = await start(port);
    await until(() => forecast(port, weatherQuery), answered, 20_000, first);
    await stop(first, 'SIGKILL', STOP_MS);
    const second = await start(port);
    await until(() => forecast(port, weatherQuery), answered, 20_000, second);
    expect((await streamState(port, 'weather')).observations).toBe(observations);
    await stop(second, 'SIGINT', STOP_MS);
  });

  it('says in one sentence that the port is taken', async () => {
    const server = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const odecast = await start(port);
    expect(await odecast.exit).toBe(1);
    server.close();
    const complaint = odecast.output().trim().split('\n').at(-1);
    expect(complaint).toMatch(new RegExp(`${port}.*(taken|in use)`));
    expect(odecast.output()).not.toMatch(/at .*\.js:\d+/);
  });

  it('says in one sentence that Node is too old', async () => {
    const old = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'18.20.4'})";
    const odecast = runOdecast(['start'], { NODE_OPTIONS: `--import "${old}"` });
    expect(await odecast.exit).toBe(1);
    expect(odecast.output().trim()).toMatch(/^odecast needs Node 20\.19 or newer; this is 18\.20\.4\. .*$/);
  });

  it('says in one sentence that the data folder cannot be written', async () => {
    const odecast = runOdecast(['start'], { ODECAST_DATA: '/proc/odecast', ODECAST_PORT: `${await freePort()}` });
    expect(await odecast.exit).toBe(1);
    expect(odecast.output()).toMatch(/data folder .*cannot be written/);
    expect(odecast.output()).not.toMatch(/at .*\.js:\d+/);
  });
});
