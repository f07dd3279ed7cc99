/** A small artifact of plausible numbers, for tests that need one but not a trained one. */

import { artifactVersion } from '../../model/artifact.ts';
import type { Artifact, ArtifactHeader } from '../../model/artifact-format.ts';
import { parameterLayout } from '../../model/latent/layout.ts';
import { createRandom } from '../../model/latent/random.ts';
import type { ModelSpec } from '../../model/latent/spec.ts';

export const HOUR = 3_600_000;

export function toySpec(channels: readonly string[] = ['a', 'b']): ModelSpec {
  return {
    channels,
    latentSize: 3,
    encoder: { kind: 'gru', units: 5, clock: 'gap' },
    dynamics: { units: 6, depth: 1, periodsMs: [24 * HOUR] },
    decoder: { units: 4, likelihood: 'gaussian' },
    solver: { method: 'rk4', knotSpacing: 0.25, rtol: 1e-3, atol: 1e-4, gradient: 'adjoint' },
    timescaleMs: 10 * HOUR,
  };
}

const SCORES = { rmse: 1, mae: 0.8, mase: 1.1, crps: 0.6, coverage: { '0.8': 0.79 }, width: { '0.8': 2.5 }, count: 10 };

export function toyArtifact(overrides: Partial<ArtifactHeader> = {}, seed = 1): Artifact {
  const spec = overrides.spec ?? toySpec();
  const random = createRandom(seed);
  const parameters = Float32Array.from({ length: parameterLayout(spec).size }, () => 0.3 * random.normal());
  const createdAt = overrides.createdAt ?? Date.UTC(2026, 10, 21, 22);
  return {
    parameters,
    header: {
      format: 1,
      stream: 'toy',
      version: artifactVersion(createdAt, parameters),
      createdAt,
      spec,
      normalisation: { channels: spec.channels.map(() => ({ location: 10, scale: 2 })) },
      calibration: toyCalibration(spec.channels.length),
      window: { contextMs: 30 * HOUR, maxObservations: 40, horizonMs: 10 * HOUR },
      training: {
        seed,
        steps: 3,
        windows: 96,
        seconds: 0.5,
        engine: 'none',
        gradient: 'adjoint',
        lossCurve: [[1, 1.5]],
      },
      evaluation: {
        interpolation: SCORES,
        extrapolation: SCORES,
        baselines: { 'last value': { rmse: 1, mae: 1, crps: 1 } },
        windows: 4,
      },
      trainedThrough: createdAt,
      positions: [{ topic: 'odecast.toy.events', partition: 0, next: 12 }],
      ...overrides,
    },
  };
}

function toyCalibration(channels: number) {
  const levels = [0.5, 0.8, 0.95];
  const leadEndsMs = [5 * HOUR, 10 * HOUR];
  const factors = [1, 1.1, 1.2].map((f) => Array.from({ length: channels }, () => levels.map(() => f)));
  return { levels, leadEndsMs, factors };
}
