/**
 * Opening LMDB as odecast uses it: several processes on one folder, a commit that is on disk when it resolves, binary
 * keys and values. The one place that knows of lmdb's options.
 */
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
