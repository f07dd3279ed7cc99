/**
 * The safetensors container: 8 bytes of header length (little-endian), a JSON header that names each tensor's type,
 * shape and place, then the raw numbers. Numbers only, so reading one can run nothing. What the tensors mean is known
 * by `artifact.ts` and `train/checkpoint.ts`; here is only the container, F32, with a checksum that the format itself
 * does not have: `__metadata__.sha256` over the other metadata and the numbers.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ModelError } from './errors.ts';

export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface TensorFile {
  /** Any strings but under the key `sha256`, which is the checksum's. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: readonly Tensor[];
}

/** Above this a file is refused before anything of it is read. */
export const MAX_FILE_BYTES = 256 * 1024 * 1024;
const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 16 * 1024 * 1024;
const CHECKSUM_KEY = 'sha256';

const entrySchema = z.strictObject({
  dtype: z.literal('F32'),
  shape: z.array(z.int().min(0)).max(8),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
const metadataSchema = z.record(z.string(), z.string());
const headerSchema = z.record(z.string(), z.unknown());

type Entry = z.output<typeof entrySchema>;

export function encodeTensors({ metadata, tensors }: TensorFile): Uint8Array {
  const body = new Uint8Array(tensors.reduce((sum, t) => sum + t.data.length, 0) * 4);
  const entries: Record<string, unknown> = {};
  let offset = 0;
  for (const { name, shape, data } of tensors) {
    writeFloats(body, offset, data);
    entries[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.length * 4] };
    offset += data.length * 4;
  }
  const sealed = { ...metadata, [CHECKSUM_KEY]: checksum(metadata, body) };
  return join(JSON.stringify({ __metadata__: sealed, ...entries }), body);
}

/**
 * The metadata and the tensors in the order of their data.
 * @throws ModelError `artifact-too-large`, `artifact-truncated`, `artifact-foreign` or `artifact-corrupt`
 */
export function decodeTensors(bytes: Uint8Array): TensorFile {
  const { header, body } = split(bytes);
  const { __metadata__, ...rest } = header;
  const metadata = metadataSchema.safeParse(__metadata__);
  if (!metadata.success) throw new ModelError('artifact-foreign', 'the file has no metadata of ours');
  const { [CHECKSUM_KEY]: expected, ...own } = metadata.data;
  const entries = parseEntries(rest);
  checkPlaces(entries, body.length);
  if (checksum(own, body) !== expected) throw new ModelError('artifact-corrupt', 'the file’s checksum does not match');
  const tensors = entries.map(([name, e]) => ({ name, shape: e.shape, data: readFloats(body, e) }));
  return { metadata: own, tensors };
}

function split(bytes: Uint8Array): { header: Record<string, unknown>; body: Uint8Array } {
  if (bytes.length > MAX_FILE_BYTES) throw new ModelError('artifact-too-large', `${bytes.length} bytes are too many`);
  if (bytes.length < LENGTH_BYTES) throw new ModelError('artifact-truncated', 'the file ends within its first bytes');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) throw new ModelError('artifact-foreign', 'this is no safetensors file');
  const end = LENGTH_BYTES + length;
  if (end > bytes.length) throw new ModelError('artifact-truncated', 'the file ends within its header');
  return { header: parseHeader(bytes.subarray(LENGTH_BYTES, end)), body: bytes.subarray(end) };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return headerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ModelError('artifact-foreign', 'the file’s header is not JSON', { cause });
  }
}

function parseEntries(rest: Record<string, unknown>): [string, Entry][] {
  const entries = Object.entries(rest).map(([name, value]): [string, Entry] => {
    const entry = entrySchema.safeParse(value);
    if (!entry.success) throw new ModelError('artifact-foreign', `tensor "${name}" is not described as F32 numbers`);
    return [name, entry.data];
  });
  return entries.sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0]);
}

/** Tensors must lie side by side and fill the data: no gap hides anything, no two share numbers. */
function checkPlaces(entries: readonly [string, Entry][], bodyBytes: number): void {
  let expected = 0;
  for (const [name, { shape, data_offsets }] of entries) {
    const size = shape.reduce((a, b) => a * b, 1) * 4;
    const [from, to] = data_offsets;
    if (from !== expected || to - from !== size) {
      throw new ModelError('artifact-corrupt', `tensor "${name}" does not lie where its shape says`);
    }
    expected = to;
  }
  if (bodyBytes < expected) throw new ModelError('artifact-truncated', 'the file ends within its numbers');
  if (bodyBytes > expected) throw new ModelError('artifact-corrupt', 'the file goes on after its numbers');
}

function checksum(metadata: Readonly<Record<string, string>>, body: Uint8Array): string {
  const sorted = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).update(body).digest('hex');
}

/** The header is padded with spaces so that the numbers start at a multiple of eight bytes. */
function join(json: string, body: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(LENGTH_BYTES + length + body.length).fill(0x20, LENGTH_BYTES, LENGTH_BYTES + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, LENGTH_BYTES);
  bytes.set(body, LENGTH_BYTES + length);
  return bytes;
}

/** Through a DataView: little-endian on every machine, and the source need not be aligned. */
function writeFloats(body: Uint8Array, offset: number, data: Float32Array): void {
  const view = new DataView(body.buffer, body.byteOffset + offset, data.length * 4);
  for (let i = 0; i < data.length; i++) view.setFloat32(4 * i, data[i], true);
}

function readFloats(body: Uint8Array, { data_offsets: [from, to] }: Entry): Float32Array {
  const view = new DataView(body.buffer, body.byteOffset + from, to - from);
  return Float32Array.from({ length: (to - from) / 4 }, (_, i) => view.getFloat32(4 * i, true));
}
