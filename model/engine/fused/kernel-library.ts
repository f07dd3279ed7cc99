/**
 * One instance of the kernels: an arena of four-byte cells, and jobs that are described in it. What the operations are and
 * what their descriptors hold is said in model/kernels/job.h. Not here: which build is taken (`kernels.ts`).
 */
import { EngineError, require } from '../engine-error.ts';

export interface Kernels {
  readonly kind: 'native' | 'wasm';
  /** What was chosen and why not the others, for a log: no full stop. */
  readonly description: string;
  /** Trajectories that one tile solves side by side. */
  readonly lanes: number;
  /** Floats in one vector; rows are padded to it. */
  readonly vectorLength: number;
  /** Views of the arena, which begins at a multiple of 64 bytes. Re-read them after `reserve`, which may move it. */
  readonly floats: Float32Array;
  readonly ints: Int32Array;
  /**
   * Makes the arena hold at least so many cells. What it held is lost when it grows. It never shrinks.
   * @throws EngineError `bad-batch` when the machine does not give so much memory.
   */
  reserve(cells: number): void;
  /** Runs the job whose descriptor begins at the cell `job`; what comes back is the operation's own status. */
  run(operation: number, job: number): number;
}

/** The number of job.h that this side packs descriptors for. */
export const KERNEL_ABI = 4;

/** Where an arena begins, in bytes: a cache line, and the widest vector. */
export const ALIGNMENT = 64;

const FIRST_CELLS = 1024;

/** A build that has been loaded, before it has an arena. */
export interface LoadedBuild {
  readonly kind: Kernels['kind'];
  /** Which it is. */
  readonly description: string;
  readonly abi: number;
  readonly lanes: number;
  readonly vectorLength: number;
  /** Memory for so many cells, from an aligned `start` in bytes on. @throws RangeError when there is not so much. */
  allocate(cells: number): { readonly buffer: ArrayBuffer; readonly start: number };
  run(arena: Int32Array, operation: number, job: number): number;
}

/** @throws EngineError `no-engine` unless the build is the one that these sources were written for. */
export function createKernels(build: LoadedBuild, description: string): Kernels {
  checkShape(build);
  return new ArenaKernels(build, description);
}

function checkShape({ description, abi, lanes, vectorLength }: LoadedBuild): void {
  const sound = vectorLength >= 1 && lanes >= vectorLength && lanes % vectorLength === 0;
  const found = `${description}: ABI ${abi}, ${lanes} lanes of vectors of ${vectorLength}; ABI ${KERNEL_ABI} is wanted`;
  require(sound && abi === KERNEL_ABI, 'no-engine', () => `kernels are stale; run npm run build:kernels (${found})`);
}

class ArenaKernels implements Kernels {
  floats = new Float32Array();
  ints = new Int32Array();
  readonly description: string;
  readonly #build: LoadedBuild;

  constructor(build: LoadedBuild, description: string) {
    this.#build = build;
    this.description = description;
    this.reserve(FIRST_CELLS);
  }

  get kind(): Kernels['kind'] {
    return this.#build.kind;
  }

  get lanes(): number {
    return this.#build.lanes;
  }

  get vectorLength(): number {
    return this.#build.vectorLength;
  }

  reserve(cells: number): void {
    require(Number.isSafeInteger(cells) && cells >= 0, 'bad-batch', () => `An arena cannot have ${cells} cells.`);
    if (cells <= this.ints.length) return;
    const { buffer, start } = allocate(this.#build, cells);
    this.floats = new Float32Array(buffer, start, cells);
    this.ints = new Int32Array(buffer, start, cells);
  }

  run(operation: number, job: number): number {
    const cells = this.ints.length;
    const inside = Number.isInteger(operation) && operation >= 0 && Number.isInteger(job) && job >= 0 && job < cells;
    require(inside, 'bad-batch', () =>
      `Job ${job} of operation ${operation} is not inside the arena of ${cells} cells.`);
    return this.#build.run(this.ints, operation, job);
  }
}

function allocate(build: LoadedBuild, cells: number): { readonly buffer: ArrayBuffer; readonly start: number } {
  try {
    return build.allocate(cells);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const size = `${Math.ceil((cells * 4) / 2 ** 20)} MiB`;
    throw new EngineError('bad-batch', `A batch needs ${size} of memory, more than can be had; take smaller batches.`);
  }
}
