/** `fit` and `forecast` as a person runs them, on files of a few hundred rows and a handful of steps: the path, not the model. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../../cli/program.ts';
import { decodeArtifact } from '../../model/artifact.ts';
import { temporaryFolder } from './odecast-process.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 1);
const folder = temporaryFolder('files');
const path = (name: string) => join(folder, name);

/** What the command wrote, and its exit code. */
async function odecast(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { out: '', err: '' };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.out += text;
    return true;
  });
  const err = vi.spyOn(console, 'error').mockImplementation((text) => {
    written.err += `${text}\n`;
  });
  try {
    return { code: await run(['node', 'odecast', ...args]), ...written };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

const rows = Array.from({ length: 300 }, (_, i) => {
  const time = START + i * HOUR + ((i * 7919) % 1000) * 1000;
  return { time, level: 10 + 3 * Math.sin((2 * Math.PI * time) / (24 * HOUR)) };
});

beforeAll(async () => {
  const csv = rows.map(({ time, level }) => `${new Date(time).toISOString()},${level.toFixed(3)}`);
  writeFileSync(path('tank.csv'), `time,level\n${csv.join('\n')}\nsoon,1\n`);
  const events = rows.map(({ time, level }, i) => JSON.stringify({ series: `tank-${i % 2}`, time, values: { level } }));
  writeFileSync(path('tanks.ndjson'), events.join('\n'));
  writeFileSync(path('header.csv'), 'time,level\n');
  const fitted = await odecast(
    'fit',
    path('tank.csv'),
    '--steps',
    '5',
    '--period',
    '1d',
    '--out',
    path('m.safetensors'),
  );
  expect(fitted.code, fitted.err).toBe(0);
  expect(fitted.out).toMatch(/300 observations of level/);
  expect(fitted.out).toMatch(/last value +[\d.]+ +[\d.]+ +[\d.]+/);
  expect(fitted.err).toMatch(/1 lines? of .*left out.*line 302/);
}, 120_000);

describe('odecast fit and forecast', () => {
  it('fits the model that the options describe, and forecasts with it', async () => {
    const model = [
      '--encoder',
      'ode-rnn',
      '--likelihood',
      'student-t',
      '--bound',
      'importance-weighted',
      '--samples',
      '2',
    ];
    const solver = ['--method', 'tsit5', '--gradient', 'backprop'];
    const chosen = path('chosen.safetensors');
    const fitted = await odecast('fit', path('tank.csv'), '--steps', '2', ...model, ...solver, '--out', chosen);
    expect(fitted.code, fitted.err).toBe(0);
    const { spec } = decodeArtifact(readFileSync(chosen)).header;
    expect(spec.encoder).toMatchObject({ kind: 'ode-rnn', drift: { steps: 2 } });
    expect(spec.decoder).toMatchObject({ likelihood: 'student-t', degreesOfFreedom: 4 });
    expect(spec.solver).toMatchObject({ method: 'tsit5', gradient: 'backprop' });
    const { code, out } = await odecast('forecast', path('tank.csv'), '-m', chosen, '-n', '2', '-q', '0.01,0.99');
    expect(code).toBe(0);
    expect(out.trim().split('\n')).toHaveLength(3);
    expect(out).not.toContain('NaN');
  });

  it('prints a row a time and channel, with ordered quantiles', async () => {
    const { code, out } = await odecast(
      'forecast',
      path('tank.csv'),
      '-m',
      path('m.safetensors'),
      '-n',
      '4',
      '-q',
      '0.1,0.9',
    );
    expect(code).toBe(0);
    const [head, ...table] = out.trim().split('\n');
    expect(head).toBe('time,kind,channel,mean,q0.1,q0.9');
    expect(table).toHaveLength(4);
    for (const line of table) {
      const [, kind, channel, ...numbers] = line.split(',');
      const [mean, low, high] = numbers.map(Number);
      expect([kind, channel]).toEqual(['extrapolation', 'level']);
      expect(low).toBeLessThan(high);
      expect(Number.isFinite(mean)).toBe(true);
    }
  });

  it('answers asked times in the asked order, before, within and after the file', async () => {
    const times = [START + 400 * HOUR, START - 5 * HOUR, START + 10.5 * HOUR];
    const { out } = await odecast(
      'forecast',
      path('tank.csv'),
      '-m',
      path('m.safetensors'),
      '-t',
      times.join(','),
      '--format',
      'json',
    );
    const answers = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(answers.map(({ time }) => Date.parse(time))).toEqual(times);
    expect(answers.map(({ kind }) => kind)).toEqual(['extrapolation', 'extrapolation', 'interpolation']);
  });

  it('draws a picture with a band, a line and the points', async () => {
    const picture = path('tank.svg');
    expect((await odecast('forecast', path('tank.csv'), '-m', path('m.safetensors'), '--plot', picture)).code).toBe(0);
    const svg = readFileSync(picture, 'utf8');
    expect(svg.match(/aria-roledescription="area mark"/g)?.length).toBeGreaterThanOrEqual(1);
    expect(svg.match(/aria-roledescription="point"/g)?.length).toBeGreaterThan(20);
  });

  it('asks which series where there are several, and takes the one that is named', async () => {
    const unnamed = await odecast('forecast', path('tanks.ndjson'), '-m', path('m.safetensors'));
    expect(unnamed).toMatchObject({ code: 1, err: expect.stringMatching(/--series: "tank-0", "tank-1"/) });
    const named = await odecast(
      'forecast',
      path('tanks.ndjson'),
      '-m',
      path('m.safetensors'),
      '-s',
      'tank-1',
      '-n',
      '1',
    );
    expect(named.code).toBe(0);
  });

  it('the same seed and steps give the same parameters, bit for bit', async () => {
    const names = ['a', 'b'].map((name) => path(`${name}.safetensors`));
    for (const name of names) await odecast('fit', path('tanks.ndjson'), '--steps', '3', '--out', name);
    const [a, b] = names.map((name) => decodeArtifact(readFileSync(name)).parameters);
    expect(a).toEqual(b);
  }, 120_000);

  it.each([
    [['forecast', path('tank.csv'), '-m', path('none.safetensors')], /no model file.*odecast fit/],
    [['forecast', path('none.csv'), '-m', path('m.safetensors')], /no file/],
    [['forecast', path('tank.csv'), '-m', path('m.safetensors'), '-t', 'soon'], /no time/],
    [['forecast', path('tank.csv'), '-m', path('tank.csv')], /no model file/],
    [['forecast', path('tank.csv'), '-m', path('m.safetensors'), '--plot', path('x.gif')], /\.svg or \.png/],
    [['fit', path('header.csv'), '--out', path('x.safetensors')], /./],
    [['fit', path('tank.csv'), '--window', 'soon', '--out', path('x.safetensors')], /window/],
  ])('%j is one sentence', async (args, sentence) => {
    const { code, err } = await odecast(...args);
    expect(code).toBe(1);
    expect(err).toMatch(sentence);
    expect(err).not.toMatch(/\n\s+at /);
    expect(existsSync(path('x.safetensors'))).toBe(false);
  });
});
