/** What an error of kafkajs means to callers of the port. */
import { IngestError } from '../errors.ts';

const UNREACHABLE =
  /^KafkaJS(Connection|ConnectionClosed|RequestTimeout|NumberOfRetriesExceeded|Broker|NoBrokerAvailable)/;

export function toIngestError(error: unknown, brokers: readonly string[]): IngestError {
  if (error instanceof IngestError) return error;
  const cause = rootOf(error);
  const text = cause instanceof Error ? cause.message : String(cause);
  if (typeOf(cause) === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return new IngestError(
      'unknown-topic',
      `Kafka has no such topic (${text}): create it with ensureTopics first.`,
      error,
    );
  }
  if (error instanceof Error && (UNREACHABLE.test(error.name) || UNREACHABLE.test(nameOf(cause)))) {
    return new IngestError(
      'log-unreachable',
      `No Kafka broker answers at ${brokers.join(', ')} (${text}): check the addresses and that the broker runs.`,
      error,
    );
  }
  return new IngestError('log-failed', `Kafka refused (${text}): see the broker's log.`, error);
}

/** Whether trying the same again may help: everything but what is wrong by itself, such as credentials. */
export function isRetriable(error: unknown): boolean {
  if (error instanceof IngestError) return error.retriable;
  const cause = rootOf(error);
  const names = [nameOf(error), nameOf(cause)];
  if (names.some((name) => /SASL|Unsupported|NotImplemented/.test(name))) return false;
  return !/AUTHORIZATION|AUTHENTICATION|INVALID_TOPIC|INVALID_GROUP_ID/.test(typeOf(cause));
}

function rootOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? rootOf(error.cause) : error;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

function typeOf(error: unknown): string {
  return error instanceof Error && 'type' in error && typeof error.type === 'string' ? error.type : '';
}
