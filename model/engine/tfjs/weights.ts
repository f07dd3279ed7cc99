/** A flat parameter vector made ready on the device for one call. */
import { type ParameterBlock, parameterLayout } from '../../latent/layout.ts';
import type { ModelSpec } from '../../latent/spec.ts';
import type { Drift } from './drift.ts';
import { blockReader, type Encoder, loadEncoder } from './gru-encoder.ts';
import { loadMlp, type Mlp } from './mlp.ts';
import type { Ops } from './ops.ts';

/** What an engine knows of its spec before any parameters come. */
export interface ModelPlan {
  readonly spec: ModelSpec;
  readonly size: number;
  readonly blocks: readonly ParameterBlock[];
  readonly driftBlocks: readonly ParameterBlock[];
  readonly dynamicsBlocks: readonly ParameterBlock[];
  readonly decoderBlocks: readonly ParameterBlock[];
}

export function planModel(spec: ModelSpec): ModelPlan {
  const { blocks, size } = parameterLayout(spec);
  const named = (prefix: string) => blocks.filter(({ name }) => name.startsWith(prefix));
  return {
    spec,
    size,
    blocks,
    driftBlocks: named('encoder.drift.'),
    dynamicsBlocks: named('dynamics.'),
    decoderBlocks: named('decoder.'),
  };
}

export function loadModelEncoder(ops: Ops, plan: ModelPlan, parameters: Float32Array): Encoder {
  return loadEncoder(ops, plan.spec, blockReader(parameters, plan.blocks), loadDrift(ops, plan, parameters));
}

function loadDrift(
  ops: Ops,
  { spec: { encoder }, driftBlocks }: ModelPlan,
  parameters: Float32Array,
): Drift | undefined {
  if (encoder.kind !== 'ode-rnn') return undefined;
  return { mlp: loadMlp(ops, parameters, driftBlocks, encoder.units), steps: encoder.drift.steps };
}

/** Only the state has a cotangent: the phases of time are given. */
export function loadDynamics(ops: Ops, plan: ModelPlan, parameters: Float32Array): Mlp {
  return loadMlp(ops, parameters, plan.dynamicsBlocks, plan.spec.latentSize);
}

export function loadDecoder(ops: Ops, plan: ModelPlan, parameters: Float32Array): Mlp {
  return loadMlp(ops, parameters, plan.decoderBlocks, plan.spec.latentSize);
}
