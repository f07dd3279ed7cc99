/** The log that the configuration names, and the topics that roles expect on it. */
import { join } from 'node:path';
import { openEmbeddedLog } from '../../ingest/log/embedded.ts';
import type { EventLog } from '../../ingest/log/event-log.ts';
import { openKafkaLog } from '../../ingest/log/kafka.ts';
import type { Logger } from '../../ingest/logger.ts';
import type { Config } from '../config.ts';
import { CliError } from '../errors.ts';
import { MODELS_TOPIC, streamSpec } from '../stream-options.ts';

export async function openLog(config: Config, logger: Logger): Promise<EventLog> {
  if (config.log === 'embedded') return openEmbeddedLog({ path: join(config.data, 'log'), clock: Date.now });
  const { brokers, clientId, replicationFactor } = config.kafka;
  if (brokers.length === 0)
    throw new CliError('no-broker', 'The log is kafka but no broker is named: set ODECAST_KAFKA_BROKERS=host:port.');
  return openKafkaLog({ brokers, clientId, replicationFactor, logger });
}

export function ensureTopics(log: EventLog, config: Config): Promise<void> {
  const { partitions } = config.kafka;
  const events = config.streams.map((stream) => ({ topic: streamSpec(stream).topic, partitions }));
  return log.ensureTopics([...events, { topic: MODELS_TOPIC, compacted: true }]);
}
