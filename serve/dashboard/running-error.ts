/**
 * The error of forecasts against a known truth, accumulated while the page is open: the root mean squared error of the
 * mean and the share of truth inside the 80 % interval, beside what repeating the last value would give. Pure.
 */

export interface RunningError {
  readonly forecasts: number;
  readonly points: number;
  readonly squared: number;
  readonly inside: number;
  readonly naivePoints: number;
  readonly naiveSquared: number;
  /** RMSE of each forecast, newest last, at most `REMEMBERED`. */
  readonly recent: readonly number[];
}

/** Columns of one forecast over future times of one channel; truth is null where it is not defined. */
export interface ScoredColumn {
  readonly mean: readonly number[];
  readonly low80: readonly number[];
  readonly high80: readonly number[];
  readonly truth: readonly (number | null)[];
  readonly lastValue: number | undefined;
}

const REMEMBERED = 60;

export const NO_ERROR: RunningError = {
  forecasts: 0,
  points: 0,
  squared: 0,
  inside: 0,
  naivePoints: 0,
  naiveSquared: 0,
  recent: [],
};

/** Adds one forecast of all its channels. A forecast with no truth to compare with changes nothing. */
export function addForecast(error: RunningError, columns: readonly ScoredColumn[]): RunningError {
  let [points, squared, inside, naivePoints, naiveSquared] = [0, 0, 0, 0, 0];
  for (const { mean, low80, high80, truth, lastValue } of columns) {
    for (const [i, value] of truth.entries()) {
      if (value === null || !Number.isFinite(mean[i])) continue;
      points += 1;
      squared += (mean[i] - value) ** 2;
      inside += value >= low80[i] && value <= high80[i] ? 1 : 0;
      if (lastValue === undefined) continue;
      naivePoints += 1;
      naiveSquared += (lastValue - value) ** 2;
    }
  }
  if (points === 0) return error;
  return {
    forecasts: error.forecasts + 1,
    points: error.points + points,
    squared: error.squared + squared,
    inside: error.inside + inside,
    naivePoints: error.naivePoints + naivePoints,
    naiveSquared: error.naiveSquared + naiveSquared,
    recent: [...error.recent, Math.sqrt(squared / points)].slice(-REMEMBERED),
  };
}

export interface ErrorSummary {
  readonly rmse: number;
  readonly coverage80: number;
  readonly naiveRmse: number | undefined;
}

export function summarise(error: RunningError): ErrorSummary | undefined {
  if (error.points === 0) return undefined;
  return {
    rmse: Math.sqrt(error.squared / error.points),
    coverage80: error.inside / error.points,
    naiveRmse: error.naivePoints === 0 ? undefined : Math.sqrt(error.naiveSquared / error.naivePoints),
  };
}
