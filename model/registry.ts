/**
 * Versions of models on the compacted models topic, and names for them. A record a version (`<stream>/versions/<version>`
 * → the artifact's blob) and a record an alias (`<stream>/aliases/<alias>` → the version's name). Every process that
 * follows the topic holds the same view; the topic is the only truth, so a call that changes something resolves when
 * the log has it, and the view follows when it comes back.
 */
import { randomUUID } from 'node:crypto';
import type { EventLog, Follower, LogRecord, OutgoingRecord } from '../ingest/log/event-log.ts';
import { decodeArtifact, encodeArtifact } from './artifact.ts';
import type { Artifact } from './artifact-format.ts';
import { ModelError } from './errors.ts';

export const ALIASES = ['champion', 'challenger', 'previous'] as const;
export type Alias = (typeof ALIASES)[number];

/** What of the log a registry needs. */
export type ModelsLog = Pick<EventLog, 'append' | 'follow'>;

export interface RegistryChange {
  readonly stream: string;
  /** The alias that now names another version, or undefined where a version came or went. */
  readonly alias?: Alias;
  readonly version: string;
}

export interface RegistryOptions {
  readonly log: ModelsLog;
  readonly topic: string;
  /** Versions kept a stream, those with an alias not counted. Default 5. */
  readonly keep?: number;
  /** After each change of the view. */
  readonly onChange?: (change: RegistryChange) => void;
  /** A record that is no artifact of ours: it is left out of the view and nothing else changes. */
  readonly onBroken?: (record: { readonly key: string; readonly error: unknown }) => void;
}

export interface Registry {
  /** Resolves when all that the topic held at opening is in the view. */
  readonly caughtUp: Promise<void>;
  /** Rejects when following the topic failed. */
  readonly closed: Promise<void>;
  streams(): string[];
  /** Oldest first. */
  versions(stream: string): Artifact[];
  get(stream: string, version: string): Artifact | undefined;
  alias(stream: string, alias: Alias): Artifact | undefined;
  /** Aliases of a version, for lists. */
  aliasesOf(stream: string, version: string): Alias[];
  /** Appends the artifact and makes it champion; the old champion becomes previous. */
  publish(artifact: Artifact): Promise<void>;
  /** Appends the artifact as challenger: seen, not used. */
  challenge(artifact: Artifact): Promise<void>;
  /** @throws ModelError `version-unknown` */
  promote(stream: string, version: string): Promise<void>;
  /** Champion and previous change places. @throws ModelError `version-unknown` where there is no previous */
  rollback(stream: string): Promise<void>;
  close(): Promise<void>;
}

const KEY = /^(?<stream>.+)\/(?<kind>versions|aliases)\/(?<name>[^/]+)$/;
const DEFAULT_KEEP = 5;
/** Marks the last record of a write, so that its writer knows when it has come back. */
const WRITE_HEADER = 'odecast-write';

interface StreamView {
  readonly versions: Map<string, Artifact>;
  /** Alias → a version that is there. */
  readonly aliases: Map<Alias, string>;
  /** Alias → a version that is not there: its blob was broken, or compaction has moved it behind the alias. */
  readonly awaited: Map<Alias, string>;
}

type View = Map<string, StreamView>;

export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const { log, topic } = options;
  const view: View = new Map();
  const echoes = new Map<string, () => void>();
  const onRecord = (record: LogRecord) => {
    applyRecord(view, record, options);
    echoes.get(record.headers[WRITE_HEADER] ?? '')?.();
  };
  const follower = await log.follow({ topic, onRecord });
  const append = async (records: readonly OutgoingRecord[]) => {
    if (records.length === 0) return;
    const write = randomUUID();
    const echo = new Promise<void>((resolve) => echoes.set(write, resolve));
    await log.append(topic, signLast(records, write));
    // Changes are computed from the view, so the next one must see this one; the topic's order decides between writers.
    await Promise.race([echo, follower.closed]).finally(() => echoes.delete(write));
  };
  return { ...readers(view, follower), ...writers(view, append, options.keep ?? DEFAULT_KEEP) };
}

function signLast(records: readonly OutgoingRecord[], write: string): OutgoingRecord[] {
  return records.map((r, i) => (i === records.length - 1 ? { ...r, headers: { [WRITE_HEADER]: write } } : r));
}

function readers(view: View, follower: Follower) {
  const get = (stream: string, version: string) => view.get(stream)?.versions.get(version);
  return {
    caughtUp: follower.caughtUp,
    closed: follower.closed,
    close: () => follower.close(),
    streams: () => [...view].filter(([, s]) => s.versions.size > 0).map(([name]) => name),
    versions: (stream: string) => byAge(view.get(stream)),
    get,
    alias: (stream: string, alias: Alias) => get(stream, view.get(stream)?.aliases.get(alias) ?? ''),
    aliasesOf: (stream: string, version: string) =>
      ALIASES.filter((alias) => view.get(stream)?.aliases.get(alias) === version),
  };
}

type Append = (records: readonly OutgoingRecord[]) => Promise<void>;

function writers(view: View, append: Append, keep: number) {
  const aliasOf = (stream: string, alias: Alias) => view.get(stream)?.aliases.get(alias);
  /** In one append, so that no reader sees a champion without its version. */
  const crown = (stream: string, version: string): OutgoingRecord[] => {
    const champion = aliasOf(stream, 'champion');
    if (champion === version) return [];
    const records = [aliasRecord(stream, 'champion', version)];
    return champion ? [aliasRecord(stream, 'previous', champion), ...records] : records;
  };
  const known = (stream: string, version: string | undefined) => {
    if (version && view.get(stream)?.versions.has(version)) return version;
    throw new ModelError('version-unknown', `stream "${stream}" has no model ${version ?? 'to roll back to'}`);
  };
  return {
    publish: async (artifact: Artifact) => {
      const { stream, version } = artifact.header;
      await append([versionRecord(artifact), ...crown(stream, version)]);
      await append(surplus(stream, view.get(stream), keep));
    },
    challenge: async (artifact: Artifact) => {
      const { stream, version } = artifact.header;
      await append([versionRecord(artifact), aliasRecord(stream, 'challenger', version)]);
      await append(surplus(stream, view.get(stream), keep));
    },
    promote: (stream: string, version: string) => append(crown(stream, known(stream, version))),
    rollback: (stream: string) => append(crown(stream, known(stream, aliasOf(stream, 'previous')))),
  };
}

function versionRecord(artifact: Artifact): OutgoingRecord {
  const { stream, version } = artifact.header;
  return { key: `${stream}/versions/${version}`, value: encodeArtifact(artifact) };
}

function aliasRecord(stream: string, alias: Alias, version: string): OutgoingRecord {
  return { key: `${stream}/aliases/${alias}`, value: new TextEncoder().encode(version) };
}

/** Tombstones for the oldest versions beyond `keep`; what an alias names stays. */
function surplus(stream: string, view: StreamView | undefined, keep: number): OutgoingRecord[] {
  const named = new Set(view?.aliases.values());
  const free = byAge(view).filter((a) => !named.has(a.header.version));
  return free
    .slice(0, Math.max(0, free.length - keep))
    .map((a) => ({ key: `${stream}/versions/${a.header.version}`, value: null }));
}

function byAge(view: StreamView | undefined): Artifact[] {
  const artifacts = [...(view?.versions.values() ?? [])];
  return artifacts.sort((a, b) => a.header.createdAt - b.header.createdAt);
}

function applyRecord(view: View, record: Pick<LogRecord, 'key' | 'value'>, options: RegistryOptions): void {
  const parts = KEY.exec(record.key)?.groups;
  try {
    if (!parts) throw new ModelError('artifact-foreign', `"${record.key}" is not a key of the registry`);
    const change = applyTo(streamView(view, parts.stream), parts, record.value);
    if (change) options.onChange?.({ stream: parts.stream, ...change });
  } catch (error) {
    options.onBroken?.({ key: record.key, error });
  }
}

type Change = Omit<RegistryChange, 'stream'> | undefined;

function applyTo(view: StreamView, parts: Record<string, string>, value: Uint8Array | null): Change {
  return parts.kind === 'versions'
    ? applyVersion(view, parts.stream, parts.name, value)
    : applyAlias(view, parts.name, value);
}

function applyVersion(view: StreamView, stream: string, version: string, value: Uint8Array | null): Change {
  if (value === null) return view.versions.delete(version) ? { version } : undefined;
  if (view.versions.has(version)) return undefined;
  const artifact = decodeArtifact(value);
  const { header } = artifact;
  if (header.stream !== stream || header.version !== version) {
    throw new ModelError(
      'artifact-invalid',
      `the record names ${version}, its blob ${header.stream}/${header.version}`,
    );
  }
  view.versions.set(version, artifact);
  const alias = ALIASES.find((a) => view.awaited.get(a) === version);
  return alias ? applyAliasTo(view, alias, version) : { version };
}

function applyAlias(view: StreamView, name: string, value: Uint8Array | null): Change {
  const alias = ALIASES.find((a) => a === name);
  if (!alias) throw new ModelError('artifact-invalid', `"${name}" is not an alias`);
  if (value !== null) return applyAliasTo(view, alias, new TextDecoder().decode(value));
  view.aliases.delete(alias);
  view.awaited.delete(alias);
  return undefined;
}

/** An alias of a version that is not there waits for it; what it named before stays in use. */
function applyAliasTo(view: StreamView, alias: Alias, version: string): Change {
  if (!view.versions.has(version)) {
    view.awaited.set(alias, version);
    return alias === 'champion' ? standIn(view) : undefined;
  }
  view.awaited.delete(alias);
  if (view.aliases.get(alias) === version) return undefined;
  view.aliases.set(alias, version);
  return { alias, version };
}

/** After a restart a broken champion leaves the one before it, as it would have without the restart. */
function standIn(view: StreamView): Change {
  const previous = view.aliases.get('previous');
  if (previous === undefined || view.aliases.has('champion')) return undefined;
  view.aliases.set('champion', previous);
  return { alias: 'champion', version: previous };
}

function streamView(view: View, stream: string): StreamView {
  const known = view.get(stream);
  if (known) return known;
  const fresh: StreamView = { versions: new Map(), aliases: new Map(), awaited: new Map() };
  view.set(stream, fresh);
  return fresh;
}
