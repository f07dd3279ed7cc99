/**
 * The operations of `ops.ts` where a backend's memory is this process's own: WebAssembly and plain JavaScript. Matrix
 * products and sigmoids run in the backend's kernels, called without the bookkeeping of tfjs; what only moves or adds a
 * few hundred numbers is a loop over the same memory, because a loop costs less than a dispatch.
 */
import type * as Tfjs from '@tensorflow/tfjs';
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs';
import type { HostMemory } from './host-memory.ts';
import { Arena, type Matrix } from './matrix.ts';
import type { GruOps, Ops } from './ops.ts';
import type { FusedProduct } from './wasm-product.ts';

/** The part of tfjs that is used. */
export type KernelRegistry = Pick<typeof Tfjs, 'getKernel'>;

export function hostOps(registry: KernelRegistry, backend: KernelBackend, memory: HostMemory): Ops {
  const arena = new Arena((info) => backend.disposeData(info.dataId));
  const kernels = findKernels(registry, backend, memory);
  const create: Create = (rows, columns) => arena.track(memory.allocate(rows, columns), rows, columns);
  const view = (matrix: Matrix) => memory.view(matrix.info);
  return {
    upload: (values, rows, columns) => {
      const out = create(rows, columns);
      view(out).set(values);
      return out;
    },
    download: (matrix) => Float32Array.from(view(matrix)),
    release: (matrix) => arena.release(matrix),
    scope: (work) => arena.scope(work),
    copy: (x) => {
      backend.incRef(x.info.dataId);
      return arena.track({ ...x.info }, x.rows, x.columns);
    },
    matMul: (x, weight, bias, activation) =>
      arena.track(kernels.matMul(x.info, weight.info, bias?.info, activation), x.rows, weight.columns),
    ...looped(create, view),
    contract: (inputs, cotangents, { coefficients, columns } = {}) => {
      const x = transposedStack(create, view, inputs);
      const g = weightedStack(create, view, cotangents, columns ?? cotangents[0].columns, coefficients);
      const out = arena.track(kernels.matMul(x.info, g.info), x.rows, g.columns);
      for (const matrix of [x, g]) arena.release(matrix);
      return out;
    },
    ...gruLoops(create, view, (x) => arena.track(kernels.sigmoid(x.info), x.rows, x.columns)),
  };
}

/** An uninitialised matrix. WebAssembly's memory may move when it grows: take views after all that is needed exists. */
type Create = (rows: number, columns: number) => Matrix;
type View = (matrix: Matrix) => Float32Array;

interface HostKernels {
  readonly matMul: FusedProduct;
  sigmoid(x: TensorInfo): TensorInfo;
}

function findKernels(registry: KernelRegistry, backend: KernelBackend, memory: HostMemory): HostKernels {
  const product = registry.getKernel('_FusedMatMul', memory.backendName).kernelFunc;
  const sigmoid = registry.getKernel('Sigmoid', memory.backendName).kernelFunc;
  // The kernel wants a batch of products and a flat bias; the memory is the same.
  const batched = (x: TensorInfo): TensorInfo => ({ ...x, shape: [1, ...x.shape] });
  const flat = (x: TensorInfo): TensorInfo => ({ ...x, shape: [x.shape[1]] });
  const matMul: FusedProduct = (x, weight, bias, activation = 'linear') => {
    const operands = { a: batched(x), b: batched(weight) };
    const inputs = bias === undefined ? operands : { ...operands, bias: flat(bias) };
    const out = single(product({ inputs, backend, attrs: { transposeA: false, transposeB: false, activation } }));
    return { ...out, shape: [x.shape[0], weight.shape[1]] };
  };
  return { matMul: memory.hasten(matMul), sigmoid: (x) => single(sigmoid({ inputs: { x }, backend })) };
}

function single(output: TensorInfo | TensorInfo[]): TensorInfo {
  return Array.isArray(output) ? output[0] : output;
}

type Looped = Pick<Ops, 'appendColumns' | 'stackRows' | 'sliceRows' | 'combine' | 'scaleRows' | 'sigmoidPull'>;

function looped(create: Create, view: View): Looped {
  return {
    appendColumns: (x, y) => {
      const out = create(x.rows, x.columns + y.columns);
      interleave(view(out), view(x), view(y), x.rows);
      return out;
    },
    stackRows: (matrices) => weightedStack(create, view, matrices, matrices[0].columns),
    sliceRows: (x, start, count) => {
      const out = create(count, x.columns);
      view(out).set(view(x).subarray(start * x.columns, (start + count) * x.columns));
      return out;
    },
    combine: (y, coefficients, terms) => {
      const out = create(y.rows, y.columns);
      const sum = view(out);
      sum.set(view(y));
      coefficients.forEach((c, i) => {
        if (c !== 0) accumulate(sum, c, view(terms[i]));
      });
      return out;
    },
    scaleRows: (x, factors) => {
      const out = create(x.rows, x.columns);
      scaleRows(view(out), view(x), view(factors), x.columns);
      return out;
    },
    sigmoidPull: (cotangent, s) => {
      const out = create(s.rows, s.columns);
      sigmoidPull(view(out), view(cotangent), view(s));
      return out;
    },
  };
}

function interleave(out: Float32Array, x: Float32Array, y: Float32Array, rows: number): void {
  const [p, q] = [x.length / rows, y.length / rows];
  for (let row = 0; row < rows; row++) {
    const at = row * (p + q);
    for (let i = 0; i < p; i++) out[at + i] = x[row * p + i];
    for (let i = 0; i < q; i++) out[at + p + i] = y[row * q + i];
  }
}

function accumulate(out: Float32Array, coefficient: number, x: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] += coefficient * x[i];
}

function scaleRows(out: Float32Array, x: Float32Array, factors: Float32Array, columns: number): void {
  for (let row = 0; row < factors.length; row++) {
    for (let i = row * columns; i < (row + 1) * columns; i++) out[i] = factors[row] * x[i];
  }
}

function sigmoidPull(out: Float32Array, cotangent: Float32Array, s: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = cotangent[i] * s[i] * (1 - s[i]);
}

const rowsOf = (matrices: readonly Matrix[]): number => matrices.reduce((sum, m) => sum + m.rows, 0);

/** [ΣN, columns] of the first columns of each. */
function weightedStack(
  create: Create,
  view: View,
  matrices: readonly Matrix[],
  columns: number,
  coefficients?: readonly number[],
): Matrix {
  const out = create(rowsOf(matrices), columns);
  const stacked = view(out);
  let at = 0;
  matrices.forEach((matrix, i) => {
    copyScaled(stacked, at, view(matrix), matrix.columns, columns, coefficients?.[i] ?? 1);
    at += matrix.rows * columns;
  });
  return out;
}

function copyScaled(
  out: Float32Array,
  at: number,
  x: Float32Array,
  stride: number,
  columns: number,
  scale: number,
): void {
  if (scale === 1 && stride === columns) {
    out.set(x, at);
    return;
  }
  for (let from = 0; from < x.length; from += stride) {
    for (let c = 0; c < columns; c++) out[at++] = scale * x[from + c];
  }
}

/** [ΣC + 1, ΣN] the transposed stack of each group, group below group, and a row of ones. */
function transposedStack(create: Create, view: View, groups: readonly (readonly Matrix[])[]): Matrix {
  const total = rowsOf(groups[0]);
  const columns = groups.reduce((sum, [first]) => sum + first.columns, 0);
  const out = create(columns + 1, total);
  const stacked = view(out);
  let start = 0;
  for (const group of groups) {
    let at = start;
    for (const matrix of group) {
      transposeInto(stacked, at, total, view(matrix), matrix.columns);
      at += matrix.rows;
    }
    start += group[0].columns * total;
  }
  stacked.fill(1, start);
  return out;
}

function transposeInto(out: Float32Array, at: number, stride: number, x: Float32Array, columns: number): void {
  const rows = x.length / columns;
  for (let c = 0; c < columns; c++) {
    const target = c * stride + at;
    for (let row = 0; row < rows; row++) out[target + row] = x[row * columns + c];
  }
}

function gruLoops(create: Create, view: View, sigmoid: (x: Matrix) => Matrix): GruOps {
  return {
    gruGates: (recurrent, projected, row) => {
      const sum = create(recurrent.rows, (2 * recurrent.columns) / 3);
      addGates(view(sum), view(recurrent), view(projected), row, recurrent.columns / 3);
      return sigmoid(sum);
    },
    gruCandidate: (recurrent, gates, projected, row) => {
      const sum = create(recurrent.rows, recurrent.columns / 3);
      addCandidate(view(sum), view(recurrent), view(gates), view(projected), row, sum.columns);
      return sigmoid(sum);
    },
    gruBlend: (h, gates, candidate) => {
      const out = create(h.rows, h.columns);
      blend(view(out), view(h), view(gates), view(candidate), h.columns);
      return out;
    },
    gruPull: (cotangent, { h, recurrent, gates, candidate }) => {
      const out = create(h.rows, 5 * h.columns);
      const step = { h: view(h), recurrent: view(recurrent), gates: view(gates), candidate: view(candidate) };
      pullStep(view(out), view(cotangent), step, h.columns);
      return out;
    },
  };
}

function addGates(out: Float32Array, recurrent: Float32Array, input: Float32Array, row: number, units: number): void {
  const rows = out.length / (2 * units);
  for (let b = 0; b < rows; b++) {
    const at = 3 * units * b;
    const from = 3 * units * (row + b);
    for (let i = 0; i < 2 * units; i++) out[2 * units * b + i] = recurrent[at + i] + input[from + i];
  }
}

function addCandidate(
  out: Float32Array,
  recurrent: Float32Array,
  gates: Float32Array,
  input: Float32Array,
  row: number,
  units: number,
): void {
  const rows = out.length / units;
  for (let b = 0; b < rows; b++) {
    const at = 3 * units * b + 2 * units;
    const from = 3 * units * (row + b) + 2 * units;
    for (let i = 0; i < units; i++) {
      out[units * b + i] = 2 * (input[from + i] + gates[2 * units * b + i] * recurrent[at + i]);
    }
  }
}

function blend(out: Float32Array, h: Float32Array, gates: Float32Array, candidate: Float32Array, units: number): void {
  for (let i = 0; i < out.length; i++) {
    const v = gates[i + units * (Math.floor(i / units) + 1)];
    out[i] = h[i] + v * (2 * candidate[i] - 1 - h[i]);
  }
}

/** The numbers of a `GruStep`. */
interface StepValues {
  readonly h: Float32Array;
  readonly recurrent: Float32Array;
  readonly gates: Float32Array;
  readonly candidate: Float32Array;
}

function pullStep(
  out: Float32Array,
  cotangent: Float32Array,
  { h, recurrent, gates, candidate }: StepValues,
  units: number,
): void {
  const rows = cotangent.length / units;
  for (let b = 0; b < rows; b++) {
    for (let i = 0; i < units; i++) {
      const at = b * units + i;
      const g = cotangent[at];
      const r = gates[2 * b * units + i];
      const v = gates[(2 * b + 1) * units + i];
      const tanh = 2 * candidate[at] - 1;
      const dSum = g * v * (1 - tanh * tanh);
      const to = 5 * b * units + i;
      out[to] = dSum * recurrent[(3 * b + 2) * units + i] * r * (1 - r);
      out[to + units] = g * (tanh - h[at]) * v * (1 - v);
      out[to + 2 * units] = dSum * r;
      out[to + 3 * units] = dSum;
      out[to + 4 * units] = g * (1 - v);
    }
  }
}
