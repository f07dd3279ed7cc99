/**
 * How an ODE-RNN's hidden state moves between two observations (`OdeRnnEncoderSpec`): the explicit midpoint method over
 * each sample's own gap, and the way back. A gap of 0 keeps the state to the bit, so a sample that is through stays.
 */
import type { Matrix } from './matrix.ts';
import { hiddenInputs, type Mlp, outputOf, pull, unfoldGradient } from './mlp.ts';
import type { Ops } from './ops.ts';

export interface Drift {
  readonly mlp: Mlp;
  readonly steps: number;
}

/** What the way back through one gap reads: the field's inputs at both stages of each step. */
export interface DriftPass {
  /** [B, 1] the length of a step. */
  readonly length: Matrix;
  readonly stages: readonly (readonly [readonly Matrix[], readonly Matrix[]])[];
}

/** Factors of the field's gradient by layer, one entry a stage, for one product at the end. */
export interface DriftFactors {
  readonly inputs: Matrix[][];
  readonly deltas: Matrix[][];
}

export function noDriftFactors({ mlp }: Drift): DriftFactors {
  return { inputs: mlp.layers.map(() => []), deltas: mlp.layers.map(() => []) };
}

/** k₁ = f(h), k₂ = f(h + dt/2·k₁), h' = h + dt·k₂. */
export function follow(
  ops: Ops,
  { mlp, steps }: Drift,
  from: Matrix,
  gaps: Float64Array,
): { h: Matrix; pass: DriftPass } {
  const length = ops.upload(
    Float32Array.from(gaps, (gap) => gap / steps),
    gaps.length,
    1,
  );
  const stages: [Matrix[], Matrix[]][] = [];
  let h = from;
  for (let i = 0; i < steps; i++) {
    const first = hiddenInputs(ops, mlp, h);
    const middle = ops.combine(h, [0.5], [ops.scaleRows(outputOf(ops, mlp, first), length)]);
    const second = hiddenInputs(ops, mlp, middle);
    h = ops.combine(h, [1], [ops.scaleRows(outputOf(ops, mlp, second), length)]);
    stages.push([first, second]);
  }
  return { h, pass: { length, stages } };
}

/** The cotangent of the state before the gap, from that after it. */
export function pullDrift(
  ops: Ops,
  { mlp }: Drift,
  { length, stages }: DriftPass,
  after: Matrix,
  factors: DriftFactors,
): Matrix {
  const through = (inputs: readonly Matrix[], cotangent: Matrix): Matrix => {
    const { input, deltas } = pull(ops, mlp, inputs, ops.scaleRows(cotangent, length));
    for (const [layer, delta] of deltas.entries()) {
      factors.inputs[layer].push(inputs[layer]);
      factors.deltas[layer].push(delta);
    }
    return input;
  };
  let cotangent = after;
  for (const [first, second] of stages.toReversed()) {
    const middle = through(second, cotangent);
    const start = through(first, ops.combine(middle, [-0.5], [middle]));
    cotangent = ops.combine(cotangent, [1, 1], [middle, start]);
  }
  return cotangent;
}

/** Adds the field's gradient to the flat vector. */
export function writeDriftGradient(
  ops: Ops,
  { mlp }: Drift,
  { inputs, deltas }: DriftFactors,
  gradient: Float32Array,
): void {
  for (const [i, layer] of mlp.layers.entries()) {
    if (inputs[i].length > 0) unfoldGradient(gradient, layer, ops.download(ops.contract([inputs[i]], deltas[i])));
  }
}
