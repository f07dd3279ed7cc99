import { afterEach, describe, expect, it } from 'vitest';
import type { FollowOptions, LogRecord, OutgoingRecord } from '../../ingest/log/event-log.ts';
import { encodeArtifact } from '../../model/artifact.ts';
import { ModelError } from '../../model/errors.ts';
import { type ModelsLog, openRegistry, type Registry, type RegistryChange } from '../../model/registry.ts';
import { toyArtifact } from './toy-artifact.ts';

/** The compacted topic's contract in memory: last value a key, in order, to every follower. */
function memoryLog() {
  const records: LogRecord[] = [];
  const followers = new Set<FollowOptions['onRecord']>();
  const log: ModelsLog = {
    append: async (_topic, added) => {
      for (const record of added) await push(record);
    },
    follow: async ({ onRecord }) => {
      for (const record of records) await onRecord(record);
      followers.add(onRecord);
      return {
        caughtUp: Promise.resolve(),
        closed: new Promise(() => {}),
        close: async () => void followers.delete(onRecord),
      };
    },
  };
  async function push({ key, value, headers }: OutgoingRecord) {
    const record = { partition: 0, offset: records.length, key, value, headers: headers ?? {}, appendedAt: 0 };
    records.push(record);
    for (const follow of followers) await follow(record);
  }
  const compact = () => {
    const last = new Map(records.map((r) => [r.key, r]));
    records.splice(
      0,
      records.length,
      ...[...last.values()].filter((r) => r.value !== null).sort((a, b) => a.offset - b.offset),
    );
  };
  return { log, records, compact };
}

const TOPIC = 'odecast.models';
const artifacts = Array.from({ length: 9 }, (_, i) => toyArtifact({ createdAt: 1000 * (i + 1) }, i + 1));
const [first, second, third] = artifacts;
const versionOf = (r: Registry, alias: 'champion' | 'previous' | 'challenger') => r.alias('toy', alias)?.header.version;

const open: Registry[] = [];
async function registryOn(
  log: ModelsLog,
  options: { keep?: number; changes?: RegistryChange[]; broken?: string[] } = {},
) {
  const registry = await openRegistry({
    log,
    topic: TOPIC,
    ...(options.keep !== undefined && { keep: options.keep }),
    onChange: (change) => options.changes?.push(change),
    onBroken: ({ key }) => options.broken?.push(key),
  });
  open.push(registry);
  return registry;
}
afterEach(() => Promise.all(open.splice(0).map((r) => r.close())));

describe('the registry', () => {
  it('makes a published version champion and the old champion previous, for every follower', async () => {
    const { log } = memoryLog();
    const writer = await registryOn(log);
    const changes: RegistryChange[] = [];
    const reader = await registryOn(log, { changes });
    await writer.publish(first);
    await writer.publish(second);
    expect(versionOf(reader, 'champion')).toBe(second.header.version);
    expect(versionOf(reader, 'previous')).toBe(first.header.version);
    expect(reader.alias('toy', 'champion')).toEqual(second);
    expect(changes.filter((c) => c.alias === 'champion').map((c) => c.version)).toEqual([
      first.header.version,
      second.header.version,
    ]);
    expect(reader.aliasesOf('toy', second.header.version)).toEqual(['champion']);
  });

  it('promotes and rolls back', async () => {
    const { log } = memoryLog();
    const registry = await registryOn(log);
    for (const artifact of [first, second, third]) await registry.publish(artifact);
    await registry.promote('toy', first.header.version);
    expect(versionOf(registry, 'champion')).toBe(first.header.version);
    expect(versionOf(registry, 'previous')).toBe(third.header.version);
    await registry.rollback('toy');
    expect(versionOf(registry, 'champion')).toBe(third.header.version);
    expect(versionOf(registry, 'previous')).toBe(first.header.version);
    await expect(async () => registry.promote('toy', 'none')).rejects.toThrow(ModelError);
    await expect(async () => registry.rollback('unknown')).rejects.toThrow(/no model to roll back/);
  });

  it('keeps a challenger beside the champion', async () => {
    const { log } = memoryLog();
    const registry = await registryOn(log);
    await registry.publish(first);
    await registry.challenge(second);
    expect(versionOf(registry, 'champion')).toBe(first.header.version);
    expect(versionOf(registry, 'challenger')).toBe(second.header.version);
  });

  it('keeps at most N versions without an alias, the newest, and forgets the rest on the topic too', async () => {
    const memory = memoryLog();
    const registry = await registryOn(memory.log, { keep: 2 });
    for (const artifact of artifacts) await registry.publish(artifact);
    const kept = artifacts.slice(-4).map((a) => a.header.version);
    expect(registry.versions('toy').map((a) => a.header.version)).toEqual(kept);
    memory.compact();
    const late = await registryOn(memory.log);
    expect(late.versions('toy').map((a) => a.header.version)).toEqual(kept);
    expect(versionOf(late, 'champion')).toBe(artifacts[8].header.version);
  });

  it('reports a broken blob and keeps the old champion, live and after a restart', async () => {
    const { log } = memoryLog();
    const broken: string[] = [];
    const registry = await registryOn(log, { broken });
    await registry.publish(first);
    const blob = encodeArtifact(second);
    blob[blob.length - 5] ^= 4;
    const name = (v: string) => new TextEncoder().encode(v);
    await log.append(TOPIC, [
      { key: `toy/versions/${second.header.version}`, value: blob },
      { key: 'toy/aliases/previous', value: name(first.header.version) },
      { key: 'toy/aliases/champion', value: name(second.header.version) },
    ]);
    const late = await registryOn(log);
    for (const r of [registry, late]) expect(versionOf(r, 'champion')).toBe(first.header.version);
    expect(broken).toEqual([`toy/versions/${second.header.version}`]);
    await registry.publish(third);
    for (const r of [registry, late]) expect(versionOf(r, 'champion')).toBe(third.header.version);
  });

  it('reports keys, aliases and blobs that are not its own', async () => {
    const { log } = memoryLog();
    const broken: string[] = [];
    const registry = await registryOn(log, { broken });
    const keys = ['nonsense', 'toy/aliases/emperor', 'other/versions/x', `toy/versions/${second.header.version}`];
    await log.append(
      TOPIC,
      keys.map((key) => ({ key, value: encodeArtifact(first) })),
    );
    expect(broken).toEqual(keys);
    expect(registry.streams()).toEqual([]);
  });

  it('takes an alias whose version compaction has moved behind it', async () => {
    const { log } = memoryLog();
    const version = first.header.version;
    const value = new TextEncoder().encode(version);
    const changes: RegistryChange[] = [];
    const registry = await registryOn(log, { changes });
    await log.append(TOPIC, [{ key: 'toy/aliases/champion', value }]);
    await log.append(TOPIC, [{ key: `toy/versions/${version}`, value: encodeArtifact(first) }]);
    expect(versionOf(registry, 'champion')).toBe(version);
    expect(changes).toEqual([{ stream: 'toy', alias: 'champion', version }]);
  });
});
