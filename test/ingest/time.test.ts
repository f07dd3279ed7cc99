import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTime, parseTime } from '../../ingest/time.ts';

test.each([
  ['1970-01-01T00:00:00Z', 0],
  ['2026-11-21T22:00:00.250Z', 1795298400250],
  ['2026-11-21T22:00:00.250125Z', 1795298400250.125],
  ['2026-11-21 22:00:00,5z', 1795298400500],
  ['2026-11-21T22:00Z', 1795298400000],
  ['2026-11-22T00:30:00+02:30', 1795298400000],
  ['2026-11-21T17:00:00-0500', 1795298400000],
  ['2026-11-21T23:00:00+01', 1795298400000],
  ['2024-02-29', Date.UTC(2024, 1, 29)],
  ['0001-01-01T00:00:00Z', -62_135_596_800_000],
  ['9999-12-31T23:59:59.999Z', 253_402_300_799_999],
])('%s is %d ms', (text, ms) => {
  expect(parseTime(text)).toBe(ms);
});

test.each([
  '',
  'now',
  '1795298400250',
  '2026-11-21T22:00:00',
  '2026-13-01',
  '2026-00-10',
  '2023-02-29',
  '1900-02-29',
  '2026-04-31',
  '0000-01-01',
  '2026-11-21T24:00:00Z',
  '2026-11-21T22:60:00Z',
  '2026-11-21T22:00:60Z',
  '2026-11-21T22:00:00+24:00',
  '2026-11-21T22Z',
  '21.11.2026',
  '+002026-11-21T22:00:00Z',
  ' 2026-11-21',
  '２０２６-11-21',
])('%j is not a time', (text) => {
  expect(parseTime(text)).toBeUndefined();
});

test('a time without an offset is UTC where that is asked for', () => {
  expect(parseTime('2026-11-21 22:00:00', { withoutOffset: 'utc' })).toBe(1795298400000);
});

test('agrees with Date.parse on every millisecond of years 1 to 9999 (property)', () => {
  const times = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
  fc.assert(
    fc.property(times, (ms) => {
      const text = new Date(ms).toISOString();
      expect(parseTime(text)).toBe(Date.parse(text));
      expect(formatTime(ms)).toBe(text);
    }),
  );
});

test('keeps microseconds through text and back, to the nearest double (property)', () => {
  fc.assert(
    fc.property(fc.integer({ min: -4e12, max: 4e12 }), fc.integer({ min: 0, max: 999 }), (ms, micros) => {
      const time = ms + micros / 1000;
      expect(parseTime(formatTime(time))).toBeCloseTo(time, 3);
      expect(formatTime(parseTime(formatTime(time)) ?? NaN)).toBe(formatTime(time));
    }),
  );
});

test('never throws on any text (property)', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const ms = parseTime(text);
      expect(ms === undefined || Number.isFinite(ms)).toBe(true);
    }),
  );
});
