/**
 * What a trained model is: numbers, and a header of plain data that says how to use them. `artifact.ts` turns it into
 * one safetensors blob and back, and refuses what is broken. Data only, never code.
 */
import type { GradientMode, ModelSpec } from './latent/spec.ts';

/** Robust location and scale of a channel over the stream, in the user's units. Scale > 0. */
export interface ChannelNormalisation {
  readonly location: number;
  readonly scale: number;
  /** Bounds that no observed value has crossed and that mean something (0 for rain or speed): forecasts keep to them. */
  readonly support?: { readonly min?: number };
}

export interface Normalisation {
  /** [D] */
  readonly channels: readonly ChannelNormalisation[];
  /**
   * Per-window normalisation: location and scale are estimated from the context and shrunk to the stream's as if
   * `shrinkage` observations of the stream had been seen too. Absent: the stream's are used as they are.
   */
  readonly instance?: { readonly shrinkage: number };
}

/**
 * Factors on the distance of a quantile from the median, found on held-out windows so that intervals cover what they
 * say. `factors[lead][channel][level]`; lead 0 is interpolation, lead i ≥ 1 ends at `leadEndsMs[i]` after the last
 * context observation.
 */
export interface Calibration {
  /** Central probabilities, ascending, e.g. [0.5, 0.8, 0.95]. */
  readonly levels: readonly number[];
  readonly leadEndsMs: readonly number[];
  readonly factors: readonly (readonly (readonly number[])[])[];
}

/** Over held-out values, in units of the channel's scale, so that channels can be averaged. */
export interface Scores {
  readonly rmse: number;
  readonly mae: number;
  readonly mase: number;
  readonly crps: number;
  /** Share of held-out values inside the central interval of each level. */
  readonly coverage: Readonly<Record<string, number>>;
  /** The same before calibration. */
  readonly uncalibratedCoverage?: Readonly<Record<string, number>>;
  /** Mean width of those intervals. */
  readonly width: Readonly<Record<string, number>>;
  readonly count: number;
}

export type BaselineScores = Pick<Scores, 'rmse' | 'mae' | 'crps'>;

export interface EvaluationRecord {
  readonly interpolation: Scores;
  readonly extrapolation: Scores;
  /** Extrapolation scores of each baseline on the same windows, by name. */
  readonly baselines: Readonly<Record<string, BaselineScores>>;
  /** Interpolation scores of those that interpolate. */
  readonly interpolationBaselines?: Readonly<Record<string, BaselineScores>>;
  readonly windows: number;
}

export interface TrainingRecord {
  readonly seed: number;
  readonly steps: number;
  readonly windows: number;
  readonly seconds: number;
  readonly engine: string;
  readonly gradient: GradientMode;
  /** A thinned curve of [step, training loss]. */
  readonly lossCurve: readonly (readonly [number, number])[];
}

export interface ArtifactHeader {
  readonly format: 1;
  readonly stream: string;
  /** Sortable and unique: `<utc time>-<hash of the parameters>`. */
  readonly version: string;
  readonly createdAt: number;
  readonly spec: ModelSpec;
  readonly normalisation: Normalisation;
  readonly calibration: Calibration;
  readonly window: {
    /** Longest context, ms and observations. */
    readonly contextMs: number;
    readonly maxObservations: number;
    /** Trained horizon, ms. */
    readonly horizonMs: number;
  };
  readonly training: TrainingRecord;
  readonly evaluation: EvaluationRecord;
  /** Event time (ms) of the newest observation that it was trained on. */
  readonly trainedThrough: number;
  /** Log positions that it was trained through. */
  readonly positions: readonly { readonly topic: string; readonly partition: number; readonly next: number }[];
}

export interface Artifact {
  readonly header: ArtifactHeader;
  /** [P] in the layout of `model/latent/layout.ts`. */
  readonly parameters: Float32Array;
}
