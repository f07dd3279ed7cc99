/**
 * The `Engine` on the fused kernels: a tile's loss and gradient, and a query, are one call each. All work is synchronous and
 * on the caller's thread, unless it is given a crew to train with (`workers.ts`).
 */
import type { DecodeRequest, LossAndGradient, Ragged, TrainingBatch } from '../../latent/batch.ts';
import type { PathRequest } from '../../latent/query.ts';
import type { ModelSpec } from '../../latent/spec.ts';
import { type Capabilities, EVERYTHING, unsupported } from '../capabilities.ts';
import { allFinite, checkContext, checkDecode, checkParameters, checkPaths, checkTraining } from '../check-input.ts';
import type { Engine } from '../engine.ts';
import { EngineError } from '../engine-error.ts';
import { failedBatch } from '../failed-batch.ts';
import { decodePaths } from './decode-job.ts';
import { encodeContexts } from './encode-job.ts';
import type { Kernels } from './kernel-library.ts';
import { beyondReach } from './places.ts';
import { rowQuantiles } from './quantile-job.ts';
import { answerQueries } from './query-job.ts';
import { createTileTrainer, type TileTrainer, taskOf } from './train-job.ts';
import { alone, type Crew } from './workers.ts';

export const FUSED_CAPABILITIES: Capabilities = EVERYTHING;

/** MAX_DEPTH of the kernels' field.h. */
const MAX_DEPTH = 16;

/**
 * @param crewOf who computes the batches of training; the engine closes it. Default: the caller's thread.
 * @throws EngineError `unsupported-spec` at once, and when it is given what does not fit the spec, or after `close`
 */
export function createFusedEngine(
  spec: ModelSpec,
  kernels: Kernels,
  crewOf: (trainer: TileTrainer) => Crew = alone,
): Engine {
  const refusal = refusalOf(spec);
  if (refusal !== undefined) throw new EngineError('unsupported-spec', refusal);
  const trainer = createTileTrainer(spec, kernels);
  const { tables } = trainer;
  const crew = crewOf(trainer);
  let open = true;
  const check = (parameters: Float32Array): void => {
    checkOpen();
    checkParameters(trainer.parameters, parameters);
  };
  const checkOpen = (): void => {
    if (!open) throw new EngineError('closed', 'This engine was closed; open another with its provider.');
  };
  return {
    spec,
    lossAndGradient: async (parameters: Float32Array, batch: TrainingBatch) => {
      check(parameters);
      checkTraining(spec, batch);
      return hopeless(spec, parameters, batch) ?? crew.train(taskOf(parameters, batch));
    },
    encode: async (parameters: Float32Array, context: Ragged) => {
      check(parameters);
      checkContext(spec, context);
      return encodeContexts(kernels, spec, tables, parameters, context);
    },
    decode: async (parameters: Float32Array, request: DecodeRequest) => {
      check(parameters);
      checkDecode(spec, request);
      return decodePaths(kernels, spec, tables, parameters, request);
    },
    answer: async (parameters: Float32Array, request: PathRequest) => {
      check(parameters);
      checkPaths(spec, request);
      return answerQueries(kernels, spec, tables, parameters, request);
    },
    quantiles: (rows, levels) => {
      checkOpen();
      return rowQuantiles(kernels, rows, levels);
    },
    close: () => {
      open = false;
      crew.close();
    },
  };
}

/** Why the spec cannot be run, or nothing. */
export function refusalOf(spec: ModelSpec): string | undefined {
  if (spec.dynamics.depth > MAX_DEPTH) {
    return `This engine runs dynamics of at most ${MAX_DEPTH} hidden layers, not ${spec.dynamics.depth}.`;
  }
  return unsupported(FUSED_CAPABILITIES, spec);
}

/** What becomes of a batch that no kernel should see: numbers without an end, times without a hope. */
function hopeless(
  { solver }: ModelSpec,
  parameters: Float32Array,
  { targets }: TrainingBatch,
): LossAndGradient | undefined {
  const nothing = { forwardEvaluations: 0, backwardEvaluations: 0, steps: 0 };
  if (!allFinite(parameters)) return failedBatch('non-finite', parameters.length, nothing);
  if (beyondReach(targets, solver.knotSpacing)) return failedBatch('max-steps', parameters.length, nothing);
  return undefined;
}
