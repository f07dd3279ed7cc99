/** The operations of `ops.ts` composed of the kernels that every tfjs backend has. Slow to dispatch, right anywhere. */
import type * as Tfjs from '@tensorflow/tfjs';
import type { NamedAttrMap, NamedTensorMap, Tensor, TensorInfo } from '@tensorflow/tfjs';
import { Arena, type Matrix } from './matrix.ts';
import type { Activation, GruOps, GruStep, Ops } from './ops.ts';

/** The part of tfjs that is used; `@tensorflow/tfjs-node` has the same. */
export type Tf = Pick<typeof Tfjs, 'concat' | 'engine' | 'tensor2d'>;

/** Kernels by their name, results tracked. */
interface Kernels {
  readonly arena: Arena;
  run(
    name: string,
    inputs: Readonly<Record<string, Matrix>>,
    attributes: NamedAttrMap,
    rows: number,
    columns: number,
  ): Matrix;
  constant(value: number): Matrix;
  concat(matrices: readonly Matrix[], axis: 0 | 1): Matrix;
}

export function composedOps(tf: Tf): Ops {
  const arena = new Arena((info) => asTensor(info).dispose());
  const kernels = createKernels(tf, arena);
  return {
    upload: (values, rows, columns) => arena.track(tf.tensor2d(values, [rows, columns]), rows, columns),
    download: (matrix) => Float32Array.from(asTensor(matrix.info).dataSync()),
    release: (matrix) => arena.release(matrix),
    scope: (work) => arena.scope(work),
    copy: (x) => kernels.run('Identity', { x }, {}, x.rows, x.columns),
    ...matrixOps(kernels),
    ...gruOps(kernels),
  };
}

/** What this file makes is always a tensor; the seam's type says less because a host backend makes less. */
function asTensor(info: TensorInfo): Tensor {
  if (isTensor(info)) return info;
  throw new TypeError('A matrix of another engine was given.');
}

function isTensor(info: TensorInfo): info is Tensor {
  return 'dataSync' in info;
}

function createKernels(tf: Tf, arena: Arena): Kernels {
  const run: Kernels['run'] = (name, inputs, attributes, rows, columns) => {
    const tensors: NamedTensorMap = {};
    for (const key in inputs) tensors[key] = asTensor(inputs[key].info);
    return arena.track(tf.engine().runKernel<Tensor>(name, tensors, attributes), rows, columns);
  };
  const constant = (value: number) => arena.track(tf.tensor2d([value], [1, 1], 'float32'), 1, 1);
  const concat: Kernels['concat'] = (matrices, axis) => {
    const joined = tf.concat(
      matrices.map(({ info }) => asTensor(info)),
      axis,
    );
    return arena.track(joined, joined.shape[0] ?? 0, joined.shape[1] ?? 0);
  };
  return { arena, run, constant, concat };
}

type MatrixOps = Omit<Ops, keyof GruOps | 'upload' | 'download' | 'release' | 'scope' | 'copy'>;

function matrixOps(kernels: Kernels): MatrixOps {
  return {
    matMul: (x, weight, bias, activation) => matMul(kernels, x, weight, bias, activation),
    appendColumns: (x, y) => kernels.concat([x, y], 1),
    stackRows: (matrices) => kernels.concat(matrices, 0),
    sliceRows: (x, start, count) => slice(kernels, x, start, count, 0, x.columns),
    combine: (y, coefficients, terms) => combine(kernels, y, coefficients, terms),
    scaleRows: (x, factors) => kernels.run('Multiply', { a: x, b: factors }, {}, x.rows, x.columns),
    sigmoidPull: (cotangent, s) => sigmoidPull(kernels, cotangent, s),
    contract: (inputs, cotangents, options) => contract(kernels, inputs, cotangents, options),
  };
}

function binary(kernels: Kernels, name: 'Add' | 'Sub' | 'Multiply', a: Matrix, b: Matrix): Matrix {
  const larger = a.rows * a.columns >= b.rows * b.columns ? a : b;
  return kernels.run(name, { a, b }, {}, larger.rows, larger.columns);
}

const add = (kernels: Kernels, a: Matrix, b: Matrix) => binary(kernels, 'Add', a, b);
const subtract = (kernels: Kernels, a: Matrix, b: Matrix) => binary(kernels, 'Sub', a, b);
const multiply = (kernels: Kernels, a: Matrix, b: Matrix) => binary(kernels, 'Multiply', a, b);
const sigmoid = (kernels: Kernels, x: Matrix) => kernels.run('Sigmoid', { x }, {}, x.rows, x.columns);

function matMul(kernels: Kernels, x: Matrix, weight: Matrix, bias?: Matrix, activation: Activation = 'linear'): Matrix {
  const product = kernels.run('BatchMatMul', { a: x, b: weight }, PLAIN, x.rows, weight.columns);
  const shifted = bias === undefined ? product : add(kernels, product, bias);
  return activation === 'sigmoid' ? sigmoid(kernels, shifted) : shifted;
}

const PLAIN = { transposeA: false, transposeB: false };

function slice(kernels: Kernels, x: Matrix, row: number, rows: number, column: number, columns: number): Matrix {
  return kernels.run('Slice', { x }, { begin: [row, column], size: [rows, columns] }, rows, columns);
}

function scale(kernels: Kernels, coefficient: number, x: Matrix): Matrix {
  if (coefficient === 1) return x;
  return multiply(kernels, x, kernels.constant(coefficient));
}

function combine(kernels: Kernels, y: Matrix, coefficients: readonly number[], terms: readonly Matrix[]): Matrix {
  let sum: Matrix | undefined;
  coefficients.forEach((coefficient, i) => {
    if (coefficient === 0) return;
    sum = add(kernels, sum ?? y, scale(kernels, coefficient, terms[i]));
  });
  return sum ?? kernels.run('Identity', { x: y }, {}, y.rows, y.columns);
}

function sigmoidPull(kernels: Kernels, cotangent: Matrix, s: Matrix): Matrix {
  const passed = multiply(kernels, cotangent, s);
  return subtract(kernels, passed, multiply(kernels, passed, s));
}

function contract(
  kernels: Kernels,
  inputs: readonly (readonly Matrix[])[],
  cotangents: readonly Matrix[],
  { coefficients, columns = cotangents[0].columns }: Parameters<Ops['contract']>[2] = {},
): Matrix {
  const weighted = cotangents.map((g, i) => scale(kernels, coefficients?.[i] ?? 1, g));
  const stacked = kernels.concat(weighted, 0);
  const g = columns === stacked.columns ? stacked : slice(kernels, stacked, 0, stacked.rows, 0, columns);
  const groups = inputs.map((group) => kernels.concat(group, 0));
  const ones = kernels.run('Fill', {}, { shape: [g.rows, 1], value: 1, dtype: 'float32' }, g.rows, 1);
  const a = kernels.concat([...groups, ones], 1);
  return kernels.run('BatchMatMul', { a, b: g }, { transposeA: true, transposeB: false }, a.columns, columns);
}

/** Blocks of `units` columns, counted from `block`, of `rows` rows from `row` on. */
type Part = (x: Matrix, block: number, blocks: number, units: number, row?: number, rows?: number) => Matrix;

function gruOps(kernels: Kernels): GruOps {
  const part: Part = (x, block, blocks, units, row = 0, rows = x.rows) =>
    slice(kernels, x, row, rows, block * units, blocks * units);
  return {
    gruGates: (recurrent, projected, row) => {
      const units = recurrent.columns / 3;
      const input = part(projected, 0, 2, units, row, recurrent.rows);
      return sigmoid(kernels, add(kernels, part(recurrent, 0, 2, units), input));
    },
    gruCandidate: (recurrent, gates, projected, row) => {
      const units = recurrent.columns / 3;
      const reset = multiply(kernels, part(gates, 0, 1, units), part(recurrent, 2, 1, units));
      const sum = add(kernels, reset, part(projected, 2, 1, units, row, recurrent.rows));
      return sigmoid(kernels, add(kernels, sum, sum));
    },
    gruBlend: (h, gates, candidate) => {
      const towards = subtract(kernels, tanhOf(kernels, candidate), h);
      return add(kernels, h, multiply(kernels, part(gates, 1, 1, h.columns), towards));
    },
    gruPull: (cotangent, step) => gruPull(kernels, part, cotangent, step),
  };
}

/** 2s − 1 */
function tanhOf(kernels: Kernels, s: Matrix): Matrix {
  return subtract(kernels, add(kernels, s, s), kernels.constant(1));
}

/** 1 − x */
function complement(kernels: Kernels, x: Matrix): Matrix {
  return subtract(kernels, kernels.constant(1), x);
}

function gruPull(kernels: Kernels, part: Part, cotangent: Matrix, step: GruStep): Matrix {
  const units = step.h.columns;
  const [r, v] = [part(step.gates, 0, 1, units), part(step.gates, 1, 1, units)];
  const tanh = tanhOf(kernels, step.candidate);
  const slope = complement(kernels, multiply(kernels, tanh, tanh));
  const candidate = multiply(kernels, multiply(kernels, cotangent, v), slope);
  const towards = multiply(kernels, cotangent, subtract(kernels, tanh, step.h));
  const dReset = sigmoidPull(kernels, multiply(kernels, candidate, part(step.recurrent, 2, 1, units)), r);
  const dUpdate = sigmoidPull(kernels, towards, v);
  const straight = multiply(kernels, cotangent, complement(kernels, v));
  return kernels.concat([dReset, dUpdate, multiply(kernels, candidate, r), candidate, straight], 1);
}
