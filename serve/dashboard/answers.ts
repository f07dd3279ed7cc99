/** What the page knows of the server's answers: their shapes with all times in ms since the epoch. Pure. */
import type { ModelAnswer } from '../schemas/models.ts';
import type { StreamAnswer } from '../schemas/streams.ts';

export interface StreamInfo {
  readonly name: string;
  readonly channels: readonly string[];
  readonly observations: number;
  readonly series: number;
  readonly lastEventTime: number | undefined;
  /** Longest context and trained horizon. */
  readonly windowMs: number;
  readonly horizonMs: number;
  /** The truth of its series can be asked for. */
  readonly simulated: boolean;
  readonly training: TrainingProgress | undefined;
}

/** How training goes on, where the answering process knows. */
export type TrainingProgress = NonNullable<StreamAnswer['training']>;

export interface SeriesInfo {
  readonly series: string;
  readonly observations: number;
  readonly firstTime: number;
  readonly lastTime: number;
}

/** Columns over `times`; a value is null where the channel was not observed. */
export interface Columns {
  readonly times: readonly number[];
  readonly values: Readonly<Record<string, readonly (number | null)[]>>;
  /** There are more than were asked for, older ones. */
  readonly cut?: boolean;
}

export type Kind = 'interpolation' | 'extrapolation';

export interface ForecastAnswer {
  readonly times: readonly number[];
  readonly kind: readonly Kind[];
  readonly channels: Readonly<Record<string, ChannelAnswer>>;
  readonly model: { readonly version: string; readonly alias: string; readonly trainedThrough: number };
  readonly lastEventTime: number;
  readonly observationsUsed: number;
}

export interface ChannelAnswer {
  readonly mean: readonly number[];
  /** By the quantile as it was asked, e.g. `0.1`. */
  readonly quantiles: Readonly<Record<string, readonly number[]>>;
}

export interface ModelInfo {
  readonly version: string;
  readonly aliases: readonly string[];
  readonly createdAt: number;
  readonly trainedThrough: number;
  readonly training: ModelAnswer['training'];
  readonly evaluation: ModelAnswer['evaluation'];
}

/** Central intervals that the page draws, as the two quantiles of each. */
export const BANDS = [
  { level: 0.5, low: 0.25, high: 0.75 },
  { level: 0.8, low: 0.1, high: 0.9 },
  { level: 0.95, low: 0.025, high: 0.975 },
] as const;

export const QUANTILES: readonly number[] = BANDS.flatMap(({ low, high }) => [low, high]).sort((a, b) => a - b);

/** Opacity of the fill of a band: they lie upon each other. */
export const BAND_OPACITY: Readonly<Record<number, number>> = { 0.95: 0.13, 0.8: 0.16, 0.5: 0.24 };
