import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { discoverChannels, type FileLine, readObservations, toEvent } from '../../ingest/files.ts';
import { tempFolder } from './temp-folder.ts';

function file(name: string, content: string | Buffer): string {
  const path = join(tempFolder(), name);
  writeFileSync(path, content);
  return path;
}

async function read(path: string, channels?: string[]): Promise<FileLine[]> {
  const lines: FileLine[] = [];
  for await (const line of readObservations(path, { channels: channels ?? (await discoverChannels(path)) }))
    lines.push(line);
  return lines;
}

/** [line, series, time, ...values] or [line, code]. */
function brief(lines: readonly FileLine[]): unknown[] {
  return lines.map((l) =>
    l.ok ? [l.line, l.observation.series, l.observation.time, ...l.observation.values] : [l.line, l.code],
  );
}

const CSV = [
  'series,time,flow,note,pressure',
  'a,1970-01-01T00:00:01Z,1.5,ok,2',
  '',
  'b,1970-01-01 00:00:02.5,,"two, words",-3e-1',
  'a,5000,NA,x,7',
  'a,yesterday,1,x,1',
  ',6000,1,x,1',
  'a,7000,,x,',
].join('\n');

test('reads CSV: discovered channels, gaps, times of all kinds, and refusals with their line', async () => {
  const path = file('pumps.csv', CSV);
  expect(await discoverChannels(path)).toEqual(['flow', 'pressure']);
  expect(brief(await read(path))).toEqual([
    [2, 'a', 1000, 1.5, 2],
    [4, 'b', 2500, NaN, -0.3],
    [5, 'a', 5000, NaN, 7],
    [6, 'bad-time'],
    [7, 'no-series'],
    [8, 'no-values'],
  ]);
});

test('reads the channels that are asked for, in that order, and names what is missing', async () => {
  const path = file('pumps.csv', CSV);
  expect(brief(await read(path, ['pressure', 'flow']))[0]).toEqual([2, 'a', 1000, 2, 1.5]);
  expect(brief(await read(path, ['note']))[0]).toEqual([2, 'bad-value']);
  await expect(read(path, ['flow', 'heat'])).rejects.toMatchObject({ code: 'bad-file', message: /no column heat/ });
});

test('without a series column the file is one series, named after it; other separators, marks and line ends', async () => {
  const path = file('river.level.csv', '\ufeffDate;Level\r\n2012-01-01;3\r\n2012-01-02;4\r\n');
  expect(brief(await read(path))).toEqual([
    [2, 'river', Date.UTC(2012, 0, 1), 3],
    [3, 'river', Date.UTC(2012, 0, 2), 4],
  ]);
});

test('reads NDJSON, also gzipped, and refuses single lines', async () => {
  const text = [
    '{"series":"a","time":1,"values":{"x":1,"label":"hot"}}',
    'not json',
    '',
    '[1,2]',
    '{"series":"a","time":"1970-01-01T00:00:00.0025Z","values":{"y":2,"x":null}}',
  ].join('\n');
  const expected = [
    [1, 'a', 1, 1, NaN],
    [2, 'not-json'],
    [4, 'not-an-object'],
    [5, 'a', 2.5, NaN, 2],
  ];
  expect(brief(await read(file('events.ndjson', text)))).toEqual(expected);
  expect(brief(await read(file('events.ndjson.gz', gzipSync(text))))).toEqual(expected);
  expect(brief(await read(file('events.txt', text)))).toEqual(expected);
});

test('reads many lines as a stream, across the borders of chunks', async () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => `séries-${i % 7},${i},${i / 2}`);
  const lines = await read(file('many.csv', ['series,time,x', ...rows].join('\n')));
  expect(lines).toHaveLength(20_000);
  expect(brief(lines.slice(-1))).toEqual([[20_001, 'séries-0', 19_999, 9999.5]]);
  expect(lines.every((l) => l.ok)).toBe(true);
});

test('says what is wrong with a file', async () => {
  await expect(read('/nowhere/x.csv')).rejects.toMatchObject({ code: 'bad-file', message: /ENOENT/ });
  await expect(read(file('a.csv', 'x,y\n1,2\n'))).rejects.toMatchObject({
    code: 'bad-file',
    message: /column of times/,
  });
  await expect(read(file('a.csv', ''))).rejects.toMatchObject({ code: 'bad-file' });
  await expect(read(file('a.csv', 'time,name\n1,b\n'))).rejects.toMatchObject({ message: /no column of numbers/ });
  await expect(read(file('a.csv.gz', 'not gzip'))).rejects.toMatchObject({ code: 'bad-file' });
  const cut = gzipSync(CSV.repeat(1000)).subarray(0, 500);
  await expect(read(file('a.csv.gz', cut), ['flow'])).rejects.toMatchObject({ code: 'bad-file' });
});

test('an observation as an event carries what was observed', () => {
  const observation = { series: 'a', time: 2.5, values: Float64Array.of(1, NaN) };
  expect(toEvent(observation, ['x', 'y'])).toEqual({ series: 'a', time: 2.5, values: { x: 1 } });
});
