/** Asks the server for all that a picture of one series over one range shows, in three requests side by side. */
import { type Columns, type ForecastAnswer, QUANTILES, type StreamInfo } from './answers.ts';
import { type Api, ApiProblem } from './api.ts';
import { gridTimes, span, type TimeRange } from './time-range.ts';

export interface Subject {
  readonly api: Api;
  readonly stream: StreamInfo;
  readonly series: string;
}

export interface Loaded {
  readonly observations: Columns;
  /** Undefined where it is not known. */
  readonly truth: Columns | undefined;
  /** Undefined where there is a problem. */
  readonly forecast: ForecastAnswer | undefined;
  readonly problem: ApiProblem | undefined;
}

/** Of a forecast over any range. */
const TIMES = 200;

/** @param also times that the forecast must be asked for where they are in the range */
export async function loadPicture(
  { api, stream: { name, simulated }, series }: Subject,
  range: TimeRange,
  also: readonly number[],
  signal: AbortSignal,
): Promise<Loaded> {
  const body = { stream: name, series, times: gridTimes(range, TIMES, also), quantiles: QUANTILES };
  const [observations, truth, forecast] = await Promise.all([
    api.observations(name, series, range, signal),
    simulated ? api.truth(name, series, range, span(range) / TIMES, signal).catch(problemOnly) : undefined,
    api.forecast(body, signal).catch(problemOnly),
  ]);
  return {
    observations,
    truth: truth instanceof ApiProblem ? undefined : truth,
    ...(forecast instanceof ApiProblem ? { forecast: undefined, problem: forecast } : { forecast, problem: undefined }),
  };
}

function problemOnly(cause: unknown): ApiProblem {
  if (cause instanceof ApiProblem) return cause;
  throw cause;
}
