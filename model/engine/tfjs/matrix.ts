/**
 * The one kind of tensor that the model needs, and who frees it. Every state, weight and activation is a matrix whose
 * rows are trajectories (or observations), so nothing here knows of ranks or broadcasting.
 */
import type { TensorInfo } from '@tensorflow/tfjs';

/** [rows, columns] f32 on the device, row-major, immutable. */
export class Matrix {
  readonly info: TensorInfo;
  readonly rows: number;
  readonly columns: number;
  released = false;

  constructor(info: TensorInfo, rows: number, columns: number) {
    this.info = info;
    this.rows = rows;
    this.columns = columns;
  }
}

/** Who owns the matrices made inside a piece of work: its scope, unless the work returns them. */
export class Arena {
  readonly #free: (info: TensorInfo) => void;
  readonly #scopes: Matrix[][] = [];

  constructor(free: (info: TensorInfo) => void) {
    this.#free = free;
  }

  /** Outside all scopes a matrix is the caller's to release. */
  track(info: TensorInfo, rows: number, columns: number): Matrix {
    const matrix = new Matrix(info, rows, columns);
    this.#scopes.at(-1)?.push(matrix);
    return matrix;
  }

  release(matrix: Matrix): void {
    if (matrix.released) return;
    matrix.released = true;
    this.#free(matrix.info);
  }

  /** Frees what the work made, except what arrays and plain objects lead to from its result. */
  scope<T>(work: () => T): T {
    const made: Matrix[] = [];
    const depth = this.#scopes.push(made);
    const kept = new Set<Matrix>();
    try {
      const result = work();
      collect(result, kept);
      return result;
    } finally {
      this.#scopes.length = depth - 1;
      this.#settle(made, kept);
    }
  }

  #settle(made: readonly Matrix[], kept: ReadonlySet<Matrix>): void {
    const parent = this.#scopes.at(-1);
    for (const matrix of made) {
      if (matrix.released) continue;
      if (kept.has(matrix)) parent?.push(matrix);
      else this.release(matrix);
    }
  }
}

function collect(value: unknown, into: Set<Matrix>): void {
  if (value instanceof Matrix) into.add(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, into);
  else if (isPlainObject(value)) for (const key in value) collect(value[key], into);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
