import { randomUUID } from 'node:crypto';
import { afterAll, describe, test } from 'vitest';
import type { EventLog } from '../../../ingest/log/event-log.ts';
import { openKafkaLog } from '../../../ingest/log/kafka.ts';
import { silentLogger } from '../../../ingest/logger.ts';
import { startBroker, withoutBroker } from '../../kafka/broker.ts';
import { eventLogContract } from './event-log.contract.ts';

const broker = await startBroker();

if (typeof broker === 'string') {
  withoutBroker(broker);
  describe.skip(`the log on Kafka: ${broker}`, () => test('skipped', () => {}));
} else {
  afterAll(() => broker.stop());
  eventLogContract('the log on Kafka', async () => ({
    open: (): Promise<EventLog> =>
      openKafkaLog({ brokers: broker.brokers, clientId: `test-${randomUUID()}`, logger: silentLogger }),
    close: async () => {},
  }));
}
