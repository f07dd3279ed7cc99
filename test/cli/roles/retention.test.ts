import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { configSchema } from '../../../cli/config.ts';
import { startServeRole } from '../../../cli/roles/serve-role.ts';
import { openEmbeddedLog } from '../../../ingest/log/embedded.ts';

/** One sender with a wrong clock must not cost everybody else their history. */
test('an event of the year 9999 expires nothing of a server that keeps an hour', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'odecast-retention-'));
  const config = configSchema.parse({
    port: 0,
    data: folder,
    streams: [{ name: 's', channels: ['x'], window: '1m', horizon: '1m', retention: { maxAge: '1h' } }],
  });
  const log = openEmbeddedLog({ path: join(folder, 'log'), clock: Date.now });
  const role = await startServeRole({ config, log, folder, logger: pino({ level: 'silent' }) });
  const send = (series: string, time: number) =>
    log.append('odecast.s.events', [
      { key: series, value: Buffer.from(JSON.stringify({ series, time, values: { x: 1 } })) },
    ]);
  try {
    await send('honest', Date.now());
    await send('mad', Date.parse('9999-01-01T00:00:00Z'));
    await send('honest', Date.now() + 1);
    await expect.poll(() => role.store.stream('s').revision).toBeGreaterThan(0);
    await expect.poll(() => role.store.series('s', 'honest')?.lastTime ?? 0).toBeGreaterThan(0);
    await expect.poll(() => role.store.stream('s').observations).toBe(3);
  } finally {
    await role.close();
    await log.close();
  }
}, 30_000);
