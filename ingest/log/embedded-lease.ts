/**
 * Who consumes for a group. On the embedded log a group has one live member, which gets every partition; a second one is
 * told so by a typed error. The lease is renewed by time, and is free at once when its holder's process is gone, so
 * that a killed process can be started again without waiting.
 */

import { IngestError } from '../errors.ts';
import { peek } from '../lmdb.ts';
import { processRuns } from '../processes.ts';
import type { Tables, Topic } from './embedded-tables.ts';

/** Identity of a member: the same process id in a new container is another process, hence its start. */
export interface Member {
  readonly token: string;
  readonly pid: number;
  /** `performance.timeOrigin` of the process, ms. */
  readonly processStart: number;
}

interface Lease extends Member {
  readonly renewedAt: number;
}

export const RENEW_EVERY_MS = 3_000;
const EXPIRES_AFTER_MS = 10_000;

/** Inside a transaction. @throws IngestError `group-taken` */
export function takeLease(tables: Tables, topic: Topic, group: string, member: Member, now: number): void {
  const held = readLease(tables, topic, group);
  if (held !== undefined && held.token !== member.token && isLive(held, member, now)) {
    throw new IngestError(
      'group-taken',
      `Process ${held.pid} consumes ${topic.name} for the group ${group} already: stop it, give another group, or use Kafka to share a topic.`,
    );
  }
  const lease: Lease = { ...member, renewedAt: now };
  tables.leases.put(leaseKey(topic, group), Buffer.from(JSON.stringify(lease), 'utf8'));
}

/** Inside a transaction. @throws IngestError `lease-lost`, when the holder slept so long that another took over */
export function requireLease(tables: Tables, topic: Topic, group: string, member: Member): void {
  if (readLease(tables, topic, group)?.token !== member.token) {
    throw new IngestError(
      'lease-lost',
      `Another process took over ${topic.name} for the group ${group} while this one was not running: consume again.`,
    );
  }
}

/** Inside a transaction. */
export function releaseLease(tables: Tables, topic: Topic, group: string, member: Member): void {
  if (readLease(tables, topic, group)?.token === member.token) tables.leases.remove(leaseKey(topic, group));
}

function readLease(tables: Tables, topic: Topic, group: string): Lease | undefined {
  const bytes = peek(tables.leases, leaseKey(topic, group));
  return bytes === undefined ? undefined : JSON.parse(bytes.toString('utf8'));
}

function isLive(lease: Lease, asker: Member, now: number): boolean {
  if (Math.abs(now - lease.renewedAt) > EXPIRES_AFTER_MS) return false;
  if (lease.pid === asker.pid) return lease.processStart === asker.processStart;
  return processRuns(lease.pid);
}

function leaseKey(topic: Topic, group: string): Buffer {
  const key = Buffer.alloc(2 + Buffer.byteLength(group));
  key.writeUInt16BE(topic.id, 0);
  key.write(group, 2, 'utf8');
  return key;
}
