import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEventParser, type EventSpec } from '../../ingest/event.ts';
import { REFUSALS } from '../../ingest/refusals.ts';

const SPEC: EventSpec = {
  channels: ['pressure', 'flow'],
  unknownChannels: 'refuse',
  acceptedTimes: { from: 0, to: 2e12 },
  maxEventBytes: 1000,
};
const parser = createEventParser(SPEC);

function event(overrides: object = {}): string {
  return JSON.stringify({ series: 'pump-7', time: 1000, values: { pressure: 3.1, flow: null }, ...overrides });
}

test('reads an event: channels in the order of the stream, NaN where not observed', () => {
  const expected = { ok: true, observation: { series: 'pump-7', time: 1000, values: Float64Array.of(3.1, NaN) } };
  expect(parser.parse(event())).toEqual(expected);
  expect(parser.parse(Buffer.from(event()))).toEqual(expected);
  expect(parser.parse(new Uint8Array([...Buffer.from(`  ${event()}`)]).subarray(2))).toEqual(expected);
  expect(parser.check(JSON.parse(event()))).toEqual(expected);
});

test('reads ISO times and fractions of milliseconds', () => {
  const time = (value: unknown) => {
    const parsed = parser.parse(event({ time: value }));
    return parsed.ok ? parsed.observation.time : parsed.code;
  };
  expect(time('2026-11-21T22:00:00.250Z')).toBe(1795298400250);
  expect(time('2026-11-21T22:00:00.250125Z')).toBe(1795298400250.125);
  expect(time(12.0625)).toBe(12.0625);
  expect(Object.is(time(-0), 0)).toBe(true);
});

test.each([
  ['not-json', 'nonsense'],
  ['not-json', ''],
  ['not-json', '{"series":"a"'],
  ['not-an-object', '[]'],
  ['not-an-object', 'null'],
  ['not-an-object', '3'],
  ['no-series', event({ series: undefined })],
  ['no-series', event({ series: '' })],
  ['no-series', event({ series: 7 })],
  ['bad-series', event({ series: 'x'.repeat(513) })],
  ['bad-series', '{"series":"\\ud800","time":1,"values":{"flow":1}}'],
  ['no-time', event({ time: undefined })],
  ['no-time', event({ time: null })],
  ['bad-time', event({ time: 'yesterday' })],
  ['bad-time', event({ time: '2026-11-21T22:00:00' })],
  ['bad-time', event({ time: true })],
  ['bad-time', '{"series":"a","time":1e999,"values":{"flow":1}}'],
  ['time-out-of-range', event({ time: -1 })],
  ['time-out-of-range', event({ time: 3e12 })],
  ['no-values', event({ values: undefined })],
  ['no-values', event({ values: {} })],
  ['no-values', event({ values: { flow: null } })],
  ['bad-values', event({ values: [1, 2] })],
  ['bad-values', event({ values: 3 })],
  ['unknown-channel', event({ values: { heat: 1, flow: 2 } })],
  ['unknown-channel', '{"series":"a","time":1,"values":{"__proto__":1,"flow":2}}'],
  ['bad-value', event({ values: { flow: '3' } })],
  ['bad-value', event({ values: { flow: true } })],
  ['non-finite-value', '{"series":"a","time":1,"values":{"flow":-1e999}}'],
  ['too-large', event({ note: 'x'.repeat(1000) })],
] as const)('refuses with %s: %.80s', (code, text) => {
  const parsed = parser.parse(text);
  expect(parsed).toMatchObject({ ok: false, code, message: expect.stringContaining(REFUSALS[code]) });
});

test('ignores unknown channels where the stream says so', () => {
  const lenient = createEventParser({ ...SPEC, unknownChannels: 'ignore' });
  expect(lenient.parse(event({ values: { heat: 'hot', flow: 2 } }))).toMatchObject({
    observation: { values: Float64Array.of(NaN, 2) },
  });
  expect(lenient.parse(event({ values: { heat: 1 } }))).toMatchObject({ code: 'no-values' });
});

test('names the field that is wrong', () => {
  expect(parser.parse(event({ values: { flow: 'x' } }))).toMatchObject({ field: 'values.flow' });
  expect(parser.parse(event({ time: 'x' }))).toMatchObject({ field: 'time' });
});

test('never throws, and what it accepts is finite or not observed, on any JSON and any bytes (property)', () => {
  const values = fc.dictionary(fc.constantFrom('pressure', 'flow', 'heat'), fc.oneof(fc.double(), fc.jsonValue()));
  const time = fc.oneof(fc.double(), fc.string(), fc.integer({ min: 0, max: 3e12 }));
  const events = fc.oneof(fc.jsonValue(), fc.record({ series: fc.string(), time, values }, { requiredKeys: [] }));
  fc.assert(
    fc.property(
      fc.oneof(
        events.map((e) => Buffer.from(JSON.stringify(e))),
        fc.uint8Array(),
      ),
      (bytes) => {
        const parsed = parser.parse(bytes);
        if (!parsed.ok) {
          expect(parsed.code in REFUSALS).toBe(true);
          return;
        }
        const { series, time, values } = parsed.observation;
        expect(series.length > 0 && time >= 0 && time <= 2e12 && values.length === 2).toBe(true);
        expect(values.some(Number.isFinite) && values.every((v) => Number.isNaN(v) || Number.isFinite(v))).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});
