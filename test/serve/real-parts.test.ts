/** The HTTP side over the real log, store, registry, engine and forecaster, composed as the serve role composes them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startIngest } from '../../ingest/consume.ts';
import { openEmbeddedLog } from '../../ingest/log/embedded.ts';
import { silentLogger } from '../../ingest/logger.ts';
import { openStore } from '../../ingest/store.ts';
import { createForecaster } from '../../model/forecast.ts';
import { openRegistry, type Registry } from '../../model/registry.ts';
import { createChangeFeed } from '../../serve/change-feed.ts';
import { createEventAppender } from '../../serve/event-appender.ts';
import { createMetrics } from '../../serve/metrics.ts';
import { createModelHost, type ModelHost } from '../../serve/model-host.ts';
import { forecastAnswerSchema } from '../../serve/schemas/forecast.ts';
import { tfjsProvider } from '../model/engines.ts';
import { HOUR, toyArtifact } from '../model/toy-artifact.ts';
import { spec as pumps, serveParts, silent, T0, type TestServer } from './fakes.ts';

const spec = { ...pumps, name: 'toy', topic: 'odecast.toy.events', channels: ['a', 'b'] };
const MODELS = 'odecast.models';

interface World {
  readonly server: TestServer;
  readonly registry: Registry;
  readonly models: ModelHost;
  close(): Promise<void>;
}

async function openWorld(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'odecast-serve-'));
  const clock = () => T0;
  const log = openEmbeddedLog({ path: join(folder, 'log'), clock });
  await log.ensureTopics([{ topic: spec.topic }, { topic: MODELS, compacted: true }]);
  const store = openStore(join(folder, 'store'), { streams: [spec] });
  const [metrics, changes, provider] = [createMetrics({ defaults: false }), createChangeFeed(), await tfjsProvider()];
  const models = createModelHost({
    open: (artifact) => {
      const engine = provider.open(artifact.header.spec);
      return { forecaster: createForecaster({ artifact, engine }), engine: provider.name, close: () => engine.close() };
    },
    channels: () => spec.channels,
    clock: Date,
    logger: silent,
    metrics,
  });
  const registry = await openRegistry({
    log,
    topic: MODELS,
    onChange: ({ stream, alias, version }) => {
      const artifact = registry.get(stream, version);
      if (alias === 'champion' && artifact) void models.swap(stream, artifact);
    },
  });
  const onStored = ({ stream, series }: { stream: string; series: Iterable<string> }) =>
    changes.publish(stream, series);
  const ingest = await startIngest({ log, store, stream: spec, group: 'serve', clock, logger: silentLogger, onStored });
  const appendEvents = createEventAppender({ streams: [spec], log, metrics });
  const streams = [{ spec, windowMs: 30 * HOUR, horizonMs: 10 * HOUR }];
  const server = await serveParts({ streams, store, models, registry, changes, metrics, appendEvents });
  const close = async () => {
    await server.close();
    await ingest.close();
    await registry.close();
    models.close();
    await store.close();
    await log.close();
    rmSync(folder, { recursive: true });
  };
  return { server, registry, models, close };
}

const event = (hour: number) => ({
  series: 's',
  time: T0 - (24 - hour) * HOUR,
  values: { a: 10 + Math.sin(hour / 3), b: hour % 3 === 0 ? null : 10 - hour / 12 },
});
const events = Array.from({ length: 20 }, (_, hour) => event(hour));

async function sendEvents({ server }: World, some: readonly object[]): Promise<void> {
  const lines = some.map((one) => JSON.stringify(one)).join('\n');
  const response = await server.post('/v1/streams/toy/events', lines, { 'content-type': 'application/x-ndjson' });
  expect([response.status, await response.json()]).toEqual([200, { accepted: some.length, refused: [] }]);
}

async function stored({ server }: World, series = 's'): Promise<number> {
  const response = await server.get(`/v1/streams/toy/series/${series}`);
  return response.status === 200 ? Object(await response.json()).observations : 0;
}

async function bytesOf({ server }: World, query: object): Promise<string> {
  const response = await server.post('/v1/forecast', { stream: 'toy', ...query });
  expect(response.status).toBe(200);
  return response.text();
}

const answerOf = async (world: World, query: object) =>
  forecastAnswerSchema.parse(JSON.parse(await bytesOf(world, query)));

describe('the real parts together', () => {
  let world: World;
  const first = toyArtifact({}, 1);
  const second = toyArtifact({ createdAt: first.header.createdAt + 1 }, 2);
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world.close());

  it('stores what was sent over HTTP', async () => {
    await sendEvents(world, events);
    await expect.poll(() => stored(world)).toBe(20);
  });

  it('has no model, then one as soon as it is published', async () => {
    const query = { stream: 'toy', series: 's', times: [T0] };
    expect((await world.server.post('/v1/forecast', query)).status).toBe(503);
    await world.registry.publish(first);
    await expect.poll(() => world.models.current('toy')?.header.version).toBe(first.header.version);
    const answer = await answerOf(world, query);
    expect(answer.model).toMatchObject({ version: first.header.version, engine: 'tfjs' });
    expect(answer.solver.status).toBe('success');
    expect(answer.observationsUsed).toBe(20);
    const { mean, quantiles } = answer.channels.a;
    expect(quantiles['0.05'][0]).toBeLessThan(quantiles['0.95'][0]);
    expect(Number.isFinite(mean[0])).toBe(true);
  });

  it('answers as of a time with the bytes that it gave when that was the present, later events notwithstanding', async () => {
    const now = { series: 's', times: [T0, T0 - 30 * HOUR, T0 - 10 * HOUR - 0.5], asOf: events[19].time };
    const before = await bytesOf(world, now);
    await sendEvents(world, [event(21), event(22)]);
    await expect.poll(() => stored(world)).toBe(22);
    expect(await bytesOf(world, now)).toBe(before);
    const { asOf: _, ...present } = now;
    expect(await bytesOf(world, present)).not.toBe(before);
  });

  it('answers from an inline history as from the same events stored', async () => {
    const times = [T0 + HOUR, T0 - 12.5 * HOUR];
    const history = events.map(({ time, values }) => ({ time, values }));
    const inline = await answerOf(world, { history: history.reverse(), times });
    const fromStore = await answerOf(world, { series: 's', asOf: events[19].time, times });
    expect({ ...inline, series: 's' }).toEqual(fromStore);
  });

  it('gives the same bytes from another log, store, engine and server', async () => {
    const other = await openWorld();
    await other.registry.publish(first);
    await sendEvents(other, events);
    await expect.poll(() => stored(other)).toBe(20);
    await expect.poll(() => other.models.current('toy')?.header.version).toBe(first.header.version);
    const query = { series: 's', asOf: events[19].time, horizon: '10h', points: 5, returnSamples: true, samples: 3 };
    expect(await bytesOf(other, query)).toBe(await bytesOf(world, query));
    await other.close();
  });

  it('answers any times of years 1 to 9999 with finite numbers and ordered quantiles (40 queries)', async () => {
    const time = fc.oneof(
      fc.double({ min: T0 - 1e9, max: T0 + 1e9, noNaN: true }),
      fc.double({ min: -62_135_596_800_000, max: 253_402_300_799_999, noNaN: true }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(time, { minLength: 1, maxLength: 8 }), async (times) => {
        const text = await bytesOf(world, { series: 's', times, quantiles: [0.05, 0.5, 0.95] });
        expect(text).not.toContain('null');
        for (const { quantiles } of Object.values(forecastAnswerSchema.parse(JSON.parse(text)).channels))
          times.forEach((_, i) => {
            expect(quantiles['0.05'][i]).toBeLessThanOrEqual(quantiles['0.5'][i]);
            expect(quantiles['0.5'][i]).toBeLessThanOrEqual(quantiles['0.95'][i]);
          });
      }),
      { numRuns: 40 },
    );
  });

  it('follows a series: a forecast at once, and another after an event over HTTP', async () => {
    const leaving = new AbortController();
    const response = await fetch(`${world.server.url}/v1/streams/toy/series/s/forecasts`, { signal: leaving.signal });
    const received: string[] = [];
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const part of response.body ?? []) received.push(decoder.decode(part, { stream: true }));
    })().catch(() => {});
    const last = () => /.*"lastEventTime":"([^"]*)"/s.exec(received.join(''))?.[1];
    await expect.poll(last).toBe(new Date(event(22).time).toISOString());
    await sendEvents(world, [event(23)]);
    await expect.poll(last).toBe(new Date(event(23).time).toISOString());
    leaving.abort();
    await reading;
  });

  it('goes to a new version, back, and forward again', async () => {
    const live = () => world.models.current('toy')?.header.version;
    await world.registry.publish(second);
    await expect.poll(live).toBe(second.header.version);
    expect((await world.server.post('/v1/streams/toy/models/rollback', '')).status).toBe(200);
    await expect.poll(live).toBe(first.header.version);
    expect((await world.server.post(`/v1/streams/toy/models/${second.header.version}/promote`, '')).status).toBe(200);
    await expect.poll(live).toBe(second.header.version);
  });
});
