import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { weatherEvents } from '../../../cli/demo/weather.ts';

const csv = readFileSync(join(import.meta.dirname, '../../../examples/data/seattle-weather.csv'), 'utf8');
const channels = ['temp_max', 'temp_min', 'wind', 'precipitation'];

describe('weatherEvents', () => {
  const events = weatherEvents(csv, channels);

  it('drops about a fifth of the days and of the values left (within 3 points), and nothing else', () => {
    const values = events.reduce((n, e) => n + Object.keys(e.values).length, 0);
    expect(Math.abs(events.length / 1461 - 0.8)).toBeLessThan(0.03);
    expect(Math.abs(values / (events.length * channels.length) - 0.8)).toBeLessThan(0.03);
    expect(events[0].time).toBe('2012-01-01T00:00:00Z');
    expect(events.every((e) => Object.values(e.values).every(Number.isFinite))).toBe(true);
  });

  it('gives the same events each time', () => {
    expect(weatherEvents(csv, channels)).toEqual(events);
  });
});
