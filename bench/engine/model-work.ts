/** A training step and a query through the `Engine`, as things to time. */
import { encodeAndDecode } from '../../model/engine/encode-decode.ts';
import type { Engine } from '../../model/engine/engine.ts';
import type { TrainingBatch } from '../../model/latent/batch.ts';
import { NO_POSTERIOR } from '../../model/latent/query.ts';
import { initAdam, updateAdam } from '../../model/train/adam.ts';
import { observed, spiralsBatch, spiralsParameters, stream } from './problem.ts';
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

/** Encode the observations of one series, draw samples of z₀, decode each at all times: in one call where the engine has it. */
export function query(engine: Engine, samples: number): Work {
  const parameters = spiralsParameters(engine.spec);
  const context = observed(1);
  const noise = stream(8, samples * engine.spec.latentSize);
  const request = { context, known: NO_POSTERIOR, queries: [{ posterior: 0, origin: 0, times: context.times, noise }] };
  const answer = () => engine.answer?.(parameters, request) ?? encodeAndDecode(engine, parameters, request);
  return {
    run: answer,
    check: async () => {
      const [{ mean, scale }] = (await answer()).answers;
      const sum = (values: Float32Array) => values.reduce((total, value) => total + Math.abs(value), 0);
      return { mean: sum(mean), scale: sum(scale) };
    },
  };
}
