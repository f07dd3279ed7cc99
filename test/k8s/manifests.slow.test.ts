/** Every kustomization renders to manifests that Kubernetes takes and that fit the program. Tools: scripts/install-tools.sh. */
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../../cli/config.ts';
import { temporaryTree } from '../scripts/temporary-tree.ts';
import {
  containers,
  installed,
  kustomizations,
  type Manifest,
  manifests,
  ownContainers,
  REPOSITORY,
  render,
  workloads,
} from './render.ts';

/** The oldest release that is still maintained, and the newest that the validator knows. */
const KUBERNETES = ['1.34.1', '1.37.0'];

const missing = ['kustomize', 'kubernetes-validate'].filter((tool) => !installed(tool));
const skipped = missing.length > 0 && process.env.CI === undefined;
if (skipped)
  console.warn(`SKIPPED: manifests are not checked; absent: ${missing.join(', ')} (scripts/install-tools.sh)`);

/** What the validator says of each manifest, and its exit code. */
function validate(yaml: string, version: string) {
  const file = path.join(temporaryTree({ 'manifests.yaml': yaml }), 'manifests.yaml');
  const options = ['--strict', '--no-warn', '-k', version];
  const { status, stdout } = spawnSync('kubernetes-validate', [...options, file], { encoding: 'utf8' });
  return { status, verdicts: stdout.trim().split('\n') };
}

test.skipIf(skipped)('kustomize and kubernetes-validate are installed', () => {
  expect(missing).toEqual([]);
});

test.skipIf(skipped)('the validator refuses a field that Kubernetes does not know', () => {
  const wrong = 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80, targetPrt: 80}]}\n';
  const { status, verdicts } = validate(wrong, KUBERNETES[0]);
  expect(verdicts.join()).toContain('targetPrt');
  expect(status).not.toBe(0);
});

describe.skipIf(skipped).each(kustomizations())('%s', (kustomization) => {
  const yaml = skipped || missing.length > 0 ? '' : render(kustomization);
  const all = yaml === '' ? [] : manifests(yaml);
  const own = ownContainers(all);

  test.each(KUBERNETES)('is valid, strictly, for Kubernetes %s', (version) => {
    const { status, verdicts } = validate(yaml, version);
    expect(verdicts.filter((verdict) => !verdict.includes(' passed '))).toEqual([]);
    expect(verdicts).toHaveLength(all.length);
    expect(status).toBe(0);
  });

  test('runs both roles', () => {
    expect(own.map((container) => container.args).sort()).toEqual([['serve'], ['train']]);
  });

  test('everything lies in the namespace', () => {
    const outside = all.filter(({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== 'odecast');
    expect(outside).toEqual([]);
  });

  test('images have a version', () => {
    for (const { image } of containers(all)) expect(image).toMatch(/:\d[\w.-]*$/);
  });

  test('pods satisfy the restricted pod security standard, and ours write to volumes only', () => {
    for (const { spec } of workloads(all)) {
      const pod = spec.template.spec;
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    }
    for (const { securityContext } of containers(all))
      expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
    for (const { securityContext } of own) expect(securityContext.readOnlyRootFilesystem).toBe(true);
  });

  test('containers say what they need and where it ends', () => {
    for (const { resources } of containers(all)) {
      expect(resources.requests).toMatchObject({ cpu: expect.anything(), memory: expect.anything() });
      expect(resources.limits.memory).toBeDefined();
    }
  });

  test('selectors, mounts and claims name what is there', () => {
    for (const { spec } of workloads(all)) {
      const pod = spec.template.spec;
      expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
      const volumes = [...pod.volumes, ...spec.volumeClaimTemplates.map(({ metadata }) => metadata)];
      const mounted = pod.containers.flatMap((container) => container.volumeMounts.map((mount) => mount.name));
      expect(volumes.map((volume) => volume.name)).toEqual(expect.arrayContaining(mounted));
      expect(names(all, 'PersistentVolumeClaim')).toEqual(expect.arrayContaining(claimed(pod.volumes)));
      expect(names(all, 'ConfigMap')).toEqual(expect.arrayContaining(configMaps(pod.volumes)));
      if (spec.serviceName !== undefined) expect(names(all, 'Service')).toContain(spec.serviceName);
    }
  });

  test("the ConfigMap's configuration is one that the program takes, and it listens where the probes ask", () => {
    const texts = all
      .flatMap(({ data }) => Object.entries(data ?? {}))
      .filter(([name]) => name === 'odecast.config.yaml');
    const fromSecret = yaml.includes('secretName: odecast-config');
    expect(texts).toHaveLength(fromSecret ? 0 : 1);
    for (const [, text] of texts)
      expect(configSchema.parse(parse(text))).toMatchObject({ host: '0.0.0.0', port: 8080, data: '/var/lib/odecast' });
  });
});

const names = (all: readonly Manifest[], kind: string): string[] =>
  all.filter((manifest) => manifest.kind === kind).map(({ metadata }) => metadata.name);

type Volumes = ReturnType<typeof workloads>[number]['spec']['template']['spec']['volumes'];

const claimed = (volumes: Volumes): string[] =>
  volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);

const configMaps = (volumes: Volumes): string[] => volumes.flatMap(({ configMap }) => configMap?.name ?? []);

test.skipIf(skipped)('the GPU overlay gives the trainer a device, and only the trainer', () => {
  const [serve, train] = ['serve', 'train'].map((role) =>
    ownContainers(manifests(render('overlays/gpu'))).find(({ args }) => args?.[0] === role),
  );
  expect(train).toMatchObject({
    image: expect.stringMatching(/^odecast-gpu:/),
    resources: { limits: { 'nvidia.com/gpu': 1 } },
  });
  expect(serve?.resources.limits['nvidia.com/gpu']).toBeUndefined();
});

test.skipIf(skipped).each(['serve', 'train'])('the command of the role %s exists', (role) => {
  const help = execFileSync('npx', ['tsx', path.join(REPOSITORY, 'cli/main.ts'), role, '--help'], { encoding: 'utf8' });
  expect(help).toContain(`odecast ${role}`);
});
