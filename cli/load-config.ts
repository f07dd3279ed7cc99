/** Finds, reads and validates the configuration: the file first, environment variables over it, options over both. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { type Config, configSchema, ENVIRONMENT, type EnvironmentVariable } from './config.ts';
import { CliError } from './errors.ts';
import { MODELS_TOPIC, streamSpec } from './stream-options.ts';

export interface ConfigSource {
  /** `--config`, before everything else. */
  readonly path?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Used where no file is found; without it that is an error. */
  readonly fallback?: string | undefined;
  readonly directory: string;
}

const FILES = ['odecast.config.json', 'odecast.config.yaml', 'odecast.config.yml'];

export interface LoadedConfig {
  readonly config: Config;
  /** The file that it came from. */
  readonly path: string;
}

export function loadConfig(source: ConfigSource): LoadedConfig {
  const path = configPath(source);
  const merged = overlayEnvironment(readConfigFile(path), source.environment);
  const result = configSchema.safeParse(merged);
  if (!result.success)
    throw new CliError('bad-config', `${path} is not a valid configuration.\n${z.prettifyError(result.error)}`);
  refuseTwins(path, result.data);
  return { config: result.data, path };
}

function configPath({ path, environment, fallback, directory }: ConfigSource): string {
  const named = path ?? environment.ODECAST_CONFIG;
  if (named) return resolve(directory, named);
  const found = FILES.map((file) => resolve(directory, file)).find((file) => existsSync(file)) ?? fallback;
  if (found) return found;
  throw new CliError(
    'no-config',
    `No configuration: give --config or ODECAST_CONFIG, or put ${FILES[0]} into this folder.`,
  );
}

function readConfigFile(path: string): unknown {
  try {
    // YAML 1.2 is a superset of JSON, so one parser reads both.
    return parseYaml(readFileSync(path, 'utf8')) ?? {};
  } catch (error) {
    throw new CliError('bad-config', `${path} cannot be read as JSON or YAML: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The file's value with each set variable at its place. Values that are no objects pass, for the schema to refuse. */
function overlayEnvironment(file: unknown, environment: ConfigSource['environment']): unknown {
  if (typeof file !== 'object' || file === null || Array.isArray(file)) return file;
  return Object.entries(ENVIRONMENT).reduce<object>(
    (config, [name, { path, parse }]: [string, EnvironmentVariable]) => {
      const text = environment[name];
      return text === undefined || text === '' ? config : withValue(config, path, parse(text));
    },
    file,
  );
}

function withValue(config: object, [key, ...rest]: readonly string[], value: unknown): object {
  const inner: unknown = Reflect.get(config, key);
  const next = rest.length ? withValue(typeof inner === 'object' && inner !== null ? inner : {}, rest, value) : value;
  return { ...config, [key]: next };
}

/** Two streams of one topic would share its log position in the store, and each lose what the other reads. */
function refuseTwins(path: string, { streams }: Config): void {
  const specs = streams.map(streamSpec);
  for (const key of ['name', 'topic'] as const) {
    const values = [...specs.map((spec) => spec[key]), ...(key === 'topic' ? [MODELS_TOPIC] : [])];
    const twin = values.find((value, i) => values.indexOf(value) < i);
    if (twin) throw new CliError('bad-config', `${path} uses the ${key} "${twin}" twice; each stream needs its own.`);
  }
}
