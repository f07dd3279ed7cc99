/** A dense matrix factored with partial pivoting, for Newton steps on small systems. Row-major; not for thousands. */
export interface Factorization {
  /** x with A·x = b. */
  solve(b: Float64Array): Float64Array;
  /** x with Aᵀ·x = b. */
  solveTransposed(b: Float64Array): Float64Array;
}

/** [n, n] → P·A = L·U. A singular matrix gives solutions that are not finite, which rejects the step. */
export function factorize(matrix: Float64Array, n: number): Factorization {
  const lu = matrix.slice();
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let column = 0; column < n; column++) eliminate(lu, order, n, column);
  return {
    solve: (b) => backward(lu, n, forward(lu, n, order, b)),
    solveTransposed: (b) => solveTransposed(lu, n, order, b),
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
  [order[a], order[b]] = [order[b], order[a]];
  for (let j = 0; j < n; j++) [lu[a * n + j], lu[b * n + j]] = [lu[b * n + j], lu[a * n + j]];
}

function forward(lu: Float64Array, n: number, order: Int32Array, b: Float64Array): Float64Array {
  const x = Float64Array.from(order, (row) => b[row]);
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) x[i] -= lu[i * n + j] * x[j];
  return x;
}

function backward(lu: Float64Array, n: number, x: Float64Array): Float64Array {
  for (let i = n - 1; i >= 0; i--) {
    for (let j = i + 1; j < n; j++) x[i] -= lu[i * n + j] * x[j];
    x[i] /= lu[i * n + i];
  }
  return x;
}

function solveTransposed(lu: Float64Array, n: number, order: Int32Array, b: Float64Array): Float64Array {
  const x = b.slice();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) x[i] -= lu[j * n + i] * x[j];
    x[i] /= lu[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) for (let j = i + 1; j < n; j++) x[i] -= lu[j * n + i] * x[j];
  const solution = new Float64Array(n);
  order.forEach((row, i) => {
    solution[row] = x[i];
  });
  return solution;
}
