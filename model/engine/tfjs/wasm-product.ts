/**
 * The WebAssembly module's fused product, called by itself. tfjs's wrapper builds four arrays and copies them to the
 * module's stack for every call, which costs a small product as much again as its arithmetic; here the shapes lie in
 * the module's memory. It is used only where it has been seen to give the wrapper's very numbers.
 */
import type { TensorInfo } from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { Activation } from './ops.ts';

export type FusedProduct = (
  x: TensorInfo,
  weight: TensorInfo,
  bias?: TensorInfo,
  activation?: Activation,
) => TensorInfo;

/** The module's own codes. */
const ACTIVATIONS: Readonly<Record<Activation, number>> = { linear: 0, sigmoid: 5 };

/** Ids and shapes of a and b, transpose a and b, activation, bias, slopes and slope of other activations, result. */
const ARGUMENTS = 13;

type RawProduct = (...numbers: number[]) => void;

/** The direct product, or the wrapper's where the two do not agree. */
export function fastestProduct(backend: BackendWasm, wrapped: FusedProduct): FusedProduct {
  try {
    const direct = directProduct(backend, rawProduct(backend.wasm));
    return agree(backend, direct, wrapped) ? direct : wrapped;
  } catch {
    return wrapped;
  }
}

function rawProduct(module: object): RawProduct {
  if (!('cwrap' in module) || typeof module.cwrap !== 'function') throw new TypeError('the module has no cwrap');
  return module.cwrap('_FusedMatMul', null, new Array<string>(ARGUMENTS).fill('number'));
}

function directProduct(backend: BackendWasm, raw: RawProduct): FusedProduct {
  const shapes = backend.makeOutput([6], 'int32');
  const address = backend.getMemoryOffset(shapes.dataId);
  const idOf = ({ dataId }: TensorInfo): number => backend.dataIdMap.get(dataId).id;
  return (x, weight, bias, activation = 'linear') => {
    const [rows, inner] = x.shape;
    const columns = weight.shape[1];
    const out = backend.makeOutput([rows, columns], 'float32');
    backend.typedArrayFromHeap(shapes).set([1, rows, inner, 1, inner, columns]);
    const biasId = bias === undefined ? 0 : idOf(bias);
    const code = ACTIVATIONS[activation];
    raw(idOf(x), address, 3, idOf(weight), address + 12, 3, 0, 0, code, biasId, 0, 0, idOf(out));
    return out;
  };
}

/** On a product of uneven shape, with and without what may be left out. */
function agree(backend: BackendWasm, a: FusedProduct, b: FusedProduct): boolean {
  const matrix = (shape: number[], size: number) => {
    const values = Float32Array.from({ length: size }, (_, i) => Math.sin(i + size));
    return { ...backend.makeOutput(size === 5 ? [5] : shape, 'float32', undefined, values), shape };
  };
  const operands = [matrix([7, 3], 21), matrix([3, 5], 15), matrix([1, 5], 5)];
  const [x, weight, bias] = operands;
  const runs: readonly Parameters<FusedProduct>[] = [
    [x, weight],
    [x, weight, bias],
    [x, weight, bias, 'sigmoid'],
  ];
  const same = runs.every((run) => {
    const results = [a(...run), b(...run)];
    const [p, q] = results.map((info) => Float32Array.from(backend.typedArrayFromHeap(info)));
    for (const { dataId } of results) backend.disposeData(dataId);
    return p.every((value, i) => value === q[i]);
  });
  for (const { dataId } of operands) backend.disposeData(dataId);
  return same;
}
