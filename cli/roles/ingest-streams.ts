/** One consumer a stream, all into one store. */
import { type Ingest, type IngestOptions, startIngest } from '../../ingest/consume.ts';
import type { Config } from '../config.ts';
import { streamSpec } from '../stream-options.ts';

export interface IngestsParts extends Pick<IngestOptions, 'log' | 'store' | 'logger' | 'onStored'> {
  readonly config: Config;
  /** Part of the group's name, so that each role gets every event. */
  readonly role: 'serve' | 'train';
  readonly onRefused?: (stream: string, reason: string, events: number) => void;
}

export interface Ingests {
  readonly byStream: ReadonlyMap<string, Ingest>;
  /** Resolves when all that the log held at the start is stored. */
  readonly caughtUp: Promise<void>;
  /** Never resolves; rejects when a consumer has died of an error. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

export async function startIngests(parts: IngestsParts): Promise<Ingests> {
  const started = await Promise.all(
    parts.config.streams.map(async (stream) => [stream.name, await startOne(parts, stream)] as const),
  );
  const byStream = new Map(started);
  const all = [...byStream.values()];
  return {
    byStream,
    caughtUp: Promise.all(all.map((ingest) => ingest.caughtUp)).then(() => undefined),
    failed: new Promise((_, reject) => {
      for (const ingest of all) ingest.closed.catch(reject);
    }),
    close: async () => void (await Promise.all(all.map((ingest) => ingest.close()))),
  };
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
    onRefused: (reason, events) => onRefused?.(stream.name, reason, events),
  });
}
