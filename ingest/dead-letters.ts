/**
 * Where refused events go: the stream's dead-letter topic, with the bytes as they came and, in the headers, why they were
 * refused and where they lay. A crash between the dead letter and the stored position writes it again: `offset` tells.
 */
import type { LogRecord, OutgoingRecord, TopicSpec } from './log/event-log.ts';
import type { Refusal } from './refusals.ts';

/** Bytes kept of a refused event. */
const MAX_KEPT_BYTES = 65_536;
const WEEK_MS = 7 * 86_400_000;

export function deadLetterTopic(stream: string): TopicSpec {
  return { topic: `odecast.${stream}.dead-letters`, retentionMs: WEEK_MS };
}

export function deadLetter(topic: string, record: LogRecord, refusal: Refusal): OutgoingRecord {
  const value = record.value ?? new Uint8Array(0);
  return {
    key: record.key,
    value: value.subarray(0, MAX_KEPT_BYTES),
    headers: {
      reason: refusal.code,
      message: refusal.message,
      topic,
      partition: String(record.partition),
      offset: String(record.offset),
      bytes: String(value.byteLength),
    },
  };
}
