import { describe, expect, it } from 'vitest';
import { initialParameters } from '../../../model/latent/initial-parameters.ts';
import { parameterLayout } from '../../../model/latent/layout.ts';
import { createRandom } from '../../../model/latent/random.ts';
import { createSpec } from '../engine/problems.ts';

const spec = createSpec({ latentSize: 8, encoder: { kind: 'gru', units: 40, clock: 'gap' } });
const block = (name: string, parameters: Float32Array): Float32Array => {
  const { offset, size } = parameterLayout(spec).blocks.find((candidate) => candidate.name === name) ?? {
    offset: 0,
    size: 0,
  };
  return parameters.subarray(offset, offset + size);
};

describe('initialParameters', () => {
  it('are the seed’s, and other blocks stay when one changes its size', () => {
    const [a, b, c] = [1, 1, 2].map((seed) => initialParameters(spec, createRandom(seed)));
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    const wider = { ...spec, decoder: { ...spec.decoder, units: 9 } };
    const recurrent = block('encoder.recurrent.weight', a);
    expect(initialParameters(wider, createRandom(1)).slice(0, 1000).includes(recurrent[0])).toBe(true);
  });

  it('fill the range of Glorot, a gate as a matrix of its own', () => {
    const recurrent = block('encoder.recurrent.weight', initialParameters(spec, createRandom(3)));
    const limit = Math.sqrt(6 / 80);
    const largest = recurrent.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
    expect(largest).toBeLessThanOrEqual(limit);
    expect(largest).toBeGreaterThan(0.98 * limit);
  });

  it('start both logarithms low and every other bias at 0', () => {
    const parameters = initialParameters(spec, createRandom(4));
    const decoder = block('decoder.output.bias', parameters);
    expect(Array.from(decoder.subarray(0, 2))).toEqual([0, 0]);
    expect(6 * Math.tanh(decoder[2] / 6)).toBeCloseTo(-1, 6);
    const head = block('encoder.posterior.bias', parameters);
    expect(head[7]).toBe(0);
    expect(10 * Math.tanh(head[8] / 10)).toBeCloseTo(-2, 6);
    expect(block('encoder.input.bias', parameters).every((b) => b === 0)).toBe(true);
  });
});
