/** One consumer a stream, all into one store. */
import { type Ingest, type IngestOptions, startIngest } from '../../ingest/consume.ts';
import type { Config } from '../config.ts';
import { failureOf } from '../failure.ts';
import { streamSpec } from '../stream-options.ts';

export interface IngestsParts extends Pick<IngestOptions, 'log' | 'store' | 'logger' | 'onStored'> {
  readonly config: Config;
  /** Part of the group's name, so that each role gets every event. */
  readonly role: 'serve' | 'train';
  readonly onRefused?: (stream: string, reason: string, events: number) => void;
}

export interface Ingests {
  readonly byStream: ReadonlyMap<string, Ingest>;
  /** Whether all that the log held at the start is stored. */
  readonly caughtUp: () => boolean;
  /** Never resolves; rejects when a consumer has died of an error. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** Why a role is not ready while `caughtUp` says no. */
export const NOT_CAUGHT_UP = 'the store has not caught up with the log';

export async function startIngests(parts: IngestsParts): Promise<Ingests> {
  const byStream = await startAll(parts);
  const all = [...byStream.values()];
  return {
    byStream,
    caughtUp: watchCatchUp(all),
    failed: failureOf(all.map((ingest) => ingest.closed)),
    close: () => closeAll(all),
  };
}

/** All or none: where one does not start, those that did are closed. */
async function startAll(parts: IngestsParts): Promise<Map<string, Ingest>> {
  const byStream = new Map<string, Ingest>();
  const start = async (stream: Config['streams'][number]) =>
    void byStream.set(stream.name, await startOne(parts, stream));
  const outcomes = await Promise.allSettled(parts.config.streams.map(start));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (!failure) return byStream;
  await closeAll([...byStream.values()]);
  throw failure.reason;
}

function startOne(
  { config, role, onRefused, ...shared }: IngestsParts,
  stream: Config['streams'][number],
): Promise<Ingest> {
  return startIngest({
    ...shared,
    stream: streamSpec(stream),
    group: `${config.kafka.group}.${role}`,
    clock: Date.now,
    // The trainer reads the same events: what the serving role keeps need not be there twice.
    keepsRefused: role === 'serve',
    onRefused: (reason, events) => onRefused?.(stream.name, reason, events),
  });
}

/** A consumer that ends before it has caught up leaves this false; that it ended is `failed`'s to tell. */
function watchCatchUp(ingests: readonly Ingest[]): () => boolean {
  let caughtUp = false;
  const all = Promise.all(ingests.map((ingest) => ingest.caughtUp));
  all.then(
    () => {
      caughtUp = true;
    },
    () => undefined,
  );
  return () => caughtUp;
}

async function closeAll(ingests: readonly Ingest[]): Promise<void> {
  await Promise.all(ingests.map((ingest) => ingest.close()));
}
