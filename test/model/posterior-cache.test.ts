import { describe, expect, it } from 'vitest';
import type { Window } from '../../ingest/window.ts';
import { createPosteriorCache } from '../../model/posterior-cache.ts';
import { memorySource } from './memory-source.ts';
import { HOUR, toyArtifact } from './toy-artifact.ts';

const { header } = toyArtifact();

function windowOf(values: readonly number[], shift = 0): Window {
  const rows = values.map((value, i) => ({ series: 's', time: i * HOUR + shift, values: [value, Number.NaN] }));
  return memorySource(2, rows).window('s', {});
}

describe('read windows', () => {
  it('are known by what is in them', () => {
    const heard: string[] = [];
    const cache = createPosteriorCache({ header, onRead: (outcome) => heard.push(outcome) });
    const first = cache.read(windowOf([1, 2]));
    expect(cache.read(windowOf([1, 2])).source).toBe(first.source);
    expect(cache.read(windowOf([1, 2.5])).source).not.toBe(first.source);
    expect(cache.read(windowOf([1, 2], 1)).source).not.toBe(first.source);
    expect(cache.read(windowOf([1, 2, 3])).source).not.toBe(first.source);
    expect(heard).toEqual(['miss', 'hit', 'miss', 'miss', 'miss']);
  });

  it('have noise of their own: the same in every cache, the first of more, another for another version or window', () => {
    const [cache, again] = [createPosteriorCache({ header }), createPosteriorCache({ header })];
    const other = createPosteriorCache({ header: { ...header, version: 'other' } });
    const noise = cache.read(windowOf([1, 2])).noise(8);
    expect(noise).toHaveLength(8 * header.spec.latentSize);
    expect(cache.read(windowOf([1, 2])).noise(3)).toEqual(noise.subarray(0, 3 * header.spec.latentSize));
    expect(
      again
        .read(windowOf([1, 2]))
        .noise(9)
        .subarray(0, noise.length),
    ).toEqual(noise);
    expect(other.read(windowOf([1, 2])).noise(8)).not.toEqual(noise);
    expect(cache.read(windowOf([1, 3])).noise(8)).not.toEqual(noise);
  });

  it('take no more than the limit, whoever asks for whatever, and the longest unasked is forgotten first', () => {
    const heard: string[] = [];
    const cache = createPosteriorCache({ header, limit: 100_000, onRead: (outcome) => heard.push(outcome) });
    for (let i = 0; i < 5000; i++) {
      cache.read(windowOf([7])).noise(4);
      cache.read(windowOf([i, 1])).noise(1 + (i % 500));
      expect(cache.bytes).toBeLessThanOrEqual(100_000);
    }
    expect(heard.filter((outcome) => outcome === 'hit')).toHaveLength(4999);
    cache.read(windowOf([1, 1])).noise(100_000);
    expect(cache.bytes).toBeLessThanOrEqual(100_000);
    heard.length = 0;
    cache.read(windowOf([0, 1]));
    expect(heard).toEqual(['miss']);
  });
});
