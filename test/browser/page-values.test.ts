/** What the page computes without a browser: times to ask for, words for times and numbers, the running error. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Columns, ForecastAnswer, StreamInfo } from '../../serve/dashboard/answers.ts';
import { hasEnded, mostPromising } from '../../serve/dashboard/choose-series.ts';
import { addSample, type RateSample, rateOf } from '../../serve/dashboard/event-rate.ts';
import { formatDuration, formatInstant, formatOffset, formatTicks, formatValue } from '../../serve/dashboard/format.ts';
import { noticeOf } from '../../serve/dashboard/notice.ts';
import { type Picture, readingAt, stretchesOf, valueRange } from '../../serve/dashboard/picture.ts';
import { addForecast, NO_ERROR, summarise } from '../../serve/dashboard/running-error.ts';
import { gridTimes, pan, span, zoom } from '../../serve/dashboard/time-range.ts';
import { parseWhen } from '../../serve/dashboard/when.ts';

const NOW = Date.UTC(2026, 10, 22, 3, 4, 5, 250);
const DAY = 86_400_000;

describe('ranges of time', () => {
  const range = fc
    .tuple(fc.double({ min: -1e13, max: 1e13, noNaN: true }), fc.double({ min: 1, max: 1e12, noNaN: true }))
    .map(([from, length]) => ({ from, to: from + length }));

  it('asks for about the wanted number of ascending times, all inside, the ends among them', () => {
    fc.assert(
      fc.property(range, fc.array(fc.double({ min: -1e13, max: 1e13, noNaN: true }), { maxLength: 3 }), (r, also) => {
        const times = gridTimes(r, 200, also);
        expect(times.length).toBeGreaterThan(150);
        expect(times.length).toBeLessThanOrEqual(207);
        expect(times[0] === r.from && times.at(-1) === r.to).toBe(true);
        expect(times.every((t, i) => i === 0 || t > times[i - 1])).toBe(true);
      }),
    );
  });

  it('asks for the same times again when the range slides', () => {
    const before = gridTimes({ from: NOW, to: NOW + 100_000 }, 200);
    const after = new Set(gridTimes({ from: NOW + 3000, to: NOW + 103_000 }, 200));
    expect(before.filter((t) => after.has(t)).length).toBeGreaterThan(190);
  });

  it('zooms about a time that stays where it is, within the years 1 to 9999 and not below a millisecond', () => {
    const zoomed = zoom({ from: NOW, to: NOW + 1000 }, 0.5, NOW + 250);
    expect(zoomed).toEqual({ from: NOW + 125, to: NOW + 625 });
    expect(span(zoom({ from: NOW, to: NOW + 1 }, 0.01, NOW))).toBe(1);
    let wide = { from: NOW, to: NOW + 1000 };
    for (let i = 0; i < 100; i++) wide = zoom(wide, 2, NOW);
    expect(Number.isFinite(new Date(wide.from).getTime() + new Date(wide.to).getTime())).toBe(true);
    expect(pan({ from: 253_402_300_700_000, to: 253_402_300_790_000 }, DAY).to).toBe(253_402_300_799_999);
  });
});

describe('times as people write them', () => {
  const at = (text: string) => parseWhen(text, { now: NOW, last: NOW - DAY });

  it.each([
    ['now', NOW],
    ['now + 20 s', NOW + 20_000],
    ['NOW+20s', NOW + 20_000],
    ['+ 1.5 h - 10 min', NOW + 5_400_000 - 600_000],
    ['last − 3 d', NOW - 4 * DAY],
    ['1795316645250', 1_795_316_645_250],
    ['-5.5', -5.5],
    ['2026-11-22', Date.UTC(2026, 10, 22)],
    ['2026-11-22 08:00', Date.UTC(2026, 10, 22, 8)],
    ['2026-11-22T08:00:00.5Z', Date.UTC(2026, 10, 22, 8, 0, 0, 500)],
    ['2026-11-22T08:00+02:00', Date.UTC(2026, 10, 22, 6)],
  ])('reads %s', (text, time) => {
    expect(at(text)).toMatchObject({ ok: true, time });
  });

  it.each(['', 'tomorrow', 'now + 3 fortnights', '22.11.2026', '2026-13-01', 'now now', 'Infinity'])(
    'refuses %j',
    (text) => {
      expect(at(text)).toMatchObject({ ok: false, detail: expect.stringMatching(/\w+/) });
    },
  );

  it('never throws and never gives a time that is not finite', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const when = at(text);
        expect(when.ok ? Number.isFinite(when.time) : when.detail.length > 0).toBe(true);
      }),
    );
  });
});

describe('words for numbers and times', () => {
  it.each([
    [0, '0.000'],
    [-0.0001, '0.000'],
    [1.236, '1.24'],
    [-12.5, '−12.50'],
    [12_345.6, '12346'],
    [2e9, '2.00e+9'],
  ])('writes %d as %s', (value, text) => {
    expect(formatValue(value)).toBe(text);
  });

  it('writes durations in the unit that fits', () => {
    expect([5, 900, 1500, 90_000, 150_000, 7.2e6, 3 * DAY].map(formatDuration)).toEqual([
      '5 ms',
      '900 ms',
      '1.5 s',
      '90 s',
      '2.5 min',
      '2 h',
      '3 d',
    ]);
    expect(formatOffset(-20_000, 'now')).toBe('now − 20 s');
    expect(formatOffset(0.2, 'now')).toBe('now');
  });

  it('writes an instant as finely as the range needs', () => {
    expect(formatInstant(NOW, 365 * DAY)).toBe('2026-11-22');
    expect(formatInstant(NOW, 5 * DAY)).toBe('2026-11-22 03:04');
    expect(formatInstant(NOW, 100_000)).toBe('2026-11-22 03:04:05');
    expect(formatInstant(NOW, 500)).toBe('2026-11-22 03:04:05.250');
  });

  it('says on an axis only what differs, and the day where it begins', () => {
    const midnight = Date.UTC(2026, 10, 22);
    expect(formatTicks([midnight - 3.6e6, midnight, midnight + 3.6e6], 3.6e6)).toEqual([
      '23:00\n21 Nov 2026',
      '00:00\n22 Nov 2026',
      '01:00',
    ]);
    expect(formatTicks([Date.UTC(2013, 0), Date.UTC(2014, 0)], 365 * DAY)).toEqual(['2013', '2014']);
  });
});

const forecast: ForecastAnswer = {
  times: [0, 10, 20, 30],
  kind: ['extrapolation', 'interpolation', 'interpolation', 'extrapolation'],
  channels: {
    x: {
      mean: [0, 1, 2, 3],
      quantiles: { 0.1: [-1, 0, 1, 2], 0.9: [1, 2, 3, 4], 0.025: [-9, 0, 1, -900], 0.975: [9, 2, 3, 900] },
    },
  },
  model: { version: 'v', alias: 'champion', trainedThrough: 0 },
  lastEventTime: 20,
  observationsUsed: 2,
};

describe('what is drawn', () => {
  it('lets past and future meet at the last event', () => {
    expect(stretchesOf(forecast)).toEqual([
      { kind: 'extrapolation', from: 0, to: 10 },
      { kind: 'interpolation', from: 10, to: 20 },
      { kind: 'extrapolation', from: 20, to: 30 },
    ]);
  });

  it('reads a forecast between its times, and at its ends beyond them', () => {
    expect(readingAt(forecast, 'x', 15)).toMatchObject({ mean: 1.5, low80: 0.5, high80: 2.5 });
    expect(readingAt(forecast, 'x', 99)).toMatchObject({ time: 30, mean: 3 });
    expect(readingAt(forecast, 'y', 15)).toBeUndefined();
  });

  it('does not let a band that is far too wide flatten the rest, and has a range for no data at all', () => {
    const observations: Columns = { times: [10, 20], values: { x: [1, null] } };
    const anchor = { time: 20, name: 'now' } as const;
    const picture: Picture = {
      range: { from: 0, to: 30 },
      observations,
      forecast,
      truth: undefined,
      lastEvent: 20,
      anchor,
      asked: undefined,
    };
    const [low, high] = valueRange(picture, 'x');
    expect(low).toBeLessThan(-1);
    expect(high).toBeLessThan(20);
    const nothing = { ...picture, observations: { times: [], values: {} }, forecast: undefined };
    expect(valueRange(nothing, 'x')).toEqual([0, 1]);
  });
});

describe('the running error', () => {
  const column = { mean: [1, 2], low80: [0, 1], high80: [2, 3], lastValue: 0 };

  it('is the root of the mean square over all forecasts, beside the last value’s', () => {
    let error = addForecast(NO_ERROR, [{ ...column, truth: [1, 5] }]);
    error = addForecast(error, [{ ...column, truth: [2, null] }]);
    expect(error).toMatchObject({ forecasts: 2, points: 3 });
    const summary = summarise(error);
    expect(summary?.rmse).toBeCloseTo(Math.sqrt((0 + 9 + 1) / 3), 12);
    expect(summary?.coverage80).toBeCloseTo(2 / 3, 12);
    expect(summary?.naiveRmse).toBeCloseTo(Math.sqrt((1 + 25 + 4) / 3), 12);
  });

  it('is not changed by a forecast that has no truth', () => {
    expect(addForecast(NO_ERROR, [{ ...column, truth: [null, null] }])).toBe(NO_ERROR);
    expect(summarise(NO_ERROR)).toBeUndefined();
  });
});

describe('the notice', () => {
  const stream: StreamInfo = {
    name: 'pumps',
    channels: ['flow'],
    observations: 0,
    series: 0,
    lastEventTime: undefined,
    windowMs: 1000,
    horizonMs: 1000,
    simulated: false,
    training: undefined,
  };
  const noModel = { code: 'no-model', title: 'There is no model of this stream yet', detail: 'Wait.' };
  const seen = { streams: true, stream, series: 'p', problem: undefined };

  it('says when a first model is due, or what keeps it from coming', () => {
    const training = { state: 'training', steps: 1, windows: 1, lossCurve: [], remainingMs: 11_600 } as const;
    const waiting = { ...training, state: 'waiting' } as const;
    const detail = (info: StreamInfo) => noticeOf({ ...seen, problem: noModel, stream: info })?.detail;
    expect(detail({ ...stream, training: { ...training, lossCurve: [] } })).toContain('about 12 s');
    expect(detail({ ...stream, training: { ...waiting, lossCurve: [] } })).toContain('waiting for enough events');
    expect(detail(stream)).toContain('training');
  });

  it('is a problem’s own title and detail, or how to begin, or nothing', () => {
    const problem = { code: 'internal', title: 'The server failed', detail: 'See the log.' };
    expect(noticeOf({ ...seen, problem })).toEqual({ ...problem, tone: 'problem' });
    expect(noticeOf({ ...seen, series: undefined })?.detail).toContain('/v1/streams/pumps/events');
    expect(noticeOf({ ...seen, streams: false, stream: undefined })?.code).toBe('no-streams');
    expect(noticeOf(seen)).toBeUndefined();
  });
});

describe('which series to show', () => {
  const series = (name: string, observations: number, firstTime: number, lastTime: number) => ({
    series: name,
    observations,
    firstTime,
    lastTime,
  });
  const list = [
    series('old', 500, 0, 10_000),
    series('young', 30, 80_000, 99_000),
    series('newborn', 2, 98_000, 100_000),
  ];

  it('is the youngest with news that is known well enough', () => {
    expect(mostPromising(list)).toBe('young');
    expect(mostPromising([list[2]])).toBe('newborn');
    expect(mostPromising([])).toBeUndefined();
  });

  it('leaves one that has ended', () => {
    expect(hasEnded('old', list)).toBe(true);
    expect(hasEnded('young', list)).toBe(false);
    expect(hasEnded('unknown', list)).toBe(true);
  });
});

describe('events a second', () => {
  it('is counted over the last twenty seconds', () => {
    let samples: RateSample[] = [];
    for (let i = 0; i <= 20; i++) samples = addSample(samples, { time: i * 2500, count: i * 10 });
    expect(rateOf(samples)).toBe(4);
    expect(samples.length).toBeLessThanOrEqual(9);
    expect(rateOf([])).toBeUndefined();
    expect(
      rateOf([
        { time: 0, count: 9 },
        { time: 2000, count: 3 },
      ]),
    ).toBe(0);
  });
});
