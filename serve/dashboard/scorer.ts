/** Asks for a forecast of the future of a series whose truth is known, and puts both side by side. */
import { BANDS, type StreamInfo } from './answers.ts';
import { type Api, ApiProblem } from './api.ts';
import { pointsOf } from './picture.ts';
import type { ScoredColumn } from './running-error.ts';

const TIMES = 20;
const EIGHTY = BANDS[1];

/** Columns over the whole horizon after `lastEvent`; undefined where the server knows no truth. */
export async function scoreFuture(
  api: Api,
  stream: StreamInfo,
  series: string,
  lastEvent: number,
): Promise<readonly ScoredColumn[] | undefined> {
  if (!stream.simulated) return undefined;
  const step = stream.horizonMs / TIMES;
  const future = { from: lastEvent + step, to: lastEvent + stream.horizonMs };
  const truth = await api.truth(stream.name, series, future, step).catch(undefinedIfUnknown);
  if (!truth || truth.times.length === 0) return undefined;
  const past = { from: lastEvent - stream.horizonMs, to: lastEvent };
  const body = { stream: stream.name, series, times: truth.times, quantiles: [EIGHTY.low, EIGHTY.high] };
  const [seen, forecast] = await Promise.all([api.observations(stream.name, series, past), api.forecast(body)]);
  return Object.entries(forecast.channels).map(([channel, { mean, quantiles }]) => ({
    mean,
    low80: quantiles[EIGHTY.low],
    high80: quantiles[EIGHTY.high],
    truth: truth.values[channel] ?? [],
    lastValue: pointsOf(seen, channel).at(-1)?.value,
  }));
}

function undefinedIfUnknown(cause: unknown): undefined {
  if (cause instanceof ApiProblem && cause.status === 404) return undefined;
  throw cause;
}
