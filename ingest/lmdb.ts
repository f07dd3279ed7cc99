/**
 * Opening LMDB as odecast uses it: several processes on one folder, a commit that is on disk when it resolves, binary
 * keys and values. The one place that knows of lmdb's options.
 */
import { setImmediate } from 'node:timers/promises';
import { type Database, open, type RootDatabase } from 'lmdb';
import { IngestError } from './errors.ts';

export type Environment = RootDatabase<Buffer, Buffer>;
export type Table = Database<Buffer, Buffer>;

const BINARY = { encoding: 'binary', keyEncoding: 'binary' } as const;

/** Longest key in bytes that LMDB takes with pages of 4096 bytes. */
export const MAX_KEY_BYTES = 1978;

/** @throws IngestError `folder-unusable` */
export function openEnvironment(path: string): Environment {
  try {
    return open<Buffer, Buffer>({
      path,
      ...BINARY,
      maxDbs: 16,
      // A folder may have a dot in its name; lmdb would take it for a file.
      noSubdir: false,
      // A commit resolves when it is on disk. The overlapping mode resolves before that and is not faster in batches.
      overlappingSync: false,
      noMemInit: true,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new IngestError(
      'folder-unusable',
      `Cannot open ${path} (${reason}): give a folder that can be written to.`,
      error,
    );
  }
}

export function openTable(environment: Environment, name: string): Table {
  return environment.openDB<Buffer, Buffer>({ name, ...BINARY });
}

/**
 * One transaction, on disk when it resolves.
 *
 * @throws IngestError `write-failed` where the disk did not take it; then nothing of it was kept, and a later one may be
 */
export async function commit<T>(environment: Environment, work: () => T): Promise<T> {
  try {
    return await environment.transaction(work);
  } catch (error) {
    // lmdb keeps a promise of its own of the same commit: a rejection that nobody handles would end the process.
    environment.committed.then(ignore, ignore);
    throw await writeFailure(error);
  }
}

function ignore(): void {}

/** lmdb rejects with an error whose `commitError` is a promise that rejects with the cause, also where nobody listens to it. */
async function writeFailure(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'commitError' in error)) return error;
  const told = Promise.resolve(error.commitError).catch((cause: unknown) => cause);
  const cause = await Promise.race([told, setImmediate()]);
  const reason = cause instanceof Error ? cause.message.split('\n')[0] : error.message;
  return new IngestError(
    'write-failed',
    `The disk did not take a write (${reason}): see that the data folder's disk has room and works, then start again; nothing was left half written.`,
    cause ?? error,
  );
}

export function encodeNumber(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleBE(value, 0);
  return bytes;
}

/**
 * The value, valid until the next read: lmdb hands out one buffer again and again, with `length` set by hand on it, which
 * `toString` and iterators of newer Nodes do not look at. A view of just that length says the same to everybody.
 */
export function peek(table: Table, key: Buffer): Buffer | undefined {
  const bytes = table.getBinaryFast(key);
  return bytes?.subarray(0, bytes.length);
}

export function getNumber(table: Table, key: Buffer): number | undefined {
  return peek(table, key)?.readDoubleBE(0);
}

/** The first key after every key that starts with `prefix`. */
export function endOfPrefix(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    if (end[i] < 255) {
      end[i]++;
      return end.subarray(0, i + 1);
    }
  }
  return Buffer.alloc(MAX_KEY_BYTES, 255);
}
