import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openEmbeddedLog } from '../../ingest/log/embedded.ts';
import { openStore } from '../../ingest/store.ts';
import { tempFolder } from './temp-folder.ts';

const CHILD = join(import.meta.dirname, 'full-disk-child.ts');

/** A limit on the size of files is a disk that is full, without one: XFSZ ignored, a write beyond it fails. */
function fillUntilFull(kind: 'log' | 'store', path: string) {
  const command = `trap '' XFSZ; ulimit -f 8192; exec '${process.execPath}' --import tsx '${CHILD}' ${kind} '${path}'`;
  const { status, stdout } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
  return { status, told: JSON.parse(stdout) };
}

test.each(['log', 'store'] as const)(
  'a disk that takes no more is a typed error of the %s, not the end of the process',
  (kind) => {
    const { status, told } = fillUntilFull(kind, tempFolder());
    expect({ status, code: told.code }).toEqual({ status: 0, code: 'write-failed' });
    expect(told.message).toMatch(/disk did not take a write.*has room/);
  },
  30_000,
);

test('all that was acknowledged before the disk was full is there, and writing goes on when there is room', async () => {
  const [logPath, storePath] = [tempFolder(), tempFolder()];
  const { written: records } = fillUntilFull('log', logPath).told;
  const { written: batches } = fillUntilFull('store', storePath).told;
  const [log, store] = [openEmbeddedLog({ path: logPath, clock: Date.now }), openStore(storePath)];
  await log.append('t', [{ key: 'a', value: Buffer.from('after') }]);
  let seen = 0;
  const follower = await log.follow({ topic: 't', onRecord: async () => void seen++ });
  await follower.caughtUp;
  await store.put('t', [{ series: 's', time: -1, values: Float64Array.of(1, 2, 3, 4) }]);
  expect({ seen, stored: store.stream('t').observations }).toEqual({ seen: records + 1, stored: 500 * batches + 1 });
  await log.close();
  await store.close();
}, 30_000);
