/**
 * From a validated query to its answer: finds the stream, the history and the live model, asks the forecaster, and
 * writes the answer. The POST route, batches and event streams all come here. Knows nothing of HTTP but its problems.
 */
import type { Forecast, History } from '../model/forecast-types.ts';
import type { AppParts, LiveModel, ModelLease, ServedStream } from './app-parts.ts';
import { askedTimes, checkTimeChoice } from './asked-times.ts';
import { forecastAnswer } from './forecast-answer.ts';
import { inlineHistory, type Row, storeHistory } from './history.ts';
import { Problem } from './problem.ts';
import type { AskedTime } from './schemas/common.ts';
import { DEFAULT_POINTS, type ForecastAnswer, type ForecastInput } from './schemas/forecast.ts';
import { formatTime } from './time.ts';

/** Most numbers that one response may hold, a batch's together: about 20 MB of JSON. */
const MAX_NUMBERS = 1_000_000;
/**
 * Most work of one response: times × channels × (mean and quantiles) × samples, some tens of seconds of one core. It
 * admits ten thousand times of four channels with three quantiles at 256 samples.
 */
const MAX_COMPONENTS = 50_000_000;

/** What the queries of one request share. */
export interface RequestScope {
  /**
   * The model of a stream, the same for every query of the request: a swap does not fall between two of a batch.
   * @throws Problem `no-model`
   */
  model(stream: string): LiveModel;
  /** Counts numbers of the answer and components that they are computed from. @throws Problem `answer-too-large` */
  spend(numbers: number, components: number): void;
  /** Lets the models go. */
  close(): void;
}

export function openScope({ models }: Pick<AppParts, 'models'>): RequestScope {
  const leases = new Map<string, ModelLease>();
  let left = MAX_NUMBERS;
  let workLeft = MAX_COMPONENTS;
  return {
    model(stream) {
      const lease = leases.get(stream) ?? models.acquire(stream);
      if (lease === undefined) throw noModel(stream);
      leases.set(stream, lease);
      return lease.model;
    },
    spend(numbers, components) {
      if (numbers > left) throw answerTooLarge(numbers, left);
      if (components > workLeft) throw tooMuchWork(components, workLeft);
      left -= numbers;
      workLeft -= components;
    },
    close: () => {
      for (const lease of leases.values()) lease.release();
    },
  };
}

function answerTooLarge(numbers: number, left: number): Problem {
  const room = left === MAX_NUMBERS ? `at most ${MAX_NUMBERS}` : `of ${MAX_NUMBERS} a response ${left} are left`;
  const detail = `The answer would hold ${numbers} numbers, ${room}; ask for fewer times, channels, quantiles or samples.`;
  return new Problem('answer-too-large', detail);
}

function tooMuchWork(components: number, left: number): Problem {
  const room = left === MAX_COMPONENTS ? `at most ${left}` : `of ${MAX_COMPONENTS} a response ${left} are left`;
  const detail = `The answer would take ${components} components (times × channels × quantiles and mean × samples), ${room}; ask for fewer.`;
  return new Problem('answer-too-large', detail);
}

function noModel(stream: string): Problem {
  return new Problem(
    'no-model',
    `The first model of ${stream} is still in training; ask again after Retry-After seconds.`,
  );
}

export function findStream(parts: Pick<AppParts, 'streams'>, name: string): ServedStream {
  const stream = parts.streams.find(({ spec }) => spec.name === name);
  if (stream !== undefined) return stream;
  const known = parts.streams.map(({ spec }) => spec.name).join(', ');
  throw new Problem('unknown-stream', `There is no stream ${quoted(name)}; there are: ${known}.`, { field: '/stream' });
}

/** A name in a sentence, cut to a readable length. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

type ServiceParts = Pick<AppParts, 'streams' | 'store' | 'limits' | 'clock' | 'metrics'>;

/** Answers one query and measures it. How a query fails is counted where the problem is answered. @throws Problem */
export async function answerForecast(
  parts: ServiceParts,
  scope: RequestScope,
  input: ForecastInput,
): Promise<ForecastAnswer> {
  const { metrics, clock } = parts;
  const started = clock.now();
  const answer = await forecast(parts, scope, input);
  metrics.count('forecast_requests_total', { outcome: answer.solver.status });
  metrics.observe('forecast_duration_seconds', Math.max(0, clock.now() - started) / 1000);
  metrics.observe('solver_function_evaluations', answer.solver.functionEvaluations, { direction: 'forward' });
  return answer;
}

/** Counts a query that was answered with a problem, whoever answered it. */
export function countProblem({ metrics }: Pick<AppParts, 'metrics'>, { code }: Problem): void {
  metrics.count('forecast_requests_total', { outcome: code });
}

async function forecast(parts: ServiceParts, scope: RequestScope, input: ForecastInput): Promise<ForecastAnswer> {
  const stream = findStream(parts, input.stream);
  checkTimeChoice(input);
  const channels = wantedChannels(stream, input.channels);
  const { history, last } = findHistory(parts, stream, input);
  checkStaleness(input, last, parts.clock.now());
  const times = askedTimes(input, last, { limit: parts.limits.timesPerQuery, defaultPoints: DEFAULT_POINTS });
  const quantiles = [...new Set(input.quantiles)];
  const columns = 1 + quantiles.length;
  const values = times.length * channels.length;
  const components = times.length * stream.spec.channels.length * columns * input.samples;
  scope.spend(values * (columns + (input.returnSamples ? input.samples : 0)), components);
  const model = scope.model(stream.spec.name);
  const result = await askForecaster(model, history, input, times, quantiles);
  return forecastAnswer({
    stream: input.stream,
    series: input.series,
    times,
    quantiles,
    channels,
    model,
    forecast: result,
  });
}

function askForecaster(
  model: LiveModel,
  history: History,
  { samples, returnSamples }: ForecastInput,
  times: readonly AskedTime[],
  quantiles: readonly number[],
): Promise<Forecast> {
  return model.forecaster.forecast(history, { times: times.map(({ ms }) => ms), quantiles, samples, returnSamples });
}

function wantedChannels({ spec }: ServedStream, asked: readonly string[] | undefined): readonly string[] {
  asked?.forEach((name, i) => {
    if (!spec.channels.includes(name)) throw unknownChannel(spec, name, `/channels/${i}`);
  });
  return asked === undefined ? spec.channels : [...new Set(asked)];
}

function unknownChannel(spec: ServedStream['spec'], name: string, field: string): Problem {
  const detail = `${spec.name} has no channel ${quoted(name)}; its channels are: ${spec.channels.join(', ')}.`;
  return new Problem('unknown-channel', detail, { field });
}

interface FoundHistory {
  readonly history: History;
  /** ms of its last event */
  readonly last: number;
}

function findHistory(parts: ServiceParts, stream: ServedStream, input: ForecastInput): FoundHistory {
  const history = input.history === undefined ? stored(parts, stream, input) : inline(stream, input);
  if (history.bounds !== undefined) return { history, last: history.bounds.last };
  const cut = input.asOf === undefined ? '' : ` at or before ${formatTime(input.asOf.ms)}`;
  throw new Problem(
    'no-observations',
    `There is no observation${cut}; ask with a later \`asOf\` or give a \`history\`.`,
    {
      field: input.asOf === undefined ? '/history' : '/asOf',
    },
  );
}

function stored({ store }: ServiceParts, { spec }: ServedStream, { series, asOf }: ForecastInput): History {
  if (series === undefined)
    throw new Problem('invalid-request', 'Name the `series` to forecast, or give its observations as `history`.', {
      field: '/series',
    });
  if (store.series(spec.name, series) === undefined) throw unknownSeries(spec.name, series);
  return storeHistory(store, spec.name, series, asOf?.ms);
}

export function unknownSeries(stream: string, series: string): Problem {
  const detail = `Nothing was ever observed of ${quoted(series)} in ${stream}; send its events first, or forecast from an inline \`history\`.`;
  return new Problem('unknown-series', detail, { field: '/series' });
}

function inline({ spec }: ServedStream, { history = [], asOf }: ForecastInput): History {
  const rows = history.map(({ time, values }, i): Row => {
    const unknown = Object.keys(values).find((name) => !spec.channels.includes(name));
    if (unknown !== undefined) throw unknownChannel(spec, unknown, `/history/${i}/values`);
    const at = (name: string) => (Object.hasOwn(values, name) ? (values[name] ?? Number.NaN) : Number.NaN);
    return { time: time.ms, values: Float64Array.from(spec.channels, at) };
  });
  const observed = rows.filter(({ values }) => values.some((value) => !Number.isNaN(value)));
  return inlineHistory(observed, spec.channels.length, asOf?.ms);
}

function checkStaleness({ maxStalenessMs, asOf }: ForecastInput, last: number, now: number): void {
  const age = (asOf?.ms ?? now) - last;
  if (maxStalenessMs === undefined || age <= maxStalenessMs) return;
  const detail = `The newest event is of ${formatTime(last)}, older than the ${maxStalenessMs} ms allowed; send newer events or allow more.`;
  throw new Problem('stale-history', detail, { field: '/maxStalenessMs' });
}
