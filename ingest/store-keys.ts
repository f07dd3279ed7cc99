/**
 * How the observation store lies in LMDB: keys whose bytes sort as their parts do, and rows of fixed width.
 * A series is a number in keys, so that an observation's key has 14 bytes whatever the series is called.
 */

/** ms as eight bytes whose order is the order of the numbers: the sign bit flipped, a negative number inverted. */
function writeTime(key: Buffer, time: number, at: number): void {
  // Adding 0 turns −0 into 0, which is the same instant.
  key.writeDoubleBE(time + 0, at);
  flip(key, at, time < 0);
}

/** In place, and back again: a window decodes hundreds of keys, and a copy of each would cost more than the rest. */
function readTime(key: Buffer, at: number): number {
  const negative = key[at] < 128;
  flip(key, at, negative);
  const time = key.readDoubleBE(at);
  flip(key, at, negative);
  return time;
}

function flip(key: Buffer, at: number, negative: boolean): void {
  if (negative) for (let i = at; i < at + 8; i++) key[i] ^= 255;
  else key[at] ^= 128;
}

/** stream u16, series u32, time */
export function observationKey(stream: number, series: number, time: number): Buffer {
  const key = Buffer.allocUnsafe(14);
  key.writeUInt16BE(stream, 0);
  key.writeUInt32BE(series, 2);
  writeTime(key, time, 6);
  return key;
}

export function timeOfObservation(key: Buffer): number {
  return readTime(key, 6);
}

/** stream u16, the series' name */
export function seriesKey(stream: number, series: string): Buffer {
  const key = Buffer.allocUnsafe(2 + Buffer.byteLength(series));
  key.writeUInt16BE(stream, 0);
  key.write(series, 2, 'utf8');
  return key;
}

export function nameOfSeries(key: Buffer): string {
  return key.toString('utf8', 2);
}

/** stream u16, time of the series' first observation, series u32: the oldest series of a stream comes first. */
export function startKey(stream: number, firstTime: number, series: number): Buffer {
  const key = Buffer.allocUnsafe(14);
  key.writeUInt16BE(stream, 0);
  writeTime(key, firstTime, 2);
  key.writeUInt32BE(series, 10);
  return key;
}

export function timeOfStart(key: Buffer): number {
  return readTime(key, 2);
}

/** All keys of a stream lie in [streamKey(s), streamKey(s + 1)). */
export function streamKey(stream: number): Buffer {
  const key = Buffer.allocUnsafe(2);
  key.writeUInt16BE(stream, 0);
  return key;
}

export function positionKey(topic: string, partition: number): Buffer {
  return Buffer.from(`${partition}/${topic}`, 'utf8');
}

/** [D] f64 little-endian, NaN where not observed. */
export function encodeRow(values: Float64Array): Buffer {
  const row = Buffer.allocUnsafe(8 * values.length);
  for (let d = 0; d < values.length; d++) row.writeDoubleLE(values[d], 8 * d);
  return row;
}

/** What `values` observes replaces what `row` holds. A row written before a channel was added is shorter. */
export function mergeRow(row: Buffer, values: Float64Array): Buffer {
  const merged = Float64Array.from(values, (value, d) =>
    Number.isNaN(value) && 8 * d < row.length ? row.readDoubleLE(8 * d) : value,
  );
  return encodeRow(merged);
}

/** What is known of one series, as it lies in the store. */
export interface SeriesRow {
  readonly id: number;
  observations: number;
  firstTime: number;
  lastTime: number;
}

export function encodeSeries({ id, observations, firstTime, lastTime }: SeriesRow): Buffer {
  const row = Buffer.allocUnsafe(28);
  row.writeUInt32LE(id, 0);
  row.writeDoubleLE(observations, 4);
  row.writeDoubleLE(firstTime, 12);
  row.writeDoubleLE(lastTime, 20);
  return row;
}

export function decodeSeries(row: Buffer): SeriesRow {
  return {
    id: row.readUInt32LE(0),
    observations: row.readDoubleLE(4),
    firstTime: row.readDoubleLE(12),
    lastTime: row.readDoubleLE(20),
  };
}
