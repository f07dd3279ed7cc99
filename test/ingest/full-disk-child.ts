/** Fills the log or the store in a folder until the disk takes no more, and prints what the error was. */
import { setTimeout } from 'node:timers/promises';
import { openEmbeddedLog } from '../../ingest/log/embedded.ts';
import { openStore } from '../../ingest/store.ts';

const [kind, path] = process.argv.slice(2);

async function fill(write: (i: number) => Promise<void>): Promise<void> {
  let written = 0;
  try {
    for (; written < 500; written++) await write(written);
  } catch (error) {
    const { code, message } = error instanceof Error && 'code' in error ? error : { code: 'none', message: error };
    console.log(JSON.stringify({ code, message, written }));
    // A rejection that nobody handles would end the process now, before all is closed.
    await setTimeout(50);
  }
}

if (kind === 'log') {
  const log = openEmbeddedLog({ path, clock: Date.now });
  await log.ensureTopics([{ topic: 't' }]);
  await fill(() => log.append('t', [{ key: 'a', value: Buffer.alloc(50_000) }]));
  await log.close();
} else {
  const store = openStore(path);
  const values = Float64Array.of(1, 2, 3, 4);
  const batch = (i: number) => Array.from({ length: 500 }, (_, j) => ({ series: 's', time: 500 * i + j, values }));
  await fill((i) => store.put('t', batch(i)));
  await store.close();
}
