/** All that training is, as one value: what a step takes and gives, and what a checkpoint keeps. */
import type { Normalisation } from '../artifact-format.ts';
import { initialParameters } from '../latent/initial-parameters.ts';
import { createRandom } from '../latent/random.ts';
import type { ModelSpec } from '../latent/spec.ts';
import { type AdamState, initAdam } from './adam.ts';
import type { HoldOutRule } from './hold-out.ts';
import { initLossCurve, type LossCurve } from './loss-curve.ts';

export interface TrainerState {
  readonly spec: ModelSpec;
  readonly seed: number;
  /** How often learning has begun anew because the data had outgrown its normalisation. */
  readonly generation: number;
  /** Of this generation: steps tried, those skipped for a loss or gradient that was not finite included. */
  readonly step: number;
  /** Steps of all generations, without those skipped. */
  readonly steps: number;
  readonly skipped: number;
  /** Skipped without one that went well between. */
  readonly skippedInARow: number;
  /** Training windows seen. */
  readonly windows: number;
  readonly seconds: number;
  readonly lossCurve: LossCurve;
  /** Chosen when there is first something to train on. */
  readonly basis?: TrainingBasis;
  readonly parameters: Float32Array;
  readonly average: Float32Array;
  readonly adam: AdamState;
}

/** What training stands on and must not change beneath it. */
export interface TrainingBasis {
  readonly normalisation: Normalisation;
  /** Observations that the normalisation was estimated from. */
  readonly normalisedOn: number;
  readonly rule: HoldOutRule;
  /** Observations at or after it were never trained on. Absent where the rule is `series`. ms */
  readonly cut?: number;
  /** Newest observation that was trained on, ms. */
  readonly trainedThrough: number;
}

export function initState(spec: ModelSpec, seed: number): TrainerState {
  const parameters = initialParameters(spec, createRandom(seed).fork('parameters'));
  return {
    spec,
    seed,
    generation: 0,
    step: 0,
    steps: 0,
    skipped: 0,
    skippedInARow: 0,
    windows: 0,
    seconds: 0,
    lossCurve: initLossCurve(),
    parameters,
    average: parameters,
    adam: initAdam(parameters.length),
  };
}

/** The weights stay as a start; the schedule, the moments and the random numbers begin anew. */
export function nextGeneration(state: TrainerState, basis: TrainingBasis): TrainerState {
  return {
    ...state,
    basis,
    generation: state.generation + 1,
    step: 0,
    parameters: state.average,
    adam: initAdam(state.average.length),
  };
}
