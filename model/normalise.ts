/**
 * Between the user's units and the model's: values by a robust location and scale a channel, event time by the start
 * of the window and the model's timescale. A `Frame` is what one window's numbers are relative to.
 */
import type { Window } from '../ingest/window.ts';
import type { ChannelNormalisation, Normalisation } from './artifact-format.ts';
import type { Ragged } from './latent/batch.ts';

/** What the normalised numbers of one window are relative to. */
export interface Frame {
  /** Event time (ms) of model time 0: the first context observation. */
  readonly origin: number;
  /** [D] in the user's units. */
  readonly location: Float64Array;
  /** [D] > 0 */
  readonly scale: Float64Array;
}

/** IQR and the 5–95 % range of a standard normal: they make both estimates of spread estimate its σ. */
const NORMAL_IQR = 1.3489795;
const NORMAL_RANGE_90 = 3.2897073;
/** A support is claimed only from so many values: one warm week must not forbid frost. */
const MIN_VALUES_FOR_SUPPORT = 30;
/** The scale of a channel that has never changed, as a share of its value. */
const CONSTANT_SCALE = 0.05;
/** A value so many scales away says "very far" and no more: it must not overflow a float or drown a gradient. */
const MAX_NORMALISED = 1000;
/** A window further from its stream than this holds a fault of a sensor, and arithmetic with it would overflow. */
const MAX_INSTANCE_RATIO = 1e9;
/** The window's own scale is never taken below this share of the stream's: a flat context is not a flat future. */
const MIN_INSTANCE_SCALE = 0.05;

/**
 * Location and scale of one channel over its observed values: the median, and the larger of the scales that the IQR and
 * the 5–95 % range say, so that a channel that is mostly one value (rain: 0) keeps the scale of the rest. Where both
 * are 0, the standard deviation; where that is 0 too (a constant), a share of the value's own size, or 1.
 */
export function robustNormalisation(values: Float64Array): ChannelNormalisation {
  if (values.length === 0) return { location: 0, scale: 1 };
  const sorted = Float64Array.from(values).sort();
  const location = quantileOf(sorted, 0.5);
  // Differences that are rounding of the values themselves are no spread.
  const rounding = 1e-12 * Math.max(Math.abs(sorted[0]), Math.abs(sorted[sorted.length - 1]));
  const spread = [robustScale(sorted), standardDeviation(sorted)].find((s) => s > rounding && Number.isFinite(s));
  const scale = spread ?? (CONSTANT_SCALE * Math.abs(location) || 1);
  const nonNegative = sorted[0] >= 0 && sorted.length >= MIN_VALUES_FOR_SUPPORT;
  return { location, scale, ...(nonNegative && { support: { min: 0 } }) };
}

function robustScale(sorted: Float64Array): number {
  const span = (low: number, high: number) => quantileOf(sorted, high) - quantileOf(sorted, low);
  return Math.max(span(0.25, 0.75) / NORMAL_IQR, span(0.05, 0.95) / NORMAL_RANGE_90);
}

/** @param sorted ascending, not empty. Linear between order statistics. */
export function quantileOf(sorted: Float64Array, probability: number): number {
  const place = probability * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

function standardDeviation(values: Float64Array): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
}

/** The frame of one sample of a window, which must have an observation. */
export function frameOf(context: Window, normalisation: Normalisation, sample = 0): Frame {
  const from = context.offsets[sample];
  const channels = normalisation.channels.map((channel, c) =>
    normalisation.instance ? shrunk(context, sample, c, channel, normalisation.instance.shrinkage) : channel,
  );
  return {
    origin: context.times[from],
    location: Float64Array.from(channels, (c) => c.location),
    scale: Float64Array.from(channels, (c) => c.scale),
  };
}

/**
 * Mean and variance of the context, shrunk to the stream's as if `shrinkage` observations of the stream had been seen
 * too. The distance between the two locations does not widen the scale: a pump that runs at another level is not noisier.
 */
export function shrunk(
  window: Window,
  sample: number,
  channel: number,
  stream: ChannelNormalisation,
  shrinkage: number,
): ChannelNormalisation {
  const { count, mean, variance } = moments(window, sample, channel);
  const total = count + shrinkage;
  const pooled = (count * variance + shrinkage * stream.scale ** 2) / total;
  const location = (count * mean + shrinkage * stream.location) / total;
  const scale = Math.max(Math.sqrt(pooled), MIN_INSTANCE_SCALE * stream.scale);
  const most = MAX_INSTANCE_RATIO * stream.scale;
  const sane = Math.abs(location - stream.location) <= most && scale <= most;
  if (count === 0 || !sane) return stream;
  return { ...stream, location, scale };
}

function moments({ channels, offsets, values, mask }: Window, sample: number, channel: number) {
  let count = 0;
  let mean = 0;
  let squares = 0;
  for (let row = offsets[sample]; row < offsets[sample + 1]; row++) {
    if (!mask[row * channels + channel]) continue;
    const value = values[row * channels + channel];
    const before = value - mean;
    count++;
    mean += before / count;
    squares += before * (value - mean);
  }
  return { count, mean, variance: count ? squares / count : 0 };
}

/**
 * One-sample windows, each in its frame, as one ragged batch in model units.
 * @param timescaleMs ms in one unit of model time
 */
export function toRagged(windows: readonly Window[], frames: readonly Frame[], timescaleMs: number): Ragged {
  const channels = windows[0].channels;
  const offsets = new Int32Array(windows.length + 1);
  windows.forEach((w, b) => {
    offsets[b + 1] = offsets[b] + w.times.length;
  });
  const rows = offsets[windows.length];
  const ragged = {
    channels,
    offsets,
    times: new Float64Array(rows),
    values: new Float32Array(rows * channels),
    mask: new Uint8Array(rows * channels),
  };
  for (let b = 0; b < windows.length; b++) fillSample(ragged, offsets[b], windows[b], frames[b], timescaleMs);
  return ragged;
}

function fillSample(ragged: Ragged, at: number, window: Window, frame: Frame, timescaleMs: number): void {
  const { channels } = ragged;
  for (let row = 0; row < window.times.length; row++) {
    ragged.times[at + row] = toModelTime(window.times[row], frame, timescaleMs);
    for (let c = 0; c < channels; c++) {
      const from = row * channels + c;
      const to = (at + row) * channels + c;
      ragged.mask[to] = window.mask[from];
      ragged.values[to] = window.mask[from] ? clamp((window.values[from] - frame.location[c]) / frame.scale[c]) : 0;
    }
  }
}

/** Batches one after the other; of none, a batch without samples. */
export function joinRagged(parts: readonly Ragged[], channels: number): Ragged {
  if (parts.length === 1) return parts[0];
  const rows = parts.reduce((sum, { times }) => sum + times.length, 0);
  const joint = {
    channels,
    offsets: new Int32Array(1 + parts.reduce((sum, { offsets }) => sum + offsets.length - 1, 0)),
    times: new Float64Array(rows),
    values: new Float32Array(rows * channels),
    mask: new Uint8Array(rows * channels),
  };
  let [sample, row] = [0, 0];
  for (const { offsets, times, values, mask } of parts) {
    for (let b = 1; b < offsets.length; b++) joint.offsets[++sample] = row + offsets[b];
    joint.times.set(times, row);
    joint.values.set(values, row * channels);
    joint.mask.set(mask, row * channels);
    row += times.length;
  }
  return joint;
}

function clamp(normalised: number): number {
  return Math.min(Math.max(normalised, -MAX_NORMALISED), MAX_NORMALISED);
}

export function toModelTime(time: number, frame: Frame, timescaleMs: number): number {
  return (time - frame.origin) / timescaleMs;
}
