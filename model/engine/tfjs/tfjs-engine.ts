/** The `Engine` on tfjs: checks what comes in, runs it on the operations of one backend. All work is synchronous. */
import type { DecodeRequest, Posterior, Ragged, TrainingBatch } from '../../latent/batch.ts';
import { posteriorOf } from '../../latent/posterior.ts';
import type { ModelSpec } from '../../latent/spec.ts';
import { unsupported } from '../capabilities.ts';
import { checkContext, checkDecode, checkParameters, checkTraining } from '../check-input.ts';
import type { Engine } from '../engine.ts';
import { EngineError } from '../engine-error.ts';
import { TFJS_CAPABILITIES } from './capabilities.ts';
import { decode } from './decode.ts';
import { encode } from './gru-encoder.ts';
import type { Ops } from './ops.ts';
import { lossAndGradient } from './train-step.ts';
import { loadModelEncoder, planModel } from './weights.ts';

/** @throws EngineError `unsupported-spec` at once, and when it is given what does not fit the spec, or after `close`. */
export function createTfjsEngine(spec: ModelSpec, ops: Ops): Engine {
  const refusal = unsupported(TFJS_CAPABILITIES, spec);
  if (refusal !== undefined) throw new EngineError('unsupported-spec', refusal);
  const plan = planModel(spec);
  let open = true;
  const check = (parameters: Float32Array): void => {
    if (!open) throw new EngineError('closed', 'This engine was closed; open another with its provider.');
    checkParameters(plan.size, parameters);
  };
  return {
    spec,
    lossAndGradient: async (parameters: Float32Array, batch: TrainingBatch) => {
      check(parameters);
      checkTraining(spec, batch);
      return lossAndGradient(ops, plan, parameters, batch);
    },
    encode: async (parameters: Float32Array, context: Ragged): Promise<Posterior> => {
      check(parameters);
      checkContext(spec, context);
      return ops.scope(() => {
        const { output } = encode(ops, loadModelEncoder(ops, plan, parameters), spec, context);
        return posteriorOf(ops.download(output), spec.latentSize);
      });
    },
    decode: async (parameters: Float32Array, request: DecodeRequest) => {
      check(parameters);
      checkDecode(spec, request);
      return decode(ops, plan, parameters, request);
    },
    close: () => {
      open = false;
    },
  };
}
