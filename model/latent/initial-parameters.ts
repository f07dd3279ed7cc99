/** Where training starts from. */
import { type ParameterBlock, parameterLayout } from './layout.ts';
import type { Random } from './random.ts';
import { LOG_SCALE_BOUND, LOG_VARIANCE_BOUND, softClampInverse } from './soft-clamp.ts';
import type { ModelSpec } from './spec.ts';

/** log σ² of z₀ and of the decoder at the start: noise small enough for the path to be seen from the first step. */
const INITIAL_LOG_VARIANCE = -2;

/**
 * [P] Weights uniform on ±√(6 / (in + out)) (Glorot and Bengio 2010, eq. 16; a GRU's gates count as one matrix each),
 * biases zero, except those of the two heads that give a logarithm.
 */
export function initialParameters(spec: ModelSpec, random: Random): Float32Array {
  const layout = parameterLayout(spec);
  const parameters = new Float32Array(layout.size);
  for (const block of layout.blocks)
    fill(parameters.subarray(block.offset, block.offset + block.size), spec, block, random);
  return parameters;
}

function fill(out: Float32Array, spec: ModelSpec, block: ParameterBlock, random: Random): void {
  const special = BIASES[block.name];
  if (special) out.fill(special(), out.length / 2);
  if (block.shape.length !== 2) return;
  const draw = random.fork(block.name);
  const limit = Math.sqrt(6 / (block.shape[0] + fanOut(spec, block)));
  for (let i = 0; i < out.length; i++) out[i] = limit * (2 * draw.uniform() - 1);
}

/** The second half of a head's outputs is a logarithm. */
const BIASES: Readonly<Record<string, () => number>> = {
  'encoder.posterior.bias': () => softClampInverse(INITIAL_LOG_VARIANCE, LOG_VARIANCE_BOUND),
  'decoder.output.bias': () => softClampInverse(INITIAL_LOG_VARIANCE / 2, LOG_SCALE_BOUND),
};

function fanOut(spec: ModelSpec, block: ParameterBlock): number {
  const gated = block.name.startsWith('encoder.input') || block.name.startsWith('encoder.recurrent');
  return gated ? spec.encoder.units : block.shape[1];
}
