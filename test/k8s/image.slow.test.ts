/**
 * What the Dockerfile's build stage does, done here in a folder: the files that .dockerignore lets through, the commands of the
 * stage, and then the program with nothing but the packages of production. And the linters, where they are installed.
 */
import { execFileSync, execSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allowed, REPOSITORY, stages } from './dockerfile.ts';
import { installed } from './render.ts';

const read = (file: string): string => readFileSync(path.join(REPOSITORY, file), 'utf8');

describe('the build stage', () => {
  const app = mkdtempSync(path.join(tmpdir(), 'odecast-image-'));
  const run = (command: string) => execSync(command, { cwd: app, encoding: 'utf8', stdio: 'pipe' });

  beforeAll(() => {
    for (const name of allowed(read('.dockerignore')))
      cpSync(path.join(REPOSITORY, name), path.join(app, name), { recursive: true });
    const build = stages(read('Dockerfile')).find((stage) => stage.name === 'build');
    for (const { name, value } of build?.instructions ?? []) if (name === 'RUN') run(value);
  });
  afterAll(() => rmSync(app, { recursive: true, force: true }));

  test('the program starts with the packages of production alone', () => {
    expect(run('node dist/cli/main.js --help')).toContain('odecast');
    expect(run('npm ls --omit=dev --depth=0 --json')).toContain('express');
    expect(() => run('npm ls typescript vite vitest --depth=0')).toThrow();
  });

  test('the page is built', () => {
    expect(readFileSync(path.join(app, 'dist/serve/dashboard/index.html'), 'utf8')).toContain('<script');
  });
});

describe.each([
  ['hadolint', ['Dockerfile']],
  ['promtool', ['check', 'rules', 'k8s/components/monitoring/rules.yaml']],
  ['promtool', ['test', 'rules', 'test/k8s/rules.test.yaml']],
])('%s %j', (tool, args) => {
  const skipped = !installed(tool) && process.env.CI === undefined;
  if (skipped) console.warn(`SKIPPED: ${tool} is not installed (scripts/install-tools.sh)`);

  test.skipIf(skipped)('finds nothing', () => {
    execFileSync(tool, args, { cwd: REPOSITORY, stdio: 'pipe' });
  });
});
