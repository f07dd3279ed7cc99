/**
 * Each role as its pod runs it: the base's configuration and arguments, a folder where the volume would be. What the probes ask
 * is there, and SIGTERM ends it well within the grace period. The log is the embedded one: a broker has its own tests.
 */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { freePort, runOdecast, stop, until } from '../cli/odecast-process.ts';
import { type Container, type Manifest, ownContainers, REPOSITORY } from './render.ts';

const BASE = path.join(REPOSITORY, 'k8s/base');
const START_MS = 20_000;
const GRACE_MS = 10_000;

/** The manifests as they are written: names and images are the base's own, nothing needs kustomize. */
const written = (file: string): Manifest[] =>
  parseAllDocuments(readFileSync(path.join(BASE, file), 'utf8')).map((document) => document.toJS());

const roles = ['serve.yaml', 'train.yaml'].flatMap((file) => ownContainers(written(file)));

const asked = (container: Container): string[] =>
  [container.startupProbe, container.livenessProbe, container.readinessProbe].flatMap(
    (probe) => probe?.httpGet?.path ?? [],
  );

test('there are two roles', () => {
  expect(roles.map(({ name }) => name)).toEqual(['serve', 'train']);
});

test.each(roles)('$name: alive where the probes ask, and ended by SIGTERM', async (container) => {
  const port = await freePort();
  const odecast = runOdecast(container.args ?? [], {
    ODECAST_CONFIG: path.join(BASE, 'odecast.config.yaml'),
    ODECAST_DATA: mkdtempSync(path.join(tmpdir(), 'odecast-pod-')),
    ODECAST_HOST: '127.0.0.1',
    ODECAST_LOG: 'embedded',
    ODECAST_PORT: `${port}`,
  });
  onTestFinished(() => void odecast.child.kill('SIGKILL'));
  const status = async (route: string) => (await fetch(`http://127.0.0.1:${port}${route}`)).status;
  await until(
    () => status('/healthz'),
    (code) => code === 200,
    START_MS,
    odecast,
  );
  for (const route of new Set(asked(container))) expect([200, 503], route).toContain(await status(route));
  expect(await status('/metrics')).toBe(200);
  expect(await stop(odecast, 'SIGTERM', GRACE_MS)).toBeLessThan(GRACE_MS);
});
