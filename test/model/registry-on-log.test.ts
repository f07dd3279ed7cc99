/** The registry on a real log: what one process publishes, another sees, also after both were closed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openEmbeddedLog } from '../../ingest/log/embedded.ts';
import type { EventLog } from '../../ingest/log/event-log.ts';
import { openRegistry } from '../../model/registry.ts';
import { toyArtifact } from './toy-artifact.ts';

const TOPIC = 'odecast.models';
let folder: string;
let logs: EventLog[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'odecast-registry-'));
});
afterEach(async () => {
  await Promise.all(logs.map((log) => log.close()));
  logs = [];
  rmSync(folder, { recursive: true, force: true });
});

async function openLog(): Promise<EventLog> {
  const log = openEmbeddedLog({ path: folder, clock: Date.now });
  logs.push(log);
  await log.ensureTopics([{ topic: TOPIC, compacted: true }]);
  return log;
}

it('publishes, follows, rolls back and finds everything again after a restart', async () => {
  const artifacts = [1, 2, 3].map((i) => toyArtifact({ createdAt: 1000 * i }, i));
  const log = await openLog();
  const writer = await openRegistry({ log, topic: TOPIC, keep: 1 });
  const seen: string[] = [];
  const reader = await openRegistry({
    log,
    topic: TOPIC,
    onChange: ({ alias, version }) => alias === 'champion' && seen.push(version),
  });
  for (const artifact of artifacts) await writer.publish(artifact);
  await writer.rollback('toy');
  await expect.poll(() => reader.alias('toy', 'champion')).toEqual(artifacts[1]);
  expect(seen).toEqual([0, 1, 2, 1].map((i) => artifacts[i].header.version));
  await log.close();
  const later = await openRegistry({ log: await openLog(), topic: TOPIC });
  await later.caughtUp;
  expect(later.alias('toy', 'champion')).toEqual(artifacts[1]);
  expect(later.alias('toy', 'previous')).toEqual(artifacts[2]);
  expect(later.versions('toy')).toEqual(artifacts);
});
