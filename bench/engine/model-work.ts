/** A training step and a query through the `Engine`, as things to time. */
import type { Engine } from '../../model/engine/engine.ts';
import type { DecodeRequest, Posterior, TrainingBatch } from '../../model/latent/batch.ts';
import { initAdam, updateAdam } from '../../model/train/adam.ts';
import { observed, spiralsBatch, spiralsParameters, stream, TIMES } from './problem.ts';
import type { Work } from './serve.ts';

const RATE = 1e-2;

/** Loss, gradient and Adam. Each step starts from the same weights, so that each is the same work. */
export function trainingStep(engine: Engine, batch: TrainingBatch = spiralsBatch(engine.spec)): Work {
  const parameters = spiralsParameters(engine.spec);
  const start = initAdam(parameters.length);
  return {
    run: async () => {
      const { gradient } = await engine.lossAndGradient(parameters, batch);
      return updateAdam(start, parameters, gradient, RATE);
    },
    check: async () => {
      const { loss, gradient } = await engine.lossAndGradient(parameters, batch);
      return { loss, gradient: Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0)) };
    },
  };
}

/** Encode the observations of one series, draw samples of z₀, decode each at all times. */
export function query(engine: Engine, samples: number): Work {
  const parameters = spiralsParameters(engine.spec);
  const context = observed(1);
  const request = requestFor(engine.spec.latentSize, samples);
  const answer = async () => {
    draw(await engine.encode(parameters, context), request.noise, request.z0);
    return engine.decode(parameters, request);
  };
  return {
    run: answer,
    check: async () => {
      const { mean, scale } = await answer();
      const sum = (values: Float32Array) => values.reduce((total, value) => total + Math.abs(value), 0);
      return { mean: sum(mean), scale: sum(scale) };
    },
  };
}

function requestFor(latentSize: number, samples: number): DecodeRequest & { readonly noise: Float32Array } {
  const { offsets } = observed(samples);
  const [times] = [observed(1).times];
  return {
    z0: new Float32Array(samples * latentSize),
    origins: new Float64Array(samples),
    offsets,
    times: Float64Array.from({ length: samples * TIMES }, (_, i) => times[i % TIMES]),
    noise: stream(8, samples * latentSize),
  };
}

function draw({ mean, logVariance }: Posterior, noise: Float32Array, z0: Float32Array): void {
  for (let i = 0; i < z0.length; i++) {
    const l = i % mean.length;
    z0[i] = mean[l] + Math.exp(logVariance[l] / 2) * noise[i];
  }
}
