/**
 * A trained model as one safetensors blob and back. The blob may come from anywhere, so reading it checks everything:
 * the container, its checksum, the header, that the tensors are those of the header's spec, that every number is finite.
 */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { Artifact, ArtifactHeader } from './artifact-format.ts';
import { headerSchema } from './artifact-schema.ts';
import { ModelError } from './errors.ts';
import { parameterLayout } from './latent/layout.ts';
import type { ModelSpec } from './latent/spec.ts';
import { decodeTensors, encodeTensors, type Tensor } from './safetensors.ts';

const HEADER_KEY = 'odecast.artifact';

/**
 * `<UTC time, compact, to the ms>-<8 hex digits of the parameters' SHA-256>`: sorts by age, and names the same numbers.
 * @param createdAt ms since the epoch
 */
export function artifactVersion(createdAt: number, parameters: Float32Array): string {
  const time = new Date(createdAt).toISOString().replace(/[-:.]/g, '');
  return `${time}-${parametersHash(parameters)}`;
}

/** @throws ModelError `artifact-invalid` rather than to write what could not be read back */
export function encodeArtifact(artifact: Artifact): Uint8Array {
  const header = checkHeader(artifact.header);
  checkParameters(header, artifact.parameters);
  const tensors = parameterTensors(header.spec, artifact.parameters);
  return encodeTensors({ metadata: { [HEADER_KEY]: JSON.stringify(header) }, tensors });
}

/** @throws ModelError with a code `artifact-…` for anything but a whole artifact of ours */
export function decodeArtifact(bytes: Uint8Array): Artifact {
  const { metadata, tensors } = decodeTensors(bytes);
  const header = checkHeader(parseJson(metadata[HEADER_KEY]));
  const parameters = joinTensors(header.spec, tensors);
  checkParameters(header, parameters);
  return { header, parameters };
}

/** The flat parameter vector as named tensors, without copying. */
export function parameterTensors(spec: ModelSpec, parameters: Float32Array, prefix = ''): Tensor[] {
  return parameterLayout(spec).blocks.map(({ name, shape, offset, size }) => ({
    name: prefix + name,
    shape,
    data: parameters.subarray(offset, offset + size),
  }));
}

/** Puts named tensors into one flat vector; they must be exactly those of the spec's layout. */
export function joinTensors(spec: ModelSpec, tensors: readonly Tensor[], prefix = ''): Float32Array {
  const layout = parameterLayout(spec);
  const byName = new Map(tensors.map((t) => [t.name, t]));
  // Before anything is allocated: a header can claim a model of any size.
  const numbers = tensors.reduce((sum, t) => sum + t.data.length, 0);
  if (tensors.length !== layout.blocks.length || numbers !== layout.size)
    throw invalid('its tensors are not its spec’s');
  const flat = new Float32Array(layout.size);
  for (const { name, shape, offset } of layout.blocks) {
    const tensor = byName.get(prefix + name);
    if (tensor?.shape.join() !== shape.join()) throw invalid(`tensor "${prefix + name}" is missing or misshapen`);
    flat.set(tensor.data, offset);
  }
  return flat;
}

export function parseJson(text: string | undefined): unknown {
  if (text === undefined) throw new ModelError('artifact-foreign', 'the file is not of this program');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ModelError('artifact-foreign', 'the file’s description is not JSON', { cause });
  }
}

export function describeIssues(error: z.ZodError): string {
  return error.issues.map((i) => `${i.path.join('.') || 'header'}: ${i.message}`).join(', ');
}

function checkHeader(value: unknown): ArtifactHeader {
  const header = headerSchema.safeParse(value);
  if (!header.success) throw invalid(describeIssues(header.error));
  return header.data;
}

function checkParameters({ spec, version }: ArtifactHeader, parameters: Float32Array): void {
  const { size } = parameterLayout(spec);
  if (parameters.length !== size) throw invalid(`${parameters.length} parameters where its spec has ${size}`);
  if (!parameters.every(Number.isFinite)) throw invalid('a parameter is not finite');
  if (!version.endsWith(parametersHash(parameters))) throw invalid('the version does not name these parameters');
}

function parametersHash(parameters: Float32Array): string {
  const bytes = new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength);
  return createHash('sha256').update(bytes).digest('hex').slice(0, 8);
}

function invalid(what: string): ModelError {
  return new ModelError('artifact-invalid', `the model is refused: ${what}`);
}
