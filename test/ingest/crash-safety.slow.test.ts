/**
 * A process that appends and ingests is killed at random moments, again and again, while this process reads the same log.
 * Every incarnation numbers its events from a range of its own, so that an event that appears twice was doubled by the log.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startIngest } from '../../ingest/consume.ts';
import type { EventLog } from '../../ingest/log/event-log.ts';
import { openKafkaLog } from '../../ingest/log/kafka.ts';
import { silentLogger } from '../../ingest/logger.ts';
import type { ObservationStore } from '../../ingest/observation-store.ts';
import { startBroker, withoutBroker } from '../kafka/broker.ts';
import { numberedEvent, openLog, openTestStore, recordsOf, STREAM } from './stream-fixture.ts';
import { tempFolder } from './temp-folder.ts';

const RANGE = 1_000_000;

/** Runs the child until it was killed. @returns the numbers that it reported as acknowledged */
async function runAndKill(address: string, storeFolder: string, first: number): Promise<number[]> {
  const script = join(import.meta.dirname, 'crash-child.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, address, storeFolder, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let output = '';
  let dying = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (!dying) setTimeout(() => child.kill('SIGKILL'), Math.random() * 250);
    dying = true;
  });
  await ended;
  expect(child.signalCode, 'the child did not die by itself').toBe('SIGKILL');
  const whole = output
    .slice(0, output.lastIndexOf('\n') + 1)
    .trim()
    .split('\n');
  return whole.flatMap((line) => {
    const [from, to] = line.split(' ').map(Number);
    return Array.from({ length: to - from }, (_, i) => from + i);
  });
}

async function numbersOnLog(log: EventLog): Promise<number[]> {
  const records = await recordsOf(log, STREAM.topic);
  return records.map(({ value }) => JSON.parse(Buffer.from(value ?? []).toString()).values.x);
}

/** Ingests what is left and expects exactly the numbered events in the store, to the last bit. */
async function expectStored(log: EventLog, store: ObservationStore, group: string, numbers: Iterable<number>) {
  const ingest = await startIngest({ log, store, stream: STREAM, group, clock: Date.now, logger: silentLogger });
  await ingest.caughtUp;
  // That is of the partitions assigned so far: on Kafka a member that was killed as it joined keeps its own for a session.
  const stored = () =>
    store.listSeries(STREAM.name, { limit: 100 }).reduce((sum, { observations }) => sum + observations, 0);
  const wanted = new Set(numbers);
  await vi.waitFor(() => expect(stored()).toBeGreaterThanOrEqual(wanted.size), { timeout: 30_000, interval: 100 });
  await ingest.close();
  const expected = new Map<string, number[]>();
  for (const n of [...wanted].sort((a, b) => a - b)) {
    const { series } = numberedEvent(n);
    expected.set(series, [...(expected.get(series) ?? []), n]);
  }
  for (const [series, ns] of expected) {
    const window = store.window(STREAM.name, series, {});
    expect([...window.times]).toEqual(ns.map((n) => n / 4));
    expect([...window.values]).toEqual(ns.flatMap((n) => (n % 3 === 0 ? [n, 0] : [n, -n])));
    expect(store.series(STREAM.name, series)?.observations).toBe(ns.length);
  }
  expect(store.listSeries(STREAM.name, { limit: 100 })).toHaveLength(expected.size);
}

test('twelve kills: no acknowledged event is lost on the embedded log, and none is doubled', async () => {
  const [logFolder, storeFolder] = [tempFolder(), tempFolder()];
  const log = await openLog(logFolder);
  const ours = openTestStore();
  const parts = { log, store: ours, stream: STREAM, clock: Date.now, logger: silentLogger };
  const beside = await startIngest({ ...parts, group: 'train' });
  const acknowledged: number[] = [];
  for (let i = 0; i < 12; i++) acknowledged.push(...(await runAndKill(logFolder, storeFolder, i * RANGE)));
  const onLog = await numbersOnLog(log);
  const present = new Set(onLog);
  console.log(`${acknowledged.length} events acknowledged, ${onLog.length} on the log`);
  expect(onLog).toHaveLength(present.size);
  expect(acknowledged.filter((n) => !present.has(n))).toEqual([]);
  // Nothing but the one batch that was on its way at each kill.
  expect(onLog.length - acknowledged.length).toBeLessThanOrEqual(12 * 7);
  await beside.close();
  await expectStored(log, ours, 'train', present);
  await expectStored(log, openTestStore(storeFolder), 'serve', present);
});

describe('on Kafka', async () => {
  const broker = await startBroker();
  if (typeof broker === 'string') withoutBroker(broker);

  test.skipIf(typeof broker === 'string')(
    'three kills: no acknowledged event is lost, and none is doubled',
    async () => {
      if (typeof broker === 'string') return;
      onTestFinished(() => broker.stop());
      const storeFolder = tempFolder();
      const acknowledged: number[] = [];
      const address = `kafka:${broker.brokers[0]}`;
      for (let i = 0; i < 3; i++) acknowledged.push(...(await runAndKill(address, storeFolder, i * RANGE)));
      const log = await openKafkaLog({ brokers: broker.brokers, clientId: 'crash', logger: silentLogger });
      onTestFinished(() => log.close());
      const onLog = await numbersOnLog(log);
      const present = new Set(onLog);
      expect(onLog).toHaveLength(present.size);
      expect(acknowledged.filter((n) => !present.has(n))).toEqual([]);
      await expectStored(log, openTestStore(storeFolder), 'serve', present);
    },
  );
});
