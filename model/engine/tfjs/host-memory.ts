/** How a loop reaches the memory of a tfjs backend that keeps it in this process. */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type FusedProduct, fastestProduct } from './wasm-product.ts';

export interface HostMemory {
  readonly backendName: 'wasm' | 'cpu';
  /** Uninitialised. */
  allocate(rows: number, columns: number): TensorInfo;
  /** The numbers themselves, not a copy. Valid until the next allocation. */
  view(info: TensorInfo): Float32Array;
  /** A cheaper way to the same product than the given one, if there is any. */
  hasten(product: FusedProduct): FusedProduct;
}

export function wasmMemory(backend: BackendWasm): HostMemory {
  return {
    backendName: 'wasm',
    allocate: (rows, columns) => {
      // The fused product looks up its bias by its memory, and insists that it was made with one dimension.
      const made = backend.makeOutput(rows === 1 ? [columns] : [rows, columns], 'float32');
      return { ...made, shape: [rows, columns] };
    },
    view: (info) => float32(backend.typedArrayFromHeap(info)),
    hasten: (product) => fastestProduct(backend, product),
  };
}

/** The pure-JavaScript backend keeps the arrays that it is given. */
export function javascriptMemory(backend: KernelBackend): HostMemory {
  return {
    backendName: 'cpu',
    allocate: (rows, columns) => {
      const shape = [rows, columns];
      return { dataId: backend.write(new Float32Array(rows * columns), shape, 'float32'), shape, dtype: 'float32' };
    },
    view: (info) => float32(backend.readSync(info.dataId)),
    hasten: (product) => product,
  };
}

function float32(values: unknown): Float32Array {
  if (values instanceof Float32Array) return values;
  throw new TypeError('The backend gave other than f32.');
}
