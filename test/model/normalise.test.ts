import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Window } from '../../ingest/window.ts';
import { createRandom } from '../../model/latent/random.ts';
import { frameOf, robustNormalisation, toRagged } from '../../model/normalise.ts';

const random = createRandom(3);
const normals = Float64Array.from({ length: 4000 }, () => 5 + 2 * random.normal());

function windowOf(times: readonly number[], rows: readonly (readonly number[])[]): Window {
  const flat = rows.flat();
  return {
    channels: rows[0]?.length ?? 1,
    offsets: Int32Array.of(0, times.length),
    times: Float64Array.from(times),
    values: Float64Array.from(flat, (v) => (Number.isNaN(v) ? 0 : v)),
    mask: Uint8Array.from(flat, (v) => (Number.isNaN(v) ? 0 : 1)),
  };
}

describe('robust location and scale', () => {
  it('estimate mean and σ of a normal to 5 %, also with 3 % of wild values', () => {
    const wild = normals.map((v, i) => (i % 33 === 0 ? 1e6 : v));
    for (const values of [normals, wild]) {
      const { location, scale } = robustNormalisation(values);
      expect(Math.abs(location - 5)).toBeLessThan(0.15);
      expect(scale / 2).toBeGreaterThan(0.95);
      expect(scale / 2).toBeLessThan(1.2);
    }
  });

  it('keep the scale of rain that falls on one day in five, or in fifty', () => {
    for (const every of [5, 50]) {
      const rain = normals.map((v, i) => (i % every === 0 ? Math.abs(v) : 0));
      const { location, scale, support } = robustNormalisation(rain);
      expect(location).toBe(0);
      expect(scale).toBeGreaterThan(0.5);
      expect(support).toEqual({ min: 0 });
    }
  });

  it('are usable for a constant, a zero and no value at all', () => {
    expect(robustNormalisation(new Float64Array(50).fill(-40))).toEqual({ location: -40, scale: 2 });
    expect(robustNormalisation(new Float64Array(3))).toEqual({ location: 0, scale: 1 });
    expect(robustNormalisation(new Float64Array(0))).toEqual({ location: 0, scale: 1 });
    expect(robustNormalisation(new Float64Array(99).fill(0.1 + 0.2)).scale).toBeCloseTo(0.015, 12);
  });

  it('claim a support only from many values, none of them negative', () => {
    expect(robustNormalisation(Float64Array.of(1, 2, 3)).support).toBeUndefined();
    expect(robustNormalisation(normals.map((v) => v - 5)).support).toBeUndefined();
  });

  it('are finite with scale > 0 for any finite values', () => {
    const values = fc.array(fc.double({ min: -1e100, max: 1e100, noNaN: true }), { maxLength: 60 });
    fc.assert(
      fc.property(values, (v) => {
        const { location, scale } = robustNormalisation(Float64Array.from(v));
        return Number.isFinite(location) && Number.isFinite(scale) && scale > 0;
      }),
    );
  });
});

describe('instance normalisation', () => {
  const stream = { channels: [{ location: 0, scale: 1 }], instance: { shrinkage: 4 } };
  const context = (n: number) =>
    windowOf(
      Array.from({ length: n }, (_, i) => i),
      Array.from({ length: n }, (_, i) => [100 + (i % 2 ? 3 : -3)]),
    );

  it('stays near the stream with few observations and goes to the context with many', () => {
    const few = frameOf(context(2), stream);
    expect(few.location[0]).toBeCloseTo((2 * 100) / 6, 10);
    const many = frameOf(context(400), stream);
    expect(Math.abs(many.location[0] - 100)).toBeLessThan(1.1);
    expect(Math.abs(many.scale[0] - 3)).toBeLessThan(0.05);
  });

  it('does not take the distance of the series from the stream for noise', () => {
    expect(frameOf(context(40), stream).scale[0]).toBeLessThan(3.1);
  });

  it('gives a channel without observations the stream’s', () => {
    const frame = frameOf(windowOf([1, 2], [[Number.NaN], [Number.NaN]]), stream);
    expect([frame.location[0], frame.scale[0]]).toEqual([0, 1]);
  });
});

describe('a window in model units', () => {
  const normalisation = {
    channels: [
      { location: 10, scale: 2 },
      { location: -1, scale: 0.5 },
    ],
  };
  const window = windowOf(
    [1000, 1500, 4000],
    [
      [12, Number.NaN],
      [10, -1],
      [Number.NaN, 0],
    ],
  );

  it('has time from the first observation in timescales, values in scales, and zeros where nothing was seen', () => {
    const frame = frameOf(window, normalisation);
    const ragged = toRagged([window, window], [frame, frame], 1000);
    expect([...ragged.offsets]).toEqual([0, 3, 6]);
    expect([...ragged.times]).toEqual([0, 0.5, 3, 0, 0.5, 3]);
    expect([...ragged.values.subarray(0, 6)]).toEqual([1, 0, 0, 0, 0, 2]);
    expect([...ragged.mask.subarray(0, 6)]).toEqual([1, 0, 1, 1, 0, 1]);
  });
});
