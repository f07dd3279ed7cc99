/** A file's observations in a store of their own in a temporary folder, for commands that work without a log. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { discoverChannels, readObservations } from '../ingest/files.ts';
import type { Observation, ObservationStore } from '../ingest/observation-store.ts';
import { openStore } from '../ingest/store.ts';
import { CliError } from './errors.ts';

/** The name of the one stream that a file is. */
export const FILE_STREAM = 'file';

export interface FileStore {
  readonly store: ObservationStore;
  readonly channels: readonly string[];
  readonly observations: number;
  /** Lines that hold no usable observation: how many, and the first of them in words. */
  readonly refused: { readonly count: number; readonly first?: string };
  close(): Promise<void>;
}

const BATCH = 5000;

/** @throws CliError, IngestError `bad-file` */
export async function openFileStore(path: string, wanted?: readonly string[]): Promise<FileStore> {
  if (!existsSync(path)) throw new CliError('bad-file', `There is no file ${path}.`);
  const channels = wanted ?? (await discoverChannels(path));
  const folder = mkdtempSync(join(tmpdir(), 'odecast-file-'));
  const store = openStore(folder);
  const close = async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { store, channels, close, ...(await fill(store, path, channels)) };
  } catch (error) {
    await close();
    throw error;
  }
}

async function fill(store: ObservationStore, path: string, channels: readonly string[]) {
  let batch: Observation[] = [];
  let count = 0;
  let first: string | undefined;
  for await (const line of readObservations(path, { channels })) {
    if (line.ok) batch.push(line.observation);
    else if (count++ === 0) first = `line ${line.line}: ${line.message}`;
    if (batch.length === BATCH) {
      await store.put(FILE_STREAM, batch);
      batch = [];
    }
  }
  await store.put(FILE_STREAM, batch);
  const { observations } = store.stream(FILE_STREAM);
  if (observations === 0)
    throw new CliError('bad-file', `${path} holds no usable observation${first ? `; ${first}` : ''}.`);
  return { observations, refused: { count, ...(first && { first }) } };
}

/** Says on stderr what was left out, so that stdout stays a table. */
export function warnOfRefused(path: string, { refused }: FileStore): void {
  if (refused.count === 0) return;
  console.error(`odecast: ${refused.count} lines of ${path} were left out; the first is ${refused.first}`);
}
