/**
 * The roles as processes of their own on a real broker: a file is replayed, the trainer publishes, the server answers;
 * a broken record on the models topic changes nothing, the server survives a kill, and every event is there once.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKafkaLog } from '../../ingest/log/kafka.ts';
import { silentLogger } from '../../ingest/logger.ts';
import { artifactVersion } from '../../model/artifact.ts';
import { openRegistry } from '../../model/registry.ts';
import { startBroker, withoutBroker } from '../kafka/broker.ts';
import { freePort, type Odecast, runOdecast, stop, temporaryFolder, until } from './odecast-process.ts';

const EVENTS = 3000;
const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 1);
const STOP_MS = 10_000;

/** Three tanks whose level swings with the day, each observed at times of its own; one line in a thousand is no number. */
function eventsCsv(): string {
  const rows = Array.from({ length: EVENTS }, (_, i) => {
    const time = START + i * 0.4 * HOUR + ((i * 7919) % 1000) * 300;
    const level = 10 + (i % 3) + 3 * Math.sin((2 * Math.PI * time) / (24 * HOUR));
    return `tank-${i % 3},${new Date(time).toISOString()},${i % 1000 === 500 ? 'broken' : level.toFixed(3)}`;
  });
  return `series,time,level\n${rows.join('\n')}\n`;
}

/** What the routes answer, as far as it is looked at here. */
interface Answer {
  readonly kind: string[];
  readonly channels: { readonly level: { readonly mean: number[]; readonly quantiles: Record<string, number[]> } };
  readonly model: { readonly version: string };
  readonly observations: number;
}

const GOOD = EVENTS - EVENTS / 1000;

const config = {
  streams: [
    {
      name: 'tanks',
      channels: ['level'],
      window: '3d',
      horizon: '1d',
      periods: ['1d'],
      model: { latentSize: 4, encoderUnits: 12, dynamicsUnits: 12, decoderUnits: 12, knots: 8 },
      training: { firstRound: '5s', round: '5s', rest: '5s', batchSize: 16 },
    },
  ],
};

const broker = await startBroker();
if (typeof broker === 'string') withoutBroker(broker);

describe.skipIf(typeof broker === 'string')('serve, train and replay as separate processes on Kafka', () => {
  const brokers = typeof broker === 'string' ? [] : broker.brokers;
  const folder = temporaryFolder('roles');
  const running: Odecast[] = [];
  const ports = { serve: 0, train: 0 };

  const launch = (command: string[], extra: Record<string, string> = {}) => {
    const environment = {
      ODECAST_LOG: 'kafka',
      ODECAST_KAFKA_BROKERS: brokers.join(','),
      ODECAST_DATA: join(folder, 'data'),
      ...extra,
    };
    const odecast = runOdecast(command, environment, folder);
    running.push(odecast);
    return odecast;
  };
  const serve = () => launch(['serve'], { ODECAST_PORT: `${ports.serve}` });
  const ask = async (path: string, body?: object) => {
    const init = body && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    const response = await fetch(`http://127.0.0.1:${ports.serve}${path}`, init);
    return { status: response.status, body: (await response.json()) as Answer };
  };
  const query = {
    stream: 'tanks',
    series: 'tank-1',
    times: [START + 900 * HOUR, START + 1200 * HOUR + 6 * HOUR],
    quantiles: [0.1, 0.9],
  };

  beforeAll(async () => {
    writeFileSync(join(folder, 'odecast.config.json'), JSON.stringify(config));
    writeFileSync(join(folder, 'events.csv'), eventsCsv());
    ports.serve = await freePort();
    ports.train = await freePort();
  });

  afterAll(async () => {
    for (const odecast of running) odecast.child.kill('SIGKILL');
    if (typeof broker !== 'string') await broker.stop();
  });

  it('comes from a file to a forecast', async () => {
    const server = serve();
    const trainer = launch(['train'], { ODECAST_PORT: `${ports.train}` });
    await until(
      () => ask('/healthz'),
      ({ status }) => status === 200,
      30_000,
      server,
    );
    expect((await ask('/v1/forecast', query)).status).toBeGreaterThanOrEqual(400);
    const replay = launch(['replay', 'events.csv', '--stream', 'tanks']);
    expect(await replay.exit, replay.output()).toBe(0);
    expect(replay.output()).toMatch(
      new RegExp(`${GOOD.toLocaleString('en-US')} events on odecast.tanks.events, 3 refused`),
    );
    const { body } = await until(
      () => ask('/v1/forecast', query),
      ({ status }) => status === 200,
      60_000,
      trainer,
    );
    expect(body.kind).toEqual(['interpolation', 'extrapolation']);
    for (const t of [0, 1]) {
      const { mean, quantiles } = body.channels.level;
      expect(Number.isFinite(mean[t])).toBe(true);
      expect(quantiles['0.1'][t]).toBeLessThan(quantiles['0.9'][t]);
    }
    await until(
      () => ask('/v1/streams/tanks'),
      (a) => a.body.observations === GOOD,
      20_000,
      server,
    );
    const metrics = await (await fetch(`http://127.0.0.1:${ports.train}/metrics`)).text();
    expect(metrics).toMatch(/odecast_training_windows_total\{stream="tanks"\} [1-9]/);
  });

  it('keeps answering when the models topic carries rubbish, and takes the next good model', async () => {
    const before = (await ask('/v1/forecast', query)).body.model.version;
    const log = await openKafkaLog({ brokers, clientId: 'vandal', logger: silentLogger });
    await log.append('odecast.models', [
      { key: 'tanks/versions/zzz', value: Buffer.from('no artifact') },
      { key: 'tanks/aliases/champion', value: Buffer.from('zzz') },
    ]);
    for (let i = 0; i < 20; i++) {
      expect((await ask('/v1/forecast', query)).status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // Not the trainer's next one: whether that passes the gate, and when, is the data's to say.
    const registry = await openRegistry({ log, topic: 'odecast.models' });
    await registry.caughtUp;
    const good = registry.versions('tanks').at(-1);
    if (!good) throw new Error('the registry holds no model of tanks');
    const createdAt = Date.now();
    const version = artifactVersion(createdAt, good.parameters);
    await registry.publish({ ...good, header: { ...good.header, createdAt, version } });
    const after = await until(
      () => ask('/v1/forecast', query),
      ({ body }) => body.model.version >= version,
      30_000,
    );
    expect(after.status).toBe(200);
    expect(version > before).toBe(true);
    await registry.close();
    await log.close();
  });

  it('has every event once after the server was killed while more arrived', async () => {
    const server = running[0];
    const replay = launch(['replay', 'events.csv', '--stream', 'tanks']);
    await stop(server, 'SIGKILL', STOP_MS);
    expect(await replay.exit).toBe(0);
    const again = serve();
    const { body } = await until(
      () => ask('/v1/streams/tanks'),
      ({ status }) => status === 200,
      30_000,
      again,
    );
    expect(body.observations).toBe(GOOD);
    await until(
      () => ask('/readyz'),
      ({ status }) => status === 200,
      60_000,
      again,
    );
    expect((await ask('/v1/streams/tanks')).body.observations).toBe(GOOD);
  });

  it('stops every role at SIGTERM', async () => {
    for (const odecast of running.filter(({ child }) => child.exitCode === null && child.signalCode === null)) {
      expect(await stop(odecast, 'SIGTERM', STOP_MS)).toBeLessThan(STOP_MS);
      expect(await odecast.exit, odecast.output().slice(-2000)).toBe(0);
    }
  });
});
