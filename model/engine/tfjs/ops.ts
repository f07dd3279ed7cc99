/**
 * The few operations that the model is made of, as a seam: `composed-ops.ts` builds them of any tfjs backend's kernels
 * (the GPU, the native binding), `host-ops.ts` runs them where the backend's memory is this process's own (WebAssembly,
 * plain JavaScript). An operation is as large as the slower of the two allows, because each dispatch costs more than
 * the arithmetic in it.
 */
import type { Matrix } from './matrix.ts';

export type Activation = 'linear' | 'sigmoid';

export interface Ops extends GruOps {
  upload(values: Float32Array, rows: number, columns: number): Matrix;
  /** A copy, row-major. Waits for the device. */
  download(matrix: Matrix): Float32Array;
  release(matrix: Matrix): void;
  scope<T>(work: () => T): T;
  /** A second owner of the same numbers. */
  copy(matrix: Matrix): Matrix;

  /** activation(x·w + bias), bias [1, O]. */
  matMul(x: Matrix, weight: Matrix, bias?: Matrix, activation?: Activation): Matrix;
  /** [x | y], of as many rows each. */
  appendColumns(x: Matrix, y: Matrix): Matrix;
  /** The matrices below one another. */
  stackRows(matrices: readonly Matrix[]): Matrix;
  sliceRows(x: Matrix, start: number, count: number): Matrix;
  /** y + Σ cᵢ·xᵢ over the first `coefficients.length` of `terms`; a term whose coefficient is zero is not read. */
  combine(y: Matrix, coefficients: readonly number[], terms: readonly Matrix[]): Matrix;
  /** Each row of x times its own factor, [rows, 1]. */
  scaleRows(x: Matrix, factors: Matrix): Matrix;
  /** cotangent·s·(1 − s): backwards through s = sigmoid(·). */
  sigmoidPull(cotangent: Matrix, s: Matrix): Matrix;
  /**
   * [I + 1, O] Σᵢ cᵢ·xᵢᵀ·gᵢ over pairs of matrices of as many rows, and below it Σᵢ cᵢ·(sum of the rows of gᵢ): the
   * gradients of a weight and its bias, of all times at once. `inputs` are groups of columns side by side, each a list
   * of matrices below one another; of the cotangents only the first `columns` count.
   */
  contract(
    inputs: readonly (readonly Matrix[])[],
    cotangents: readonly Matrix[],
    options?: { readonly coefficients?: readonly number[]; readonly columns?: number },
  ): Matrix;
}

/**
 * One GRU step without its matrix product (Cho et al. 2014; reset after the product, as cuDNN and PyTorch have it).
 * `recurrent` is h·U + b, [B, 3R]: reset, keep, candidate. `projected` holds x·W + b of all steps, [T·B, 3R]; `row` is
 * where this step's rows start. The update gate is carried as v = 1 − u, so that a row with v = 0 keeps h to the bit.
 */
export interface GruOps {
  /** [B, 2R] reset r and v, after the sigmoid. */
  gruGates(recurrent: Matrix, projected: Matrix, row: number): Matrix;
  /** [B, R] s with tanh = 2s − 1 of the candidate x + r·(h·U + b). */
  gruCandidate(recurrent: Matrix, gates: Matrix, projected: Matrix, row: number): Matrix;
  /** [B, R] h + v·((2s − 1) − h). */
  gruBlend(h: Matrix, gates: Matrix, candidate: Matrix): Matrix;
  /**
   * Backwards through a step, from the cotangent of its result: [B, 5R] of the pre-activations of reset, v and the
   * candidate's recurrent part, of the candidate's sum, and last the share of the cotangent that passes straight on to h.
   */
  gruPull(cotangent: Matrix, step: GruStep): Matrix;
}

/** What a step's way back reads. */
export interface GruStep {
  /** [B, R] before the step. */
  readonly h: Matrix;
  readonly recurrent: Matrix;
  readonly gates: Matrix;
  readonly candidate: Matrix;
}
