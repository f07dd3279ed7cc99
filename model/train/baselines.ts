/**
 * What every model must beat, on the same windows: last value, linear interpolation, seasonal naive, and a local-level
 * Kalman filter with irregular steps. Each says a mean and a standard deviation, so that the CRPS is comparable. Fitted on
 * windows of the training data only.
 */
import type { ChannelNormalisation } from '../artifact-format.ts';
import { rowAt } from './pool.ts';
import type { ScoringWindow } from './windows.ts';

/** [T, D] over a window's targets. */
export interface BaselineForecast {
  readonly mean: Float64Array;
  readonly scale: Float64Array;
}

export interface Baseline {
  readonly name: string;
  /** Whether it can answer inside the context too. */
  readonly interpolates: boolean;
  predict(window: ScoringWindow): BaselineForecast;
}

export interface BaselineTask {
  readonly extrapolation: readonly ScoringWindow[];
  readonly interpolation: readonly ScoringWindow[];
  readonly channels: readonly ChannelNormalisation[];
  readonly periodsMs: readonly number[];
  readonly horizonMs: number;
}

export function fitBaselines(task: BaselineTask): Baseline[] {
  const seasonal = task.periodsMs.map((period) => ({
    name: `seasonal naive ${inWords(period)}`,
    interpolates: false,
    point: seasonalNaive(period),
  }));
  return [
    withScale({ name: 'last value', interpolates: true, point: lastValue }, task),
    withScale({ name: 'linear', interpolates: true, point: linear }, task),
    ...seasonal.map((rule) => withScale(rule, task)),
    localLevel(task),
  ];
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** The largest unit that is not longer than the period. */
function inWords(periodMs: number): string {
  const [unit, ms] = UNITS.find(([, length]) => periodMs >= length) ?? ['ms', 1];
  return `${Number((periodMs / ms).toFixed(3))} ${unit}`;
}

/** The value of a channel at a time, or undefined where the rule has nothing to go by. */
type PointRule = (window: ScoringWindow, channel: number, time: number) => number | undefined;

interface Rule {
  readonly name: string;
  readonly interpolates: boolean;
  readonly point: PointRule;
}

const lastValue: PointRule = ({ context }, channel, time) => {
  const row = nearestSeen(context, channel, rowAt(context.times, time) - 1, -1);
  return row === undefined ? undefined : context.values[row * context.channels + channel];
};

const linear: PointRule = (window, channel, time) => {
  const { context } = window;
  const above = nearestSeen(context, channel, rowAt(context.times, time), 1);
  const below = nearestSeen(context, channel, rowAt(context.times, time) - 1, -1);
  const value = (row: number) => context.values[row * context.channels + channel];
  if (above === undefined || below === undefined) return lastValue(window, channel, time);
  const share = (time - context.times[below]) / (context.times[above] - context.times[below]);
  return value(below) + share * (value(above) - value(below));
};

/** How far from a whole period ago a value may be and still stand for it. */
const SEASONAL_TOLERANCE = 0.125;
const MAX_SEASONS = 3;

/** The nearest value to a whole number of periods ago, out of all that was known of the series at the window's end. */
function seasonalNaive(period: number): PointRule {
  return (window, channel, time) => {
    const { columns, row } = window.place;
    const first = Math.max(1, Math.ceil((time - columns.times[row]) / period));
    for (let k = first; k < first + MAX_SEASONS; k++) {
      const found = valueNear(window, channel, time - k * period, SEASONAL_TOLERANCE * period);
      if (found !== undefined) return found;
    }
    return lastValue(window, channel, time);
  };
}

function valueNear(
  { place: { columns, row } }: ScoringWindow,
  channel: number,
  time: number,
  tolerance: number,
): number | undefined {
  const at = Math.min(row + 1, rowAt(columns.times, time));
  const candidates = [nearestSeen(columns, channel, at - 1, -1), nearestSeen(columns, channel, at, 1, row)];
  const distance = (r: number) => Math.abs(columns.times[r] - time);
  const [nearest] = candidates.filter((r) => r !== undefined).sort((a, b) => distance(a) - distance(b));
  if (nearest === undefined || distance(nearest) > tolerance) return undefined;
  return columns.values[nearest * columns.channels + channel];
}

interface Rows {
  readonly channels: number;
  readonly times: Float64Array;
  readonly mask: Uint8Array;
}

/** The next row from `row` on in the direction where the channel was seen. */
function nearestSeen(
  rows: Rows,
  channel: number,
  row: number,
  direction: 1 | -1,
  last = rows.times.length - 1,
): number | undefined {
  for (let r = row; r >= 0 && r <= last; r += direction) {
    if (rows.mask[r * rows.channels + channel]) return r;
  }
  return undefined;
}

/** Lead bins of the fitted errors: 0 is interpolation, then equal parts of the horizon. */
const LEAD_BINS = 4;
/** A baseline that was never wrong is still not certain. */
const MIN_SCALE_SHARE = 1e-3;
/** As if so many errors of the size of the channel's scale had been seen. */
const SCALE_SHRINKAGE = 1;

/** The standard deviation at a lead is the root mean square of the rule's errors at such leads in the training data. */
function withScale({ name, interpolates, point }: Rule, task: BaselineTask): Baseline {
  const binOf = (window: ScoringWindow, time: number) => leadBin(window, time, task.horizonMs);
  const windows = [...task.extrapolation, ...(interpolates ? task.interpolation : [])];
  const mean = (window: ScoringWindow) =>
    eachTarget(window, (time, c) => point(window, c, time) ?? task.channels[c].location);
  const scales = task.channels.map(({ scale }, c) => errorsByBin(windows, c, scale, mean, binOf));
  const predict = (window: ScoringWindow): BaselineForecast => ({
    mean: mean(window),
    scale: eachTarget(window, (time, c) => scales[c][binOf(window, time)]),
  });
  return { name, interpolates, predict };
}

function leadBin({ context, place }: ScoringWindow, time: number, horizonMs: number): number {
  const lead = time - Math.max(place.columns.times[place.row], context.times[context.times.length - 1]);
  return lead <= 0 ? 0 : Math.min(LEAD_BINS, 1 + Math.floor((LEAD_BINS * lead) / horizonMs));
}

function errorsByBin(
  windows: readonly ScoringWindow[],
  channel: number,
  scale: number,
  mean: (window: ScoringWindow) => Float64Array,
  binOf: (window: ScoringWindow, time: number) => number,
): number[] {
  const squares = new Array<number>(LEAD_BINS + 1).fill(SCALE_SHRINKAGE * scale ** 2);
  const counts = new Array<number>(LEAD_BINS + 1).fill(SCALE_SHRINKAGE);
  for (const window of windows) {
    const { targets } = window;
    const means = mean(window);
    targets.times.forEach((time, row) => {
      const i = row * targets.channels + channel;
      if (!targets.mask[i]) return;
      squares[binOf(window, time)] += (targets.values[i] - means[i]) ** 2;
      counts[binOf(window, time)]++;
    });
  }
  return squares.map((sum, bin) => Math.max(Math.sqrt(sum / counts[bin]), MIN_SCALE_SHARE * scale));
}

/**
 * x(t) a random walk with variance q a ms, seen with noise of variance r (Harvey 1989, section 4.1, with irregular steps).
 * q and r by moments: the mean square of a difference over a gap Δ is 2r + qΔ, so a line through them gives both.
 */
function localLevel({ extrapolation, channels }: BaselineTask): Baseline {
  const variances = channels.map(({ scale }, c) => fitLocalLevel(extrapolation, c, scale));
  const predict = (window: ScoringWindow): BaselineForecast => {
    const levels = channels.map((channel, c) => filterLevel(window, c, channel, variances[c]));
    return {
      mean: eachTarget(window, (_, c) => levels[c].mean),
      scale: eachTarget(window, (time, c) =>
        Math.sqrt(levels[c].variance + variances[c].drift * (time - levels[c].time) + variances[c].noise),
      ),
    };
  };
  return { name: 'local level', interpolates: false, predict };
}

interface LocalLevel {
  /** q, a ms */
  readonly drift: number;
  /** r */
  readonly noise: number;
}

const MAX_LAG = 6;

function fitLocalLevel(windows: readonly ScoringWindow[], channel: number, scale: number): LocalLevel {
  const pairs = windows.flatMap((window) => squaredDifferences(window, channel));
  const mean = (of: (p: readonly [number, number]) => number) =>
    pairs.reduce((s, p) => s + of(p), 0) / (pairs.length || 1);
  const [gap, square] = [mean((p) => p[0]), mean((p) => p[1])];
  const spread = mean((p) => (p[0] - gap) ** 2);
  const slope = spread > 0 ? mean((p) => (p[0] - gap) * (p[1] - square)) / spread : 0;
  const steepest = gap > 0 ? square / gap : 0;
  const drift = Math.min(Math.max(slope, 0), steepest);
  const least = (MIN_SCALE_SHARE * scale) ** 2;
  return { drift, noise: Math.max((square - drift * gap) / 2, least) };
}

/** [gap in ms, squared difference] of observations of the channel that are at most `MAX_LAG` apart. */
function squaredDifferences({ context }: ScoringWindow, channel: number): [number, number][] {
  const { channels, times, values, mask } = context;
  const seen = Array.from(times.keys()).filter((row) => mask[row * channels + channel]);
  return seen.flatMap((row, i) =>
    seen.slice(i + 1, i + 1 + MAX_LAG).map((later): [number, number] => {
      const difference = values[later * channels + channel] - values[row * channels + channel];
      return [times[later] - times[row], difference ** 2];
    }),
  );
}

function filterLevel(
  { context }: ScoringWindow,
  channel: number,
  { location, scale }: ChannelNormalisation,
  { drift, noise }: LocalLevel,
) {
  const { channels, times, values, mask } = context;
  let [mean, variance, time] = [location, 100 * scale ** 2, times[0]];
  for (let row = 0; row < times.length; row++) {
    if (!mask[row * channels + channel]) continue;
    variance += drift * (times[row] - time);
    time = times[row];
    const gain = variance / (variance + noise);
    mean += gain * (values[row * channels + channel] - mean);
    variance *= 1 - gain;
  }
  return { mean, variance, time };
}

function eachTarget({ targets }: ScoringWindow, of: (time: number, channel: number) => number): Float64Array {
  const { channels, times } = targets;
  return Float64Array.from({ length: times.length * channels }, (_, i) =>
    of(times[Math.floor(i / channels)], i % channels),
  );
}
