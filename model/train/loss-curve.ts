/** The course of the loss in a bounded number of points: when it is full, neighbours are joined and points get coarser. */

export interface LossCurve {
  /** [step, mean loss of the steps since the point before] */
  readonly points: readonly (readonly [number, number])[];
  /** Steps a point. */
  readonly stride: number;
  /** Of the steps since the last point. */
  readonly sum: number;
  readonly count: number;
}

const MAX_POINTS = 400;

export function initLossCurve(): LossCurve {
  return { points: [], stride: 1, sum: 0, count: 0 };
}

export function addLoss(curve: LossCurve, step: number, loss: number): LossCurve {
  const sum = curve.sum + loss;
  const count = curve.count + 1;
  if (count < curve.stride) return { ...curve, sum, count };
  const points = [...curve.points, [step, sum / count] as const];
  if (points.length < MAX_POINTS) return { points, stride: curve.stride, sum: 0, count: 0 };
  return { points: joinNeighbours(points), stride: 2 * curve.stride, sum: 0, count: 0 };
}

function joinNeighbours(points: LossCurve['points']): LossCurve['points'] {
  return points.flatMap(([step, loss], i) => (i % 2 ? [[step, (loss + points[i - 1][1]) / 2] as const] : []));
}
