/** How a record lies in the embedded log: `appendedAt f64 | flags u8 | key length u32 | headers length u32 | key | headers | value`. */
import type { LogRecord, OutgoingRecord } from './event-log.ts';

const HEAD = 17;
const TOMBSTONE = 1;
const NO_HEADERS = Object.freeze({});

export function encodeRecord(record: OutgoingRecord, appendedAt: number): Buffer {
  const key = Buffer.from(record.key, 'utf8');
  const headers = Buffer.from(record.headers === undefined ? '' : JSON.stringify(record.headers), 'utf8');
  const value = record.value ?? new Uint8Array(0);
  const bytes = Buffer.allocUnsafe(HEAD + key.length + headers.length + value.byteLength);
  bytes.writeDoubleBE(appendedAt, 0);
  bytes[8] = record.value === null ? TOMBSTONE : 0;
  bytes.writeUInt32BE(key.length, 9);
  bytes.writeUInt32BE(headers.length, 13);
  key.copy(bytes, HEAD);
  headers.copy(bytes, HEAD + key.length);
  bytes.set(value, HEAD + key.length + headers.length);
  return bytes;
}

/** @param bytes what `encodeRecord` gave; the record's value shares its memory. */
export function decodeRecord(partition: number, offset: number, bytes: Buffer): LogRecord {
  const headersAt = HEAD + bytes.readUInt32BE(9);
  const valueAt = headersAt + bytes.readUInt32BE(13);
  return {
    partition,
    offset,
    key: bytes.toString('utf8', HEAD, headersAt),
    value: bytes[8] === TOMBSTONE ? null : bytes.subarray(valueAt),
    headers: valueAt === headersAt ? NO_HEADERS : JSON.parse(bytes.toString('utf8', headersAt, valueAt)),
    appendedAt: bytes.readDoubleBE(0),
  };
}

export function appendedAtOf(bytes: Buffer): number {
  return bytes.readDoubleBE(0);
}
