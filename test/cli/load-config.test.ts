import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CliError } from '../../cli/errors.ts';
import { type ConfigSource, loadConfig } from '../../cli/load-config.ts';

const demo = join(import.meta.dirname, '../../examples/demo.config.yaml');
const minimal = { streams: [{ name: 's', channels: ['a'], window: '1h', horizon: 60_000 }] };

function source(content?: string, overrides: Partial<ConfigSource> = {}): ConfigSource {
  const directory = mkdtempSync(join(tmpdir(), 'odecast-config-'));
  if (content !== undefined) writeFileSync(join(directory, 'odecast.config.json'), content);
  return { directory, environment: {}, ...overrides };
}

function failure(work: () => unknown): CliError {
  try {
    work();
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error('expected a CliError');
}

/** Streams like the minimal one, each with its differences, as the text of a file. */
function streams(...differences: object[]): string {
  return JSON.stringify({ streams: differences.map((difference) => ({ ...minimal.streams[0], ...difference })) });
}

describe('loadConfig', () => {
  it('reads the demonstration, with durations in milliseconds', () => {
    const { config } = loadConfig(source(undefined, { fallback: demo }));
    expect(config.streams.map((s) => s.name)).toEqual(['weather', 'spirals']);
    expect(config.streams[0].window).toBe(60 * 86_400_000);
    expect(config.streams[0].periods).toEqual([365.25 * 86_400_000]);
  });

  it('fills in defaults, nested ones too', () => {
    const { config } = loadConfig(source(JSON.stringify(minimal)));
    expect(config.port).toBe(8080);
    expect(config.streams[0].model.latentSize).toBeGreaterThan(0);
    expect(config.streams[0].horizon).toBe(60_000);
  });

  it('takes a gradient that goes through the method, and refuses another with a sentence', () => {
    const model = { method: 'reversible-heun', gradient: 'reversible', likelihood: 'student-t', encoder: 'ode-rnn' };
    const { config } = loadConfig(source(streams({ model })));
    expect(config.streams[0].model).toMatchObject({ ...model, degreesOfFreedom: 4, driftSteps: 2 });
    const through = failure(() => loadConfig(source(streams({ model: { gradient: 'reversible' } }))));
    expect(through.message).toContain('`reversible` is for `reversible-heun` alone');
    const light = failure(() =>
      loadConfig(source(streams({ model: { likelihood: 'student-t', degreesOfFreedom: 2 } }))),
    );
    expect(light.message).toContain('degreesOfFreedom');
  });

  it('takes channels in the words of whoever measures', () => {
    const { config } = loadConfig(source(streams({ channels: ['Temp (°C)', 'flow/s'] })));
    expect(config.streams[0].channels).toEqual(['Temp (°C)', 'flow/s']);
  });

  it('lets environment variables win over the file, at any depth', () => {
    const environment = { ODECAST_PORT: '9001', ODECAST_KAFKA_BROKERS: 'a:1, b:2', ODECAST_HOST: '' };
    const { config } = loadConfig(source(JSON.stringify({ ...minimal, port: 1 }), { environment }));
    expect(config.port).toBe(9001);
    expect(config.kafka.brokers).toEqual(['a:1', 'b:2']);
    expect(config.host).toBe('127.0.0.1');
  });

  it.each([
    ['no JSON', '{"streams": [', /cannot be read as JSON or YAML/],
    ['a list', '[]', /not a valid configuration/],
    ['an unknown key', JSON.stringify({ ...minimal, portt: 1 }), /portt/],
    [
      'a bad duration',
      JSON.stringify({ streams: [{ ...minimal.streams[0], window: 'soon' }] }),
      /streams\[0\]\.window/,
    ],
    ['no stream', JSON.stringify({ streams: [] }), /streams/],
    ['two streams of one name', JSON.stringify({ streams: [...minimal.streams, ...minimal.streams] }), /"s" twice/],
    ['two streams of one topic', streams({ topic: 't' }, { name: 'other', topic: 't' }), /topic "t" twice/],
    ['events on the models topic', streams({ topic: 'odecast.models' }), /"odecast.models" twice/],
    ['a duration of nothing', streams({ horizon: '0s' }), /streams\[0\]\.horizon/],
    ['a channel given twice', streams({ channels: ['x', 'x'] }), /names a channel twice/],
    ['a channel that no object can carry', streams({ channels: ['__proto__'] }), /streams\[0\]\.channels\[0\]/],
    ['a stream that a path cannot name', streams({ name: '..' }), /streams\[0\]\.name/],
  ])('refuses %s with a sentence that names it', (_, content, message) => {
    expect(failure(() => loadConfig(source(content))).message).toMatch(message);
  });

  it('refuses a port that is no number', () => {
    const environment = { ODECAST_PORT: 'http' };
    expect(failure(() => loadConfig(source(JSON.stringify(minimal), { environment }))).message).toMatch(/port/);
  });

  it('says how to give a configuration where there is none', () => {
    expect(failure(() => loadConfig(source()))).toMatchObject({ code: 'no-config' });
  });
});
