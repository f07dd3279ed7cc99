import { afterEach, describe, expect, it } from 'vitest';
import { createChangeFeed } from '../../serve/change-feed.ts';
import { forecastAnswerSchema } from '../../serve/schemas/forecast.ts';
import { problemSchema } from '../../serve/schemas/problem.ts';
import {
  fakeForecaster,
  filledStore,
  fixedModel,
  HOUR,
  liveModel,
  observation,
  serveParts,
  T0,
  type TestServer,
} from './fakes.ts';

const PATH = '/v1/streams/pumps/series/pump-7/forecasts';
let server: TestServer | undefined;
afterEach(() => server?.close());

interface Message {
  readonly event: string;
  readonly data: unknown;
}

/** Reads an event stream: each call gives the next message that carries data. */
async function subscribe(url: string) {
  const leaving = new AbortController();
  const response = await fetch(url, { signal: leaving.signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let pending = '';
  const next = async (): Promise<Message | undefined> => {
    for (;;) {
      const end = pending.indexOf('\n\n');
      if (end >= 0) {
        const block = pending.slice(0, end);
        pending = pending.slice(end + 2);
        const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
        if (event !== undefined) return { event, data: JSON.parse(data) };
        continue;
      }
      const part = await reader?.read();
      if (part?.done !== false) return undefined;
      pending += part.value;
    }
  };
  return { response, next, leave: () => leaving.abort() };
}

const forecastOf = (message: Message | undefined) => forecastAnswerSchema.parse(message?.data);

describe('the event stream of a series', () => {
  it('sends a forecast at once, after an event of the series and after a swap, and for no other', async () => {
    const store = await filledStore();
    const changes = createChangeFeed();
    const swapListeners = new Set<(stream: string) => void>();
    const models = {
      ...fixedModel(liveModel()),
      onSwap: (listener: (stream: string) => void) => {
        swapListeners.add(listener);
        return () => swapListeners.delete(listener);
      },
    };
    server = await serveParts({ store, changes, models });
    const { response, next, leave } = await subscribe(
      `${server.url}${PATH}?horizon=2h&step=1h&quantiles=0.1,0.9&channels=flow`,
    );
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const first = forecastOf(await next());
    expect(first.times).toEqual(['2026-11-21T23:00:00.000Z', '2026-11-22T00:00:00.000Z']);
    expect(Object.keys(first.channels)).toEqual(['flow']);
    expect(Object.keys(first.channels.flow.quantiles)).toEqual(['0.1', '0.9']);

    changes.publish('pumps', ['pump-8']);
    for (const listener of swapListeners) listener('others');
    await store.put('pumps', [observation('pump-7', T0 + HOUR, 1, 1)]);
    changes.publish('pumps', ['pump-7', 'pump-7']);
    expect(forecastOf(await next()).lastEventTime).toBe('2026-11-21T23:00:00.000Z');
    for (const listener of swapListeners) listener('pumps');
    expect(forecastOf(await next()).lastEventTime).toBe('2026-11-21T23:00:00.000Z');
    leave();
    await expect.poll(() => swapListeners.size).toBe(0);
  });

  it('has one forecast in flight and one waiting, whatever arrives', async () => {
    const gates: (() => void)[] = [];
    const forecaster = fakeForecaster({ before: () => new Promise((resolve) => gates.push(resolve)) });
    const changes = createChangeFeed();
    server = await serveParts({ changes, models: fixedModel(liveModel(forecaster)) });
    const { next, leave } = await subscribe(server.url + PATH);
    await expect.poll(() => gates.length).toBe(1);
    for (let i = 0; i < 100; i++) changes.publish('pumps', ['pump-7']);
    expect(gates).toHaveLength(1);
    gates[0]();
    await next();
    await expect.poll(() => gates.length).toBe(2);
    gates[1]();
    await next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(gates).toHaveLength(2);
    leave();
  });

  it('stays open without a model and tells the problem', async () => {
    server = await serveParts({ models: fixedModel(undefined) });
    const { next, leave } = await subscribe(server.url + PATH);
    const message = await next();
    expect(message?.event).toBe('problem');
    expect(problemSchema.parse(message?.data)).toMatchObject({ code: 'no-model', instance: PATH });
    leave();
  });

  it('takes so many subscribers, gives places back, and ends all when the server closes', async () => {
    server = await serveParts();
    const open = await Promise.all([1, 2, 3, 4].map(() => subscribe(`${server?.url}${PATH}`)));
    const refused = await server.get(PATH);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
    open[0].leave();
    await expect
      .poll(async () => {
        const again = await subscribe(`${server?.url}${PATH}`);
        return again.response.status;
      })
      .toBe(200);
    const ended = (async () => {
      while ((await open[1].next()) !== undefined);
    })();
    const started = performance.now();
    await server.close(10_000);
    await ended;
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
