/** What only the embedded log has: leases of groups, retention, and records of another process. */
import { spawn } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { openEmbeddedLog } from '../../../ingest/log/embedded.ts';
import { type Member, takeLease } from '../../../ingest/log/embedded-lease.ts';
import { createTopic, getTopic, openTables } from '../../../ingest/log/embedded-tables.ts';
import type { Consumer, EventLog, LogRecord } from '../../../ingest/log/event-log.ts';
import { recordsOf } from '../stream-fixture.ts';
import { tempFolder } from '../temp-folder.ts';

function open(path: string, clock = Date.now): EventLog {
  const log = openEmbeddedLog({ path, clock });
  onTestFinished(() => log.close());
  return log;
}

const NOTHING = async () => {};

test('a second live member of a group is refused, in the same process too, and free again when the first one closed', async () => {
  const path = tempFolder();
  const [log, other] = [open(path), open(path)];
  await log.ensureTopics([{ topic: 't' }]);
  const options = { topic: 't', group: 'g', onBatch: NOTHING };
  const first = await log.consume(options);
  await expect(other.consume(options)).rejects.toMatchObject({ code: 'group-taken', message: /stop it/ });
  await (await other.consume({ ...options, group: 'h' })).close();
  await first.close();
  await (await other.consume(options)).close();
});

test('a lease is free at once when its process is gone, and after ten seconds when it sleeps', async () => {
  const tables = openTables(tempFolder());
  onTestFinished(() => tables.environment.close());
  await tables.environment.transaction(() => createTopic(tables, { topic: 't' }));
  const topic = getTopic(tables, 't');
  const take = (member: Member, now: number) =>
    tables.environment.transaction(() => takeLease(tables, topic, 'g', member, now));
  const us = { token: 'us', pid: process.pid, processStart: performance.timeOrigin };
  const gone = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => gone.once('exit', resolve));
  await take({ token: 'gone', pid: gone.pid ?? 0, processStart: 1 }, 1000);
  await take(us, 1001);
  const parent = { token: 'parent', pid: process.ppid, processStart: 1 };
  await expect(take(parent, 2000)).rejects.toMatchObject({ code: 'group-taken' });
  await take(parent, 12_000);
  await expect(take(us, 13_000)).rejects.toMatchObject({ code: 'group-taken' });
  // The same process id in a container that was started anew.
  await take(us, 30_000);
  await take({ token: 'reborn', pid: process.pid, processStart: performance.timeOrigin + 5 }, 30_001);
});

test('a consumer that slept while another took over stops with a typed error and commits nothing', async () => {
  let now = 0;
  const log = open(tempFolder(), () => now);
  await log.ensureTopics([{ topic: 't' }]);
  await log.append('t', [{ key: 'k', value: Buffer.from('1') }]);
  const seen: string[] = [];
  const options = { topic: 't', group: 'g' };
  const takeOver = async () => {
    now = 60_000;
    const second = await log.consume({ ...options, onBatch: async () => void seen.push('second') });
    await second.caughtUp;
    return second;
  };
  let second: Consumer | undefined;
  const first = await log.consume({
    ...options,
    onBatch: async () => {
      seen.push('first');
      second = await takeOver();
    },
  });
  await expect(first.closed).rejects.toMatchObject({ code: 'lease-lost', retriable: true });
  await second?.close();
  // The second one read the record again, for the first one had not committed it.
  expect(seen).toEqual(['first', 'second']);
});

test('removes what is older than the retention, and offsets go on', async () => {
  let now = 1000;
  const log = open(tempFolder(), () => now);
  await log.ensureTopics([{ topic: 't', retentionMs: 500 }]);
  const append = (text: string) => log.append('t', [{ key: 'k', value: Buffer.from(text) }]);
  await append('old');
  now = 1400;
  await append('middle');
  now = 1600;
  await append('new');
  const records = await recordsOf(log, 't');
  expect(records.map((r) => [r.offset, String(r.value), r.appendedAt])).toEqual([
    [1, 'middle', 1400],
    [2, 'new', 1600],
  ]);
});

test('keeps one record a key on a compacted topic: the former ones are gone at once', async () => {
  const log = open(tempFolder());
  await log.ensureTopics([{ topic: 't', compacted: true }]);
  for (const text of ['1', '2', '3']) await log.append('t', [{ key: 'k', value: Buffer.from(text) }]);
  expect((await recordsOf(log, 't')).map((r) => [r.offset, String(r.value)])).toEqual([[2, '3']]);
  await expect(log.append('t', [{ key: 'x'.repeat(2000), value: null }])).rejects.toMatchObject({
    code: 'key-too-long',
  });
});

test('notices what another process appends within 200 ms, and lets go of Node when it is closed', async () => {
  const path = tempFolder();
  const log = open(path);
  await log.ensureTopics([{ topic: 't' }]);
  const seen: (LogRecord & { readonly seenAt: number })[] = [];
  const consumer = await log.consume({
    topic: 't',
    group: 'g',
    onBatch: async ({ records }) => void seen.push(...records.map((r) => ({ ...r, seenAt: Date.now() }))),
  });
  const script = `
    const { openEmbeddedLog } = await import(${JSON.stringify(new URL('../../../ingest/log/embedded.ts', import.meta.url))});
    const log = openEmbeddedLog({ path: ${JSON.stringify(path)}, clock: Date.now });
    const consumer = await log.consume({ topic: 't', group: 'theirs', onBatch: async () => {} });
    for (let i = 0; i < 5; i++) {
      await log.append('t', [{ key: 'k', value: Buffer.from(String(i)) }]);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await log.close();`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: 'inherit' });
  // It ends by itself, with nothing left open.
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
  await consumer.close();
  expect(seen.map((r) => String(r.value))).toEqual(['0', '1', '2', '3', '4']);
  const delays = seen.map((r) => r.seenAt - r.appendedAt).sort((a, b) => a - b);
  expect(delays[2]).toBeLessThan(200);
});
