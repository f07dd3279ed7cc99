/**
 * Reads a topic of the embedded log from given offsets, for ever: what consumers and followers have in common. Records of
 * the same handle wake it at once; those of other handles and processes are noticed by polling.
 */
import { IngestError } from '../errors.ts';
import { readHead, readRecords, type Tables, type Topic } from './embedded-tables.ts';
import type { RecordBatch } from './event-log.ts';

const POLL_EVERY_MS = 25;
const BATCH_LIMITS = { records: 2_000, bytes: 4 * 1024 * 1024 };

export interface ReaderOptions {
  readonly tables: Tables;
  readonly topic: Topic;
  /** [partitions] the offsets to begin with. */
  readonly starts: readonly number[];
  readonly onBatch: (batch: RecordBatch) => Promise<void>;
  /** Called once, after the last batch, however it ended. */
  readonly onEnd: () => Promise<void>;
}

/** running ──close──▶ closing ──last batch done──▶ closed; running ──onBatch rejects──▶ closed, with the error. */
export class EmbeddedReader {
  readonly closed: Promise<void>;
  readonly caughtUp: Promise<void>;
  readonly #options: ReaderOptions;
  readonly #next: number[];
  /** [partitions] heads at the beginning: behind them the reader has caught up. */
  readonly #targets: number[];
  #caughtUp!: { resolve: () => void; reject: (error: Error) => void };
  #closing = false;
  #woken = false;
  #wake: () => void = () => {};

  constructor(options: ReaderOptions) {
    const { tables, topic, starts } = options;
    this.#options = options;
    this.#next = [...starts];
    this.#targets = starts.map((_, partition) => readHead(tables, topic, partition));
    this.caughtUp = new Promise((resolve, reject) => {
      this.#caughtUp = { resolve, reject };
    });
    this.closed = this.#run();
    // Both may reject before anybody waits for them; whoever waits still sees the error.
    this.caughtUp.catch(() => {});
    this.closed.catch(() => {});
  }

  /** There may be new records. */
  wake(): void {
    this.#woken = true;
    this.#wake();
  }

  close(): Promise<void> {
    this.#closing = true;
    this.wake();
    return this.closed.catch(() => {});
  }

  async #run(): Promise<void> {
    try {
      while (!this.#closing) {
        this.#woken = false;
        if (!(await this.#round())) await this.#wait();
      }
      this.#caughtUp.reject(new IngestError('log-closed', 'The reader was closed before it had caught up.'));
    } catch (error) {
      this.#caughtUp.reject(error instanceof Error ? error : new Error(String(error)));
      throw error;
    } finally {
      await this.#options.onEnd();
    }
  }

  /** One batch of each partition that has one. @returns whether there was any. */
  async #round(): Promise<boolean> {
    const { tables, topic } = this.#options;
    // Other processes write too: without this the reads might see an older snapshot.
    tables.environment.resetReadTxn();
    let any = false;
    for (let partition = 0; partition < this.#next.length && !this.#closing; partition++) {
      const head = readHead(tables, topic, partition);
      if (head > this.#next[partition]) {
        await this.#batch(partition, head);
        any = true;
      }
    }
    if (!this.#closing && this.#next.every((next, partition) => next >= this.#targets[partition])) {
      this.#caughtUp.resolve();
    }
    return any;
  }

  async #batch(partition: number, highWatermark: number): Promise<void> {
    const { tables, topic, onBatch } = this.#options;
    const records = readRecords(tables, topic, partition, this.#next[partition], BATCH_LIMITS);
    if (records.length > 0) {
      await onBatch({
        topic: topic.name,
        partition,
        records,
        highWatermark: Math.max(highWatermark, lastOf(records) + 1),
      });
      this.#next[partition] = lastOf(records) + 1;
    } else {
      // Compaction or retention removed what was left.
      this.#next[partition] = highWatermark;
    }
    // A handler that never leaves the microtask queue must not starve the process.
    await new Promise((resolve) => setImmediate(resolve));
  }

  #wait(): Promise<void> {
    if (this.#woken) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, POLL_EVERY_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function lastOf(records: RecordBatch['records']): number {
  return records[records.length - 1].offset;
}
