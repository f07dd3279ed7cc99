/** A dense matrix factored with partial pivoting, for Newton steps on small systems. Row-major; not for thousands. */
export interface Factorization {
  /** Factors another matrix of the same size in the same buffers. A singular one gives solutions that are not finite, which rejects the step. */
  refactor(matrix: Float64Array): void;
  /** x with A·x = b; `into` is overwritten with x and must not be b. */
  solve(b: Float64Array, into?: Float64Array): Float64Array;
  /** x with Aᵀ·x = b; `into` is overwritten with x and must not be b. */
  solveTransposed(b: Float64Array, into?: Float64Array): Float64Array;
}

/** [n, n] → P·A = L·U. */
export function factorize(matrix: Float64Array, n: number): Factorization {
  const lu = new Float64Array(n * n);
  const order = new Int32Array(n);
  const scratch = new Float64Array(n);
  const refactor = (next: Float64Array): void => {
    lu.set(next);
    for (let i = 0; i < n; i++) order[i] = i;
    for (let column = 0; column < n; column++) eliminate(lu, order, n, column);
  };
  refactor(matrix);
  return {
    refactor,
    solve: (b, into = new Float64Array(n)) => solve(lu, n, order, b, into),
    solveTransposed: (b, into = new Float64Array(n)) => solveTransposed(lu, n, order, b, into, scratch),
  };
}

function eliminate(lu: Float64Array, order: Int32Array, n: number, column: number): void {
  let pivot = column;
  for (let i = column + 1; i < n; i++) {
    if (Math.abs(lu[i * n + column]) > Math.abs(lu[pivot * n + column])) pivot = i;
  }
  if (pivot !== column) swapRows(lu, order, n, pivot, column);
  for (let i = column + 1; i < n; i++) {
    const factor = lu[i * n + column] / lu[column * n + column];
    lu[i * n + column] = factor;
    if (factor === 0) continue;
    for (let j = column + 1; j < n; j++) lu[i * n + j] -= factor * lu[column * n + j];
  }
}

function swapRows(lu: Float64Array, order: Int32Array, n: number, a: number, b: number): void {
  const row = order[a];
  order[a] = order[b];
  order[b] = row;
  for (let j = 0; j < n; j++) {
    const value = lu[a * n + j];
    lu[a * n + j] = lu[b * n + j];
    lu[b * n + j] = value;
  }
}

function solve(lu: Float64Array, n: number, order: Int32Array, b: Float64Array, x: Float64Array): Float64Array {
  for (let i = 0; i < n; i++) {
    x[i] = b[order[i]];
    for (let j = 0; j < i; j++) x[i] -= lu[i * n + j] * x[j];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let j = i + 1; j < n; j++) x[i] -= lu[i * n + j] * x[j];
    x[i] /= lu[i * n + i];
  }
  return x;
}

function solveTransposed(
  lu: Float64Array,
  n: number,
  order: Int32Array,
  b: Float64Array,
  solution: Float64Array,
  x: Float64Array,
): Float64Array {
  x.set(b);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) x[i] -= lu[j * n + i] * x[j];
    x[i] /= lu[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) for (let j = i + 1; j < n; j++) x[i] -= lu[j * n + i] * x[j];
  for (let i = 0; i < n; i++) solution[order[i]] = x[i];
  return solution;
}
