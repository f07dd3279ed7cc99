/**
 * Intervals that cover what they say. On held-out windows the distance of each value from the median is compared with
 * that of the interval's edge; the factor that makes a share `level` of them fit is the empirical quantile of the ratio
 * (split-conformal prediction in its scaled form, Lei et al. 2018, section 5.2), a factor a lead, channel and level.
 */
import type { Calibration } from './artifact-format.ts';

/** One held-out value against the model's interval edges at each level. */
export interface CalibrationEntry {
  /**
   * Values that share a series and a stretch of time err together: they are of one block, and the number of blocks, not
   * of values, tells how much is known.
   */
  readonly block: string;
  readonly channel: number;
  /** ms after the last context observation; ≤ 0 is interpolation. */
  readonly leadMs: number;
  /** |value − median| / |edge − median|, the edge on the value's side, a level. */
  readonly ratios: readonly number[];
}

export const CALIBRATION_LEVELS = [0.5, 0.8, 0.95] as const;
/** Ends of the lead bins as shares of the horizon. */
const LEAD_SHARES = [0.25, 0.5, 1];
/** As if so many blocks had said that nothing needs correcting. */
const SHRINKAGE_BLOCKS = 10;
/** A factor beyond says that the model is wrong, not that its intervals are. */
const FACTOR_RANGE = [0.25, 4] as const;

export function fitCalibration(entries: readonly CalibrationEntry[], channels: number, horizonMs: number): Calibration {
  const levels = [...CALIBRATION_LEVELS];
  const leadEndsMs = LEAD_SHARES.map((share) => share * horizonMs);
  const binOf = (lead: number) =>
    lead <= 0 ? 0 : Math.min(leadEndsMs.length, 1 + leadEndsMs.findIndex((end) => lead <= end));
  const factors = range(leadEndsMs.length + 1).map((bin) =>
    range(channels).map((channel) => {
      const cell = entries.filter((e) => e.channel === channel && binOf(e.leadMs) === bin);
      return levels.map((level, i) => factorOf(cell, i, level));
    }),
  );
  return { levels, leadEndsMs, factors };
}

/** Nothing is corrected. */
export function neutralCalibration(channels: number, horizonMs: number): Calibration {
  return fitCalibration([], channels, horizonMs);
}

function factorOf(cell: readonly CalibrationEntry[], level: number, probability: number): number {
  if (cell.length === 0) return 1;
  const ratios = cell.map((e) => e.ratios[level]).sort((a, b) => a - b);
  // The (n+1)-th part: a new value is one more of the same kind.
  const rank = Math.min(ratios.length, Math.ceil(probability * (ratios.length + 1)));
  const [least, most] = FACTOR_RANGE;
  const found = Math.min(Math.max(ratios[rank - 1], least), most);
  const blocks = new Set(cell.map((e) => e.block)).size;
  return found ** (blocks / (blocks + SHRINKAGE_BLOCKS));
}

/**
 * The factor on the distance of the edge of the central interval `level` from the median. Linear between levels and
 * between the middles of the lead bins, so that bands have no steps.
 */
export function calibrationFactor(calibration: Calibration, leadMs: number, channel: number, level: number): number {
  return calibrationAt(calibration, leadMs)(channel, level);
}

/** The same for all channels and levels at a lead. */
export function calibrationAt(
  { levels, factors, leadEndsMs }: Calibration,
  leadMs: number,
): (channel: number, level: number) => number {
  const middles = leadMiddles(leadEndsMs);
  const [bin, share] = between(middles, leadMs);
  const [before, after] = [factors[bin], factors[Math.min(bin + 1, middles.length - 1)]];
  return (channel, level) => {
    const [low, levelShare] = between(levels, level);
    const high = Math.min(low + 1, levels.length - 1);
    const at = (of: readonly number[]) => mix(of[low], of[high], levelShare);
    return mix(at(before[channel]), at(after[channel]), share);
  };
}

/** Interpolation is at lead 0; the last bin's factor is reached at its middle and kept. */
function leadMiddles(ends: readonly number[]): number[] {
  return [0, ...ends.map((end, i) => (end + (ends[i - 1] ?? 0)) / 2)];
}

/** Where x lies on an ascending axis: the index below, and the share of the way to the next. Ends are kept. */
function between(axis: readonly number[], x: number): [number, number] {
  if (x <= axis[0]) return [0, 0];
  const above = axis.findIndex((a) => a > x);
  if (above < 0) return [axis.length - 1, 0];
  return [above - 1, (x - axis[above - 1]) / (axis[above] - axis[above - 1])];
}

function mix(a: number, b: number, share: number): number {
  return a + share * (b - a);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
