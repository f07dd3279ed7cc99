/** Kustomizations rendered by kustomize, and what the tests read of the manifests. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

export const REPOSITORY = path.join(import.meta.dirname, '../..');
const K8S = path.join(REPOSITORY, 'k8s');

/** Folders under k8s/ that stand on their own; components are rendered by the overlays that use them. */
export const kustomizations = (): string[] => [
  'base',
  ...readdirSync(path.join(K8S, 'overlays')).map((overlay) => `overlays/${overlay}`),
];

/** Whether the command can be run here. */
export function installed(command: string): boolean {
  try {
    execFileSync('which', [command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export const render = (kustomization: string): string =>
  execFileSync('kustomize', ['build', path.join(K8S, kustomization)], { encoding: 'utf8', stdio: 'pipe' });

const probeSchema = z.looseObject({ httpGet: z.looseObject({ path: z.string() }).optional() }).optional();

const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()).optional(),
  startupProbe: probeSchema,
  livenessProbe: probeSchema,
  readinessProbe: probeSchema,
  resources: z.looseObject({
    requests: z.record(z.string(), z.unknown()),
    limits: z.record(z.string(), z.unknown()),
  }),
  securityContext: z.record(z.string(), z.unknown()),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).default([]),
});

const volumeSchema = z.looseObject({
  name: z.string(),
  configMap: z.looseObject({ name: z.string() }).optional(),
  secret: z.looseObject({ secretName: z.string() }).optional(),
  persistentVolumeClaim: z.looseObject({ claimName: z.string() }).optional(),
});

const workloadSchema = z.looseObject({
  kind: z.enum(['StatefulSet', 'Deployment']),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    serviceName: z.string().optional(),
    selector: z.looseObject({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.looseObject({
      metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
      spec: z.looseObject({
        automountServiceAccountToken: z.boolean(),
        securityContext: z.record(z.string(), z.unknown()),
        containers: z.array(containerSchema),
        volumes: z.array(volumeSchema).default([]),
      }),
    }),
    volumeClaimTemplates: z.array(z.looseObject({ metadata: z.looseObject({ name: z.string() }) })).default([]),
  }),
});

const manifestSchema = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
  data: z.record(z.string(), z.string()).optional(),
});

export type Manifest = z.output<typeof manifestSchema>;
export type Workload = z.output<typeof workloadSchema>;
export type Container = z.output<typeof containerSchema>;

export const manifests = (yaml: string): Manifest[] =>
  parseAllDocuments(yaml).map((document) => manifestSchema.parse(document.toJS()));

const isWorkload = (manifest: Manifest): boolean => ['StatefulSet', 'Deployment'].includes(manifest.kind);

export const workloads = (all: readonly Manifest[]): Workload[] =>
  all.filter(isWorkload).map((manifest) => workloadSchema.parse(manifest));

export const containers = (all: readonly Manifest[]): Container[] =>
  workloads(all).flatMap((workload) => workload.spec.template.spec.containers);

/** Containers that run odecast, not a neighbour such as a broker. */
export const ownContainers = (all: readonly Manifest[]): Container[] =>
  containers(all).filter((container) => container.image.startsWith('odecast'));
