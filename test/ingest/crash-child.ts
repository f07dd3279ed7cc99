/**
 * The process that `crash-safety.slow.test.ts` kills: appends numbered events, prints a line when a batch of them was
 * acknowledged, and ingests them into its store at the same time.
 *
 *   node --import tsx crash-child.ts <log> <store folder> <first number>
 *
 * where <log> is a folder, or `kafka:host:port`.
 */
import { appendEvents } from '../../ingest/append.ts';
import { startIngest } from '../../ingest/consume.ts';
import { openEmbeddedLog } from '../../ingest/log/embedded.ts';
import { openKafkaLog } from '../../ingest/log/kafka.ts';
import { silentLogger } from '../../ingest/logger.ts';
import { openStore } from '../../ingest/store.ts';
import { numberedEvent, STREAM } from './stream-fixture.ts';

const [address, storeFolder, first] = process.argv.slice(2);
const log = address.startsWith('kafka:')
  ? await openKafkaLog({ brokers: [address.slice('kafka:'.length)], clientId: 'crash', logger: silentLogger })
  : openEmbeddedLog({ path: address, clock: Date.now });
const store = openStore(storeFolder, { streams: [STREAM] });
await log.ensureTopics([{ topic: STREAM.topic, partitions: 2 }]);
const ingesting = startIngest({ log, store, stream: STREAM, group: 'serve', clock: Date.now, logger: silentLogger });
// Kafka waits for the session of the killed process to end before it lets this one in.
if (!address.startsWith('kafka:')) await ingesting;
for (let n = Number(first); ; n += 7) {
  const numbers = Array.from({ length: 7 }, (_, i) => n + i);
  await appendEvents(log, STREAM, numbers.map(numberedEvent));
  process.stdout.write(`${n} ${n + 7}\n`);
}
