/**
 * The `Engine` on the fused kernels: a batch's loss and gradient, and a query, are one call each. All work is synchronous
 * and on the caller's thread. Not here: several cores (`workers.ts`).
 */
import type { DecodeRequest, LossAndGradient, Ragged, TrainingBatch } from '../../latent/batch.ts';
import { parameterLayout } from '../../latent/layout.ts';
import type { ModelSpec } from '../../latent/spec.ts';
import { type Capabilities, EVERYTHING, unsupported } from '../capabilities.ts';
import { checkContext, checkDecode, checkParameters, checkTraining } from '../check-input.ts';
import type { Engine } from '../engine.ts';
import { EngineError, require } from '../engine-error.ts';
import { decodePaths } from './decode-job.ts';
import { encodeContexts } from './encode-job.ts';
import type { Kernels } from './kernel-library.ts';
import { type ModelTables, modelTables } from './model-cells.ts';
import { placesOf } from './places.ts';
import { beyondReach, failed, joinParts, tilesOf, trainTiles } from './train-job.ts';

export const FUSED_CAPABILITIES: Capabilities = EVERYTHING;

/** MAX_DEPTH of the kernels' field.h. */
const MAX_DEPTH = 16;

/** @throws EngineError `unsupported-spec` at once, and when it is given what does not fit the spec, or after `close`. */
export function createFusedEngine(spec: ModelSpec, kernels: Kernels): Engine {
  const refusal = refusalOf(spec);
  if (refusal !== undefined) throw new EngineError('unsupported-spec', refusal);
  const tables = modelTables(spec);
  const { size } = parameterLayout(spec);
  let open = true;
  const check = (parameters: Float32Array): void => {
    if (!open) throw new EngineError('closed', 'This engine was closed; open another with its provider.');
    checkParameters(size, parameters);
  };
  return {
    spec,
    lossAndGradient: async (parameters: Float32Array, batch: TrainingBatch) => {
      check(parameters);
      checkTraining(spec, batch);
      return train(kernels, spec, tables, parameters, batch);
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
    close: () => {
      open = false;
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

function train(
  kernels: Kernels,
  spec: ModelSpec,
  tables: ModelTables,
  parameters: Float32Array,
  batch: TrainingBatch,
): LossAndGradient {
  const nothing = { forwardEvaluations: 0, backwardEvaluations: 0, steps: 0 };
  require(batch.noise.every(Number.isFinite), 'bad-batch', () => 'noise must be finite.');
  if (!parameters.every(Number.isFinite)) return failed('non-finite', parameters.length, nothing);
  if (beyondReach(placesOf(batch.targets.times, spec.solver.knotSpacing))) {
    return failed('max-steps', parameters.length, nothing);
  }
  const tiles = tilesOf(batch, kernels.lanes);
  return joinParts([trainTiles(kernels, spec, tables, parameters, batch, { first: 0, count: tiles })]);
}
