/**
 * The tables of the embedded log and what is done to them inside one transaction. Several processes may have them open;
 * LMDB admits one writer at a time, so that heads, leases and positions need no other lock.
 *
 * | table   | key                                   | value                            |
 * |---------|---------------------------------------|----------------------------------|
 * | topics  | name                                  | JSON `Topic`                     |
 * | records | topic u16, partition u16, offset f64  | a record (`embedded-record.ts`)  |
 * | heads   | topic u16, partition u16              | f64, the next offset             |
 * | latest  | topic u16, partition u16, record key  | f64, offset of the key's last record; compacted topics only |
 * | commits | topic u16, partition u16, group       | f64, the next offset wanted      |
 * | leases  | topic u16, group                      | JSON `Lease`                     |
 */
import { IngestError } from '../errors.ts';
import {
  type Environment,
  encodeNumber,
  endOfPrefix,
  getNumber,
  MAX_KEY_BYTES,
  openEnvironment,
  openTable,
  peek,
  type Table,
} from '../lmdb.ts';
import { appendedAtOf, decodeRecord, encodeRecord } from './embedded-record.ts';
import type { LogRecord, OutgoingRecord, TopicSpec } from './event-log.ts';

export interface Topic {
  readonly id: number;
  readonly name: string;
  readonly partitions: number;
  readonly compacted: boolean;
  readonly retentionMs?: number;
}

export interface Tables {
  readonly environment: Environment;
  readonly topics: Table;
  readonly records: Table;
  readonly heads: Table;
  readonly latest: Table;
  readonly commits: Table;
  readonly leases: Table;
}

export function openTables(path: string): Tables {
  const environment = openEnvironment(path);
  const table = (name: string) => openTable(environment, name);
  return {
    environment,
    topics: table('topics'),
    records: table('records'),
    heads: table('heads'),
    latest: table('latest'),
    commits: table('commits'),
    leases: table('leases'),
  };
}

/** Inside a transaction. */
export function createTopic(tables: Tables, spec: TopicSpec): void {
  const key = Buffer.from(spec.topic, 'utf8');
  if (tables.topics.doesExist(key)) return;
  const topic: Topic = {
    id: tables.topics.getKeysCount() + 1,
    name: spec.topic,
    partitions: spec.partitions ?? 1,
    compacted: spec.compacted ?? false,
    ...(spec.retentionMs === undefined ? {} : { retentionMs: spec.retentionMs }),
  };
  tables.topics.put(key, Buffer.from(JSON.stringify(topic), 'utf8'));
}

/** @throws IngestError `unknown-topic` */
export function getTopic(tables: Tables, name: string): Topic {
  const bytes = peek(tables.topics, Buffer.from(name, 'utf8'));
  if (bytes === undefined) {
    throw new IngestError('unknown-topic', `There is no topic ${name}: create it with ensureTopics first.`);
  }
  return JSON.parse(bytes.toString('utf8'));
}

/**
 * Inside a transaction.
 *
 * @throws IngestError `key-too-long`, before anything is written
 */
export function appendRecords(tables: Tables, topic: Topic, records: readonly OutgoingRecord[], now: number): void {
  if (topic.compacted) records.forEach(refuseLongKey);
  const byPartition = groupByPartition(records, topic.partitions);
  for (const [partition, some] of byPartition) {
    appendToPartition(tables, topic, partition, some, now);
    if (!topic.compacted && topic.retentionMs !== undefined) {
      // Twice as many may go as came, so that a backlog shrinks and the work stays bounded.
      removeExpired(tables, topic, partition, now - topic.retentionMs, 2 * some.length + 16);
    }
  }
}

function groupByPartition(records: readonly OutgoingRecord[], partitions: number): Map<number, OutgoingRecord[]> {
  const groups = new Map<number, OutgoingRecord[]>();
  for (const record of records) {
    const partition = partitionOf(record.key, partitions);
    const group = groups.get(partition);
    if (group === undefined) groups.set(partition, [record]);
    else group.push(record);
  }
  return groups;
}

function appendToPartition(
  tables: Tables,
  topic: Topic,
  partition: number,
  records: readonly OutgoingRecord[],
  now: number,
): void {
  const headKey = partitionKey(topic.id, partition);
  let offset = getNumber(tables.heads, headKey) ?? 0;
  for (const record of records) {
    if (topic.compacted) replaceLatest(tables, topic, partition, record.key, offset);
    tables.records.put(recordKey(topic.id, partition, offset), encodeRecord(record, now));
    offset++;
  }
  tables.heads.put(headKey, encodeNumber(offset));
}

/** Compaction happens at once: the key's former record goes when the new one comes. A tombstone stays, to be seen by followers. */
function replaceLatest(tables: Tables, topic: Topic, partition: number, key: string, offset: number): void {
  const latestKey = Buffer.concat([partitionKey(topic.id, partition), Buffer.from(key, 'utf8')]);
  const former = getNumber(tables.latest, latestKey);
  if (former !== undefined) tables.records.remove(recordKey(topic.id, partition, former));
  tables.latest.put(latestKey, encodeNumber(offset));
}

function removeExpired(tables: Tables, topic: Topic, partition: number, before: number, atMost: number): void {
  const start = partitionKey(topic.id, partition);
  const expired: Buffer[] = [];
  for (const { key, value } of tables.records.getRange({ start, end: endOfPrefix(start), limit: atMost })) {
    if (appendedAtOf(value) >= before) break;
    expired.push(key);
  }
  for (const key of expired) tables.records.remove(key);
}

function refuseLongKey(record: OutgoingRecord): void {
  if (Buffer.byteLength(record.key) > MAX_KEY_BYTES - 4) {
    throw new IngestError(
      'key-too-long',
      `Keys on a compacted topic have at most ${MAX_KEY_BYTES - 4} bytes: shorten it.`,
    );
  }
}

export function readHead(tables: Tables, topic: Topic, partition: number): number {
  return getNumber(tables.heads, partitionKey(topic.id, partition)) ?? 0;
}

/** Records from `next` on, ended by whichever limit is met first; at least one if there is one. */
export function readRecords(
  tables: Tables,
  topic: Topic,
  partition: number,
  next: number,
  limits: { readonly records: number; readonly bytes: number },
): LogRecord[] {
  const records: LogRecord[] = [];
  let bytes = 0;
  const range = tables.records.getRange({
    start: recordKey(topic.id, partition, next),
    end: endOfPrefix(partitionKey(topic.id, partition)),
    limit: limits.records,
  });
  for (const { key, value } of range) {
    records.push(decodeRecord(partition, key.readDoubleBE(4), value));
    bytes += value.length;
    if (bytes >= limits.bytes) break;
  }
  return records;
}

export function readCommit(tables: Tables, topic: Topic, partition: number, group: string): number | undefined {
  return getNumber(tables.commits, commitKey(topic, partition, group));
}

/** Inside a transaction. */
export function writeCommit(tables: Tables, topic: Topic, partition: number, group: string, next: number): void {
  tables.commits.put(commitKey(topic, partition, group), encodeNumber(next));
}

function partitionKey(topic: number, partition: number): Buffer {
  const key = Buffer.allocUnsafe(4);
  key.writeUInt16BE(topic, 0);
  key.writeUInt16BE(partition, 2);
  return key;
}

function recordKey(topic: number, partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(12);
  key.writeUInt16BE(topic, 0);
  key.writeUInt16BE(partition, 2);
  // The bytes of a double that is not negative sort as the numbers do.
  key.writeDoubleBE(offset, 4);
  return key;
}

function commitKey(topic: Topic, partition: number, group: string): Buffer {
  return Buffer.concat([partitionKey(topic.id, partition), Buffer.from(group, 'utf8')]);
}

/** FNV-1a over UTF-16 code units: spreads keys evenly and is the same everywhere. */
function partitionOf(key: string, partitions: number): number {
  if (partitions === 1) return 0;
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % partitions;
}
