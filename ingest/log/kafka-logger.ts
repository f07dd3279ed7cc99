/**
 * kafkajs's log, filtered: it calls an error what it then retries by itself, e.g. while a coordinator starts. What really
 * fails comes out of the adapter as an error; so its "error" is at most a warning here, and known noise is for debugging.
 */
import type { LogEntry, logCreator } from 'kafkajs';
import type { Logger } from '../logger.ts';

/** kafkajs's levels: nothing 0, error 1, warn 2, info 4, debug 5. */
const WARN = 2;

const NOISE = [
  /coordinator/i,
  /rebalanc/i,
  /re-joining/,
  /no leader for this topic-partition/i,
  /leadership election/i,
  /Limiting retries for the idempotent producer/,
  /^Response \w+\(/,
  /Failed to connect to (seed )?broker/,
  /does not host this topic-partition/,
  /Restarting the consumer|^Crash:/,
];

export function kafkaLogCreator(logger: Logger): logCreator {
  return () => (entry: LogEntry) => {
    const { message, timestamp: _, ...fields } = entry.log;
    const noise = entry.level > WARN || NOISE.some((pattern) => pattern.test(message));
    if (noise) logger.debug({ ...fields, namespace: entry.namespace }, `kafkajs: ${message}`);
    else logger.warn({ ...fields, namespace: entry.namespace }, `kafkajs: ${message}`);
  };
}
