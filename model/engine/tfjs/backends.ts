/** The ways to have tfjs on a machine, each opened or refused with a reason. Nothing is chosen here: `select.ts` does. */
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, sep } from 'node:path';
import type * as Tfjs from '@tensorflow/tfjs';
import { composedOps } from './composed-ops.ts';
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

/** Four floats at once in WebAssembly, one thread: tfjs has no WebAssembly threads in Node. */
export async function openWasm(): Promise<OpenBackend> {
  const tf = await importTfjs();
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}${sep}`);
  const backend = await keepingListeners(() => activate(tf, 'wasm'));
  if (!(backend instanceof wasm.BackendWasm)) throw new Error('the WebAssembly backend did not load');
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  return {
    description: `tfjs in WebAssembly ${simd === true ? 'with' : 'without'} SIMD`,
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

/**
 * The native binding, which is an optional peer.
 * @param from the package's name, or its folder
 */
export async function openNative(from: string): Promise<OpenBackend> {
  prepareNode();
  const tf = requireNative(from);
  tf.enableProdMode();
  const backend = tf.backend();
  const gpu = 'isUsingGpuDevice' in backend && backend.isUsingGpuDevice === true;
  return {
    description: `native TensorFlow on the ${gpu ? 'GPU' : 'CPU'}`,
    gpu,
    ops: composedOps(tf),
    liveMatrices: () => tf.memory().numTensors,
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

/** Emscripten's start-up hangs listeners on the process that rethrow what the application has handled: off with them. */
async function keepingListeners<T>(work: () => Promise<T>): Promise<T> {
  const exceptions = process.listeners('uncaughtException');
  const rejections = process.listeners('unhandledRejection');
  try {
    return await work();
  } finally {
    for (const listener of process.listeners('uncaughtException')) {
      if (!exceptions.includes(listener)) process.off('uncaughtException', listener);
    }
    for (const listener of process.listeners('unhandledRejection')) {
      if (!rejections.includes(listener)) process.off('unhandledRejection', listener);
    }
  }
}

/** The part of a native package that is used: its own types need not be there to compile this. */
type NativeTfjs = Pick<typeof Tfjs, 'backend' | 'concat' | 'enableProdMode' | 'engine' | 'memory' | 'tensor2d'>;

/** CommonJS, so that a folder outside this project resolves its own dependencies. */
function requireNative(from: string): NativeTfjs {
  const loaded: NativeTfjs = isAbsolute(from) ? createRequire(join(from, 'package.json'))(from) : require(from);
  return loaded;
}

/**
 * What the binding needs before it loads. Its JavaScript uses two functions that Node 23 took from `util`; small models
 * are twice as fast without oneDNN's kernels and on one thread, and what the user has set stays.
 */
function prepareNode(): void {
  const util = require('node:util');
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  process.env.TF_ENABLE_ONEDNN_OPTS ??= '0';
  process.env.TF_NUM_INTRAOP_THREADS ??= '1';
}
