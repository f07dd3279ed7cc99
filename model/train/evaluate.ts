/**
 * How good a model is on windows that it has not seen: scores inside the context (hidden observations) and after it, the
 * calibration that makes its intervals cover what they say, and the baselines on the same windows.
 *
 * The factors are found on the first half of the windows; coverage and width, before and after, are of the second half.
 * The other scores need no factor and are of all windows.
 */
import type { Window } from '../../ingest/window.ts';
import type { BaselineScores, Calibration, EvaluationRecord, Scores } from '../artifact-format.ts';
import { CALIBRATION_LEVELS, type CalibrationEntry, calibrationFactor, fitCalibration } from '../calibrate.ts';
import { createRandom } from '../latent/random.ts';
import { type Mixture, mixtureCrps, mixtureQuantile, uniformWeights } from '../mixture.ts';
import { mixtureAt, type Prediction, type Predictor, pointAt, predict } from '../predict.ts';
import type { Baseline } from './baselines.ts';
import {
  type ChannelUnits,
  coverageOf,
  pointScores,
  type ScoredInterval,
  type ScoredValue,
  scoresOf,
  widthOf,
} from './scores.ts';
import type { ScoringWindow } from './windows.ts';

export interface HeldOutWindows {
  readonly extrapolation: readonly ScoringWindow[];
  readonly interpolation: readonly ScoringWindow[];
}

export interface EvaluationTask {
  readonly predictor: Predictor;
  readonly windows: HeldOutWindows;
  readonly baselines: readonly Baseline[];
  readonly units: ChannelUnits;
  readonly horizonMs: number;
  readonly seed: number;
}

export interface Evaluation {
  readonly record: EvaluationRecord;
  readonly calibration: Calibration;
  /** Windows whose answer was not finite; they are in no score. */
  readonly failures: number;
}

/** Posterior samples of an evaluation: the CRPS costs their square. */
const SAMPLES = 16;
const LEVELS = CALIBRATION_LEVELS;

export async function evaluate(task: EvaluationTask): Promise<Evaluation> {
  const { predictor, windows, units, horizonMs } = task;
  const channels = predictor.engine.spec.channels.length;
  const outside = await scoreWindows(task, windows.extrapolation);
  const inside = await scoreWindows(task, windows.interpolation);
  const calibration = fitCalibration([...firstHalf(outside), ...firstHalf(inside)], channels, horizonMs);
  const describe = (scored: Scored) => describeScores(scored, calibration, units);
  return {
    calibration,
    failures: outside.failures + inside.failures,
    record: {
      extrapolation: describe(outside),
      interpolation: describe(inside),
      baselines: scoreBaselines(task.baselines, windows.extrapolation, units),
      interpolationBaselines: scoreBaselines(
        task.baselines.filter((b) => b.interpolates),
        windows.interpolation,
        units,
      ),
      windows: windows.extrapolation.length + windows.interpolation.length,
    },
  };
}

/** A held-out value, the model's raw intervals, and its distance from them. */
interface ScoredEntry extends ScoredInterval, CalibrationEntry {
  readonly window: number;
  readonly median: number;
}

interface Scored {
  readonly entries: readonly ScoredEntry[];
  readonly windows: number;
  readonly failures: number;
}

async function scoreWindows(task: EvaluationTask, windows: readonly ScoringWindow[]): Promise<Scored> {
  const { predictor, seed } = task;
  const size = SAMPLES * predictor.engine.spec.latentSize;
  const random = createRandom(seed);
  const queries = windows.map(({ context, targets }, i) => {
    const draw = random.fork(i);
    return { context, times: targets.times, noise: Float32Array.from({ length: size }, () => draw.normal()) };
  });
  const { predictions } = await predict(predictor, queries);
  const usable = predictions.map((p) => p.status === 'success');
  const entries = predictions.flatMap((p, i) => (usable[i] ? scoreWindow(p, windows[i], i, task) : []));
  return { entries, windows: windows.length, failures: usable.filter((ok) => !ok).length };
}

function scoreWindow(
  prediction: Prediction,
  { context, targets, place }: ScoringWindow,
  window: number,
  { predictor, horizonMs }: EvaluationTask,
): ScoredEntry[] {
  const { channels } = targets;
  const last = context.times[context.times.length - 1];
  const block = `${place.columns.series}/${Math.floor(last / horizonMs)}`;
  return seenEntries(targets).map((i) => {
    const [row, channel] = [Math.floor(i / channels), i % channels];
    const value = targets.values[i];
    const least = predictor.normalisation.channels[channel].support?.min ?? Number.NEGATIVE_INFINITY;
    const mean = Math.max(pointAt(prediction, channels, row, channel), least);
    const leadMs = targets.times[row] - last;
    return {
      window,
      block,
      channel,
      value,
      leadMs,
      mean,
      ...scoreMixture(mixtureAt(prediction, channels, row, channel), value),
    };
  });
}

function scoreMixture(mixture: Mixture, value: number) {
  const median = mixtureQuantile(mixture, 0.5);
  const intervals = LEVELS.map(
    (p) => [mixtureQuantile(mixture, (1 - p) / 2), mixtureQuantile(mixture, (1 + p) / 2)] as const,
  );
  const ratios = intervals.map(([low, high]) => (value - median) / ((value > median ? high : low) - median));
  return { median, intervals, ratios, crps: mixtureCrps(mixture, value) };
}

/** Indices (of [T, D]) of the targets that were observed. */
function seenEntries({ mask }: Window): number[] {
  return Array.from(mask.keys()).filter((i) => mask[i]);
}

function firstHalf({ entries, windows }: Scored): ScoredEntry[] {
  return entries.filter((e) => e.window < windows / 2);
}

function describeScores({ entries, windows }: Scored, calibration: Calibration, units: ChannelUnits): Scores {
  const unseen = entries.filter((e) => e.window >= windows / 2);
  const calibrated = unseen.map((e) => calibrate(e, calibration));
  return scoresOf(entries, units, {
    coverage: coverageOf(calibrated, LEVELS),
    uncalibratedCoverage: coverageOf(unseen, LEVELS),
    width: widthOf(calibrated, LEVELS, units),
  });
}

function calibrate(entry: ScoredEntry, calibration: Calibration): ScoredEntry {
  const { median, leadMs, channel } = entry;
  const intervals = entry.intervals.map(([low, high], i) => {
    const factor = calibrationFactor(calibration, leadMs, channel, LEVELS[i]);
    return [median + factor * (low - median), median + factor * (high - median)] as const;
  });
  return { ...entry, intervals };
}

function scoreBaselines(
  baselines: readonly Baseline[],
  windows: readonly ScoringWindow[],
  units: ChannelUnits,
): Record<string, BaselineScores> {
  return Object.fromEntries(
    baselines.map((baseline) => [
      baseline.name,
      pointScores(
        windows.flatMap((w) => scoreBaseline(baseline, w)),
        units,
      ),
    ]),
  );
}

function scoreBaseline(baseline: Baseline, window: ScoringWindow): ScoredValue[] {
  const { targets } = window;
  const { mean, scale } = baseline.predict(window);
  return seenEntries(targets).map((i) => {
    const mixture = { weights: uniformWeights(1), means: mean.subarray(i, i + 1), scales: scale.subarray(i, i + 1) };
    return {
      channel: i % targets.channels,
      value: targets.values[i],
      mean: mean[i],
      crps: mixtureCrps(mixture, targets.values[i]),
    };
  });
}
