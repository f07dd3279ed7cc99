/** The ways to have tfjs on a machine, each opened or refused with a reason. Nothing is chosen here: `select.ts` does. */
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import type * as Tfjs from '@tensorflow/tfjs';
import { javascriptMemory, wasmMemory } from './host-memory.ts';
import { hostOps } from './host-ops.ts';
import type { Ops } from './ops.ts';

export interface OpenBackend {
  /** What runs the arithmetic, for the log. */
  readonly description: string;
  readonly gpu: boolean;
  readonly ops: Ops;
  /** Matrices that are alive, of everyone who uses the backend. */
  liveMatrices(): number;
}

const require = createRequire(import.meta.url);

/** Four floats at once in WebAssembly, one thread: there are no WebAssembly threads in Node. */
export async function openWasm(): Promise<OpenBackend> {
  const tf = await importTfjs();
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}${sep}`);
  const backend = await activate(tf, 'wasm');
  if (!(backend instanceof wasm.BackendWasm)) throw new Error('the WebAssembly backend did not load');
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  return {
    description: `tfjs in WebAssembly ${simd ? 'with' : 'without'} SIMD`,
    gpu: false,
    ops: hostOps(tf, backend, wasmMemory(backend)),
    liveMatrices: () => backend.numDataIds(),
  };
}

export async function openJavascript(): Promise<OpenBackend> {
  const tf = await importTfjs();
  const backend = await activate(tf, 'cpu');
  return {
    description: 'tfjs in plain JavaScript',
    gpu: false,
    ops: hostOps(tf, backend, javascriptMemory(backend)),
    liveMatrices: () => backend.numDataIds(),
  };
}

/** Production mode also keeps tfjs from advertising itself on the terminal. */
async function importTfjs(): Promise<typeof Tfjs> {
  const tf = await import('@tensorflow/tfjs');
  tf.enableProdMode();
  return tf;
}

async function activate(tf: typeof Tfjs, name: 'wasm' | 'cpu'): Promise<ReturnType<typeof Tfjs.backend>> {
  if (!(await tf.setBackend(name))) throw new Error(`tfjs has no backend ${name} here`);
  await tf.ready();
  return tf.backend();
}
