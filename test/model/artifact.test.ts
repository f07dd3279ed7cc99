import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { artifactVersion, decodeArtifact, encodeArtifact } from '../../model/artifact.ts';
import { ModelError } from '../../model/errors.ts';
import { parameterLayout } from '../../model/latent/layout.ts';
import { decodeTensors, encodeTensors } from '../../model/safetensors.ts';
import { toyArtifact, toySpec } from './toy-artifact.ts';

const artifact = toyArtifact();
const blob = encodeArtifact(artifact);

function codeOf(bytes: Uint8Array): string {
  try {
    decodeArtifact(bytes);
    return 'accepted';
  } catch (error) {
    if (error instanceof ModelError) return error.code;
    throw error;
  }
}

/** The same container with other metadata, its checksum right. */
function withHeader(change: (header: Record<string, unknown>) => void): Uint8Array {
  const { metadata, tensors } = decodeTensors(blob);
  const header = JSON.parse(metadata['odecast.artifact']);
  change(header);
  return encodeTensors({ metadata: { 'odecast.artifact': JSON.stringify(header) }, tensors });
}

describe('an artifact', () => {
  it('comes back from its blob bit for bit', () => {
    expect(decodeArtifact(blob)).toEqual(artifact);
    expect(encodeArtifact(decodeArtifact(blob))).toEqual(blob);
  });

  it('is a safetensors file: header length, JSON, then numbers at a multiple of eight bytes', () => {
    const length = Number(new DataView(blob.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(blob.subarray(8, 8 + length)));
    expect(length % 8).toBe(0);
    expect(header['encoder.input.weight']).toEqual({ dtype: 'F32', shape: [5, 15], data_offsets: [0, 300] });
    const first = new DataView(blob.buffer).getFloat32(8 + length, true);
    expect(first).toBe(artifact.parameters[0]);
  });

  it('has a version that sorts by time and names the numbers', () => {
    const time = Date.UTC(2026, 10, 22, 3, 4, 5, 6);
    expect(artifactVersion(time, Float32Array.of(1))).toMatch(/^20261122T030405006Z-[0-9a-f]{8}$/);
    expect(artifactVersion(time, Float32Array.of(1))).not.toBe(artifactVersion(time, Float32Array.of(2)));
  });

  it('reads from bytes that are not aligned', () => {
    const shifted = new Uint8Array(blob.length + 1);
    shifted.set(blob, 1);
    expect(decodeArtifact(shifted.subarray(1))).toEqual(artifact);
  });
});

const wide = {
  ...toySpec(),
  encoder: { kind: 'ode-rnn', units: 5, clock: 'elapsed', drift: { units: 4, steps: 3 } },
  decoder: { units: 4, likelihood: 'student-t', degreesOfFreedom: 2.5 },
  solver: { method: 'reversible-heun', knotSpacing: 0.25, rtol: 1e-3, atol: 1e-4, gradient: 'reversible' },
} as const;

describe('an artifact of everything that a spec can say', () => {
  const everything = encodeArtifact(toyArtifact({ spec: wide }));

  it('comes back from its blob, with the parameters of the drift in their places', () => {
    const { header, parameters } = decodeArtifact(everything);
    expect(header.spec).toEqual(wide);
    expect(parameters.length).toBe(parameterLayout(wide).size);
    const names = parameterLayout(wide).blocks.map(({ name }) => name);
    expect(names.slice(3, 9)).toEqual([
      'encoder.recurrent.bias',
      'encoder.drift.0.weight',
      'encoder.drift.0.bias',
      'encoder.drift.1.weight',
      'encoder.drift.1.bias',
      'encoder.posterior.weight',
    ]);
  });

  it.each([
    ['a variance without end', { ...wide, decoder: { ...wide.decoder, degreesOfFreedom: 2 } }],
    ['a t without degrees of freedom', { ...wide, decoder: { units: 4, likelihood: 'student-t' } }],
    ['a Gaussian with degrees of freedom', { ...wide, decoder: { ...wide.decoder, likelihood: 'gaussian' } }],
    ['a drift without steps', { ...wide, encoder: { ...wide.encoder, drift: { units: 4, steps: 0 } } }],
    ['a GRU that drifts', { ...wide, encoder: { ...wide.encoder, kind: 'gru' } }],
    ['a reversible gradient through rk4', { ...wide, solver: { ...wide.solver, method: 'rk4' } }],
  ])('is refused when its spec has %s', (_, spec) => {
    const { metadata, tensors } = decodeTensors(everything);
    const header = { ...JSON.parse(metadata['odecast.artifact']), spec };
    const bytes = encodeTensors({ metadata: { 'odecast.artifact': JSON.stringify(header) }, tensors });
    expect(codeOf(bytes)).toBe('artifact-invalid');
  });
});

describe('a broken artifact is refused with a typed error', () => {
  it('when truncated anywhere', () => {
    const cut = fc.integer({ min: 0, max: blob.length - 1 });
    fc.assert(
      fc.property(cut, (n) => codeOf(blob.subarray(0, n)) === 'artifact-truncated'),
      { numRuns: 300 },
    );
  });

  it('when any one bit is flipped', () => {
    const bit = fc.integer({ min: 0, max: blob.length * 8 - 1 });
    fc.assert(
      fc.property(bit, (n) => {
        const broken = Uint8Array.from(blob);
        broken[n >> 3] ^= 1 << (n & 7);
        return codeOf(broken).startsWith('artifact-');
      }),
      { numRuns: 2000 },
    );
  });

  it('when it is anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => codeOf(bytes).startsWith('artifact-')),
      { numRuns: 500 },
    );
    const json = new TextEncoder().encode('{"model": "of somebody else", "weights": [1, 2, 3]}');
    expect(codeOf(json)).toBe('artifact-foreign');
    const tensor = { name: 'w', shape: [1], data: Float32Array.of(1) };
    expect(codeOf(encodeTensors({ metadata: {}, tensors: [tensor] }))).toBe('artifact-foreign');
  });

  it.each([
    ['an unknown field', (h: Record<string, unknown>) => (h.code = 'evil()')],
    ['another format', (h: Record<string, unknown>) => (h.format = 2)],
    ['a spec that its tensors are not of', (h: Record<string, unknown>) => Object(h.spec).latentSize++],
    ['a model of absurd size', (h: Record<string, unknown>) => (Object(h.spec).encoder.units = 4096)],
    ['a normalisation that lacks a channel', (h: Record<string, unknown>) => Object(h.normalisation).channels.pop()],
    ['a scale of zero', (h: Record<string, unknown>) => (Object(h.normalisation).channels[0].scale = 0)],
    ['levels that descend', (h: Record<string, unknown>) => Object(h.calibration).levels.reverse()],
    ['another version', (h: Record<string, unknown>) => (h.version = '20261121T220000000Z-00000000')],
  ])('when its header has %s', (_, change) => {
    expect(codeOf(withHeader(change))).toBe('artifact-invalid');
  });

  it('when a parameter is not finite, already on writing', () => {
    const parameters = Float32Array.from(artifact.parameters);
    parameters[3] = Number.NaN;
    const version = artifactVersion(artifact.header.createdAt, parameters);
    const broken = { parameters, header: { ...artifact.header, version } };
    expect(() => encodeArtifact(broken)).toThrow(/not finite/);
  });
});
