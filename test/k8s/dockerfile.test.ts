/** The Dockerfile as far as it can be read: no engine builds it here. `image.slow.test.ts` runs what its build stage runs. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { allowed, type Instruction, REPOSITORY, stages } from './dockerfile.ts';

const read = (file: string): string => readFileSync(path.join(REPOSITORY, file), 'utf8');
const all = stages(read('Dockerfile'));
const only = (name: string, stage: readonly Instruction[]): string | undefined =>
  stage.findLast((instruction) => instruction.name === name)?.value;

test('base images are pinned to a version, or are stages', () => {
  for (const { from } of all) expect(from).toMatch(/:(\d|\$\{NODE_VERSION\})|^build$/);
});

test("Node is the version on which the tests run beside the oldest one's", () => {
  const tested = /^NODE=(.+)$/m.exec(read('scripts/install-tools.sh'))?.[1];
  expect(read('Dockerfile')).toContain(`ARG NODE_VERSION=${tested}\n`);
});

test('every file that is copied exists and is given to the builder', () => {
  const copied = all
    .flatMap((stage) => stage.instructions.filter(({ name, value }) => name === 'COPY' && !value.includes('--from=')))
    .flatMap(({ value }) => value.split(/\s+/).slice(0, -1));
  expect(copied.length).toBeGreaterThan(0);
  for (const source of copied.filter((name) => name !== '.')) expect(allowed(read('.dockerignore'))).toContain(source);
  for (const source of [...copied, ...allowed(read('.dockerignore'))])
    expect(existsSync(path.join(REPOSITORY, source)), source).toBe(true);
});

test('stages that are copied from come before', () => {
  all.forEach(({ instructions }, index) => {
    const earlier = all.slice(0, index).map((stage) => stage.name);
    const sources = instructions.flatMap(({ value }) => /--from=(\S+)/.exec(value)?.[1] ?? []);
    for (const source of sources) expect(earlier).toContain(source);
  });
});

test('the last stage, which a plain build gives, is the one for every role', () => {
  expect(all.at(-1)?.name).toBe('runtime');
});

describe.each(['runtime', 'gpu'])('image %s', (name) => {
  const { instructions } = all.find((stage) => stage.name === name) ?? { instructions: [] };

  test('runs as a user that is not root, by number, as Kubernetes can check', () => {
    expect(only('USER', instructions)).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  test("starts the package's own command", () => {
    const { bin } = JSON.parse(read('package.json'));
    expect(JSON.parse(only('ENTRYPOINT', instructions) ?? '')).toEqual(['node', bin.odecast]);
    expect(existsSync(path.join(REPOSITORY, bin.odecast.replace(/^dist/, '.').replace(/js$/, 'ts')))).toBe(true);
  });

  test('has a health check and keeps data on a volume', () => {
    expect(only('HEALTHCHECK', instructions)).toContain('/healthz');
    expect(only('VOLUME', instructions)).toBe('/var/lib/odecast');
    expect(only('ENV', instructions)).toContain('ODECAST_DATA=/var/lib/odecast');
  });

  test('has the built program and its packages, no sources', () => {
    const targets = instructions.filter((one) => one.name === 'COPY').map(({ value }) => value.split(/\s+/).at(-1));
    expect(targets).toEqual(expect.arrayContaining(['./', './node_modules', './dist', './examples']));
    expect(targets).not.toContain('.');
  });
});
