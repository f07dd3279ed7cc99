/** ∂f/∂y of a host field as a dense matrix, and the systems that implicit steps solve with it. Buffers are made once. */
import { factorize } from './dense-lu.ts';
import type { JacobianSource, Linearization } from './state-space.ts';

type Vector = Float64Array;

const SQRT_EPSILON = Math.sqrt(Number.EPSILON);

/** For states of n components. */
export function denseLinearization(n: number): Linearization<Vector> {
  const jacobian = new Float64Array(n * n);
  const shifted = new Float64Array(n * n);
  const fill = createFill(n, jacobian);
  const factors = factorize(shifted, n);
  return {
    update: fill,
    shift: (scale) => {
      for (let i = 0; i < shifted.length; i++) shifted[i] = -scale * jacobian[i];
      for (let i = 0; i < n; i++) shifted[i * n + i] += 1;
      factors.refactor(shifted);
    },
    solve: factors.solve,
    solveTransposed: factors.solveTransposed,
  };
}

function createFill(n: number, jacobian: Vector): (source: JacobianSource<Vector>, y: Vector) => void {
  const [direction, slope, ahead, moved] = [0, 1, 2, 3].map(() => new Float64Array(n));
  const setColumn = (j: number, column: Vector): void => {
    for (let i = 0; i < n; i++) jacobian[i * n + j] = column[i];
  };
  const exact = (product: (y: Vector, direction: Vector) => Vector, y: Vector): void => {
    for (let j = 0; j < n; j++) {
      direction.fill(0);
      direction[j] = 1;
      setColumn(j, product(y, direction));
    }
  };
  /** Forward differences, one evaluation a component and one more. */
  const differences = (source: JacobianSource<Vector>, y: Vector): void => {
    // Not a slope that Newton's method left: its residual, over so small a difference, would drown the derivative.
    slope.set(source.evaluate(y, slope));
    moved.set(y);
    for (let j = 0; j < n; j++) {
      moved[j] = y[j] + SQRT_EPSILON * Math.max(Math.abs(y[j]), 1e-4);
      const step = moved[j] - y[j];
      const next = source.evaluate(moved, ahead);
      for (let i = 0; i < n; i++) direction[i] = (next[i] - slope[i]) / step;
      setColumn(j, direction);
      moved[j] = y[j];
    }
  };
  return (source, y) => (source.product === undefined ? differences(source, y) : exact(source.product, y));
}
