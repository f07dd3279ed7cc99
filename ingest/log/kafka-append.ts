/**
 * Appending to Kafka: one request at a time and topic, and whatever was asked for while it was on its way goes with the
 * next one. That keeps the order of calls and makes many small appends cheap without a timer.
 */
import type { Message, Producer } from 'kafkajs';
import type { OutgoingRecord } from './event-log.ts';

/** A broker takes 1 MiB a batch by default; a record that is larger goes alone and is the broker's to refuse. */
const MAX_REQUEST_BYTES = 900_000;
const MAX_REQUEST_RECORDS = 5_000;

interface Waiting {
  readonly records: readonly OutgoingRecord[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class AppendQueue {
  readonly #producer: Producer;
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #sending = new Map<string, Promise<void>>();

  constructor(producer: Producer) {
    this.#producer = producer;
  }

  append(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(topic) ?? [];
      waiting.push({ records, resolve, reject });
      this.#waiting.set(topic, waiting);
      if (!this.#sending.has(topic)) this.#sending.set(topic, this.#drain(topic));
    });
  }

  /** Resolves when everything asked for so far was answered. */
  async idle(): Promise<void> {
    await Promise.all(this.#sending.values());
  }

  async #drain(topic: string): Promise<void> {
    for (let together = this.#take(topic); together.length > 0; together = this.#take(topic)) {
      try {
        for (const messages of chunks(together.flatMap(({ records }) => records))) {
          await this.#producer.send({ topic, acks: -1, messages });
        }
        for (const { resolve } of together) resolve();
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.#sending.delete(topic);
  }

  #take(topic: string): Waiting[] {
    const waiting = this.#waiting.get(topic) ?? [];
    this.#waiting.delete(topic);
    return waiting;
  }
}

function* chunks(records: readonly OutgoingRecord[]): Generator<Message[]> {
  let messages: Message[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = sizeOf(record);
    if (messages.length > 0 && (bytes + size > MAX_REQUEST_BYTES || messages.length === MAX_REQUEST_RECORDS)) {
      yield messages;
      messages = [];
      bytes = 0;
    }
    messages.push(toMessage(record));
    bytes += size;
  }
  yield messages;
}

/** An upper estimate of what a record takes in a batch. */
function sizeOf({ key, value, headers }: OutgoingRecord): number {
  const words = headers === undefined ? 0 : JSON.stringify(headers).length;
  return 3 * (key.length + words) + (value?.byteLength ?? 0) + 64;
}

function toMessage({ key, value, headers }: OutgoingRecord): Message {
  const bytes = value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return headers === undefined ? { key, value: bytes } : { key, value: bytes, headers: { ...headers } };
}
