/**
 * A tanh MLP in two operations a layer less one: tanh(x) = 2σ(2x) − 1, and the factors and the −1 go into the next
 * layer's weights on the host, once a training step. WebAssembly has a fused product with σ but none with tanh, and its
 * tanh alone costs fifteen times its σ.
 *
 * Layer i computes y = scale·(W·(2s − 1) + b) from the s of the layer before (the first from x itself), then σ but for
 * the last. Folded: W̃ = in·scale·W and b̃ = scale·(b − [i > 0]·Wᵀ1), in = 1 for the first layer, else 2.
 */
import type { ParameterBlock } from '../../latent/layout.ts';
import type { Matrix } from './matrix.ts';
import type { Ops } from './ops.ts';

interface Layer {
  readonly weight: Matrix;
  readonly bias: Matrix;
  /** For the way back: of the first layer only the rows of the inputs whose cotangent is wanted. */
  readonly transposed: Matrix;
  readonly folding: Folding;
}

interface Folding {
  readonly weight: ParameterBlock;
  readonly bias: ParameterBlock;
  readonly first: boolean;
  readonly last: boolean;
}

export interface Mlp {
  readonly layers: readonly Layer[];
}

/** Inputs of every layer, and the output. */
export interface MlpPass {
  readonly inputs: readonly Matrix[];
  readonly output: Matrix;
}

export interface MlpPull {
  readonly input: Matrix;
  /** Cotangents of every layer's pre-activation, as the folded weights see it. */
  readonly deltas: readonly Matrix[];
}

/**
 * @param blocks weight and bias of every layer, in turn
 * @param pulledInputs how many of the first layer's inputs need a cotangent
 */
export function loadMlp(
  ops: Ops,
  parameters: Float32Array,
  blocks: readonly ParameterBlock[],
  pulledInputs: number,
): Mlp {
  const foldings = foldingsOf(blocks);
  return { layers: foldings.map((folding) => loadLayer(ops, parameters, folding, pulledInputs)) };
}

function foldingsOf(blocks: readonly ParameterBlock[]): Folding[] {
  const count = blocks.length / 2;
  return Array.from({ length: count }, (_, i) => {
    return { weight: blocks[2 * i], bias: blocks[2 * i + 1], first: i === 0, last: i === count - 1 };
  });
}

function loadLayer(ops: Ops, parameters: Float32Array, folding: Folding, pulledInputs: number): Layer {
  const [inputs, outputs] = folding.weight.shape;
  const { weight, bias } = fold(parameters, folding);
  const pulled = folding.first ? pulledInputs : inputs;
  return {
    weight: ops.upload(weight, inputs, outputs),
    bias: ops.upload(bias, 1, outputs),
    transposed: ops.upload(transpose(weight, pulled, outputs), outputs, pulled),
    folding,
  };
}

const inputScale = (folding: Folding): number => (folding.first ? 1 : 2);
const outputScale = (folding: Folding): number => (folding.last ? 1 : 2);

function fold(parameters: Float32Array, folding: Folding): { weight: Float32Array; bias: Float32Array } {
  const [inputs, outputs] = folding.weight.shape;
  const scale = outputScale(folding);
  const weight = slice(parameters, folding.weight).map((w) => inputScale(folding) * scale * w);
  const shift = new Float64Array(outputs);
  for (let i = 0; i < inputs * outputs; i++) shift[i % outputs] += parameters[folding.weight.offset + i];
  const bias = slice(parameters, folding.bias).map((b, o) => scale * (folding.first ? b : b - shift[o]));
  return { weight, bias };
}

function slice(parameters: Float32Array, { offset, size }: ParameterBlock): Float32Array {
  return parameters.subarray(offset, offset + size);
}

function transpose(weight: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = weight[r * columns + c];
  return out;
}

export function forward(ops: Ops, mlp: Mlp, x: Matrix): MlpPass {
  const inputs = hiddenInputs(ops, mlp, x);
  return { inputs, output: outputOf(ops, mlp, inputs) };
}

/** The last layer, from the inputs of every layer. */
export function outputOf(ops: Ops, mlp: Mlp, inputs: readonly Matrix[]): Matrix {
  const last = mlp.layers[mlp.layers.length - 1];
  return ops.matMul(inputs[inputs.length - 1], last.weight, last.bias);
}

/** x and the activations of the hidden layers: all that the way back needs. */
export function hiddenInputs(ops: Ops, mlp: Mlp, x: Matrix): Matrix[] {
  const inputs = [x];
  for (const layer of mlp.layers.slice(0, -1)) {
    inputs.push(ops.matMul(inputs[inputs.length - 1], layer.weight, layer.bias, 'sigmoid'));
  }
  return inputs;
}

export function pull(ops: Ops, mlp: Mlp, inputs: readonly Matrix[], cotangent: Matrix): MlpPull {
  const deltas = new Array<Matrix>(mlp.layers.length);
  let delta = cotangent;
  for (let i = mlp.layers.length - 1; i > 0; i--) {
    deltas[i] = delta;
    delta = ops.sigmoidPull(ops.matMul(delta, mlp.layers[i].transposed), inputs[i]);
  }
  deltas[0] = delta;
  return { input: ops.matMul(delta, mlp.layers[0].transposed), deltas };
}

/**
 * Writes a layer's gradient into the flat vector. `folded` is [I + 1, O]: of W̃, then of b̃, as `Ops.contract` gives it.
 */
export function unfoldGradient(gradient: Float32Array, { folding }: Layer, folded: Float32Array): void {
  const [inputs, outputs] = folding.weight.shape;
  const scale = outputScale(folding);
  for (let o = 0; o < outputs; o++) {
    const dBias = scale * folded[inputs * outputs + o];
    gradient[folding.bias.offset + o] += dBias;
    for (let i = 0; i < inputs; i++) {
      const at = i * outputs + o;
      const direct = inputScale(folding) * scale * folded[at];
      gradient[folding.weight.offset + at] += folding.first ? direct : direct - dBias;
    }
  }
}
