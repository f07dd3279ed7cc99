/** One training step: draw a batch, ask the engine for loss and gradient, move the weights. State in, state out. */
import type { Normalisation } from '../artifact-format.ts';
import type { Engine } from '../engine/engine.ts';
import type { LossAndGradient, TrainingBatch } from '../latent/batch.ts';
import { createRandom, type Random } from '../latent/random.ts';
import { frameOf, toRagged } from '../normalise.ts';
import { clipByNorm, initAdam, updateAdam } from './adam.ts';
import { updateAverage } from './average.ts';
import { addLoss } from './loss-curve.ts';
import type { TrainerOptions } from './options.ts';
import { betaAt, horizonShareAt, learningRateAt } from './schedule.ts';
import type { TrainerState } from './state.ts';
import { drawExample, type ExampleShape, type Trainable } from './windows.ts';

export interface StepTask {
  readonly engine: Engine;
  readonly options: TrainerOptions;
  readonly normalisation: Normalisation;
  readonly series: readonly Trainable[];
}

const MAX_GRADIENT_NORM = 1;
/** After so many skipped steps in a row the weights go back to their average: they are where no gradient is. */
const SKIPS_BEFORE_RETREAT = 10;
/** Once the schedule is over, so many windows end in the newest tenth: what is left to learn is what is new. */
const RECENT_SHARE = 0.5;

export interface StepResult {
  readonly state: TrainerState;
  /** NaN where the step was skipped because loss or gradient was not finite. */
  readonly loss: number;
}

export async function trainStep(state: TrainerState, task: StepTask): Promise<StepResult> {
  const batch = drawBatch(state, task);
  const result = await task.engine.lossAndGradient(state.parameters, batch);
  if (!isUsable(result)) return { state: skip(state), loss: Number.NaN };
  return { state: take(state, result, task.options), loss: result.loss };
}

/** Random numbers depend on the seed and the step only, so a restored trainer draws what an unbroken one would have. */
function drawBatch(
  { seed, generation, step }: TrainerState,
  { engine, options, normalisation, series }: StepTask,
): TrainingBatch {
  const { training } = options;
  const random = createRandom(seed).fork(`batch/${generation}/${step}`);
  const shape = exampleShape(options, horizonShareAt(step, training.maxSteps, training.curriculum ?? false));
  const recent = step >= training.maxSteps ? RECENT_SHARE : 0;
  const examples = Array.from({ length: training.batchSize }, () => drawExample(random, series, shape, recent));
  const contexts = examples.map((e) => e.context);
  const frames = contexts.map((context) => frameOf(context, normalisation));
  return {
    context: toRagged(contexts, frames, engine.spec.timescaleMs),
    targets: toRagged(
      examples.map((e) => e.targets),
      frames,
      engine.spec.timescaleMs,
    ),
    origins: Float64Array.from(frames, (f) => f.origin),
    noise: normals(random, training.samples * training.batchSize * engine.spec.latentSize),
    beta: betaAt(step, training.beta),
    bound: training.bound,
  };
}

export function exampleShape(
  { window, horizon, maxObservations, training }: TrainerOptions,
  horizonShare: number,
): ExampleShape {
  return {
    contextMs: window,
    horizonMs: horizonShare * horizon,
    maxObservations,
    maxContextObservations: training.maxContextObservations,
    maxTargets: 2 * training.maxContextObservations,
  };
}

function normals(random: Random, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => random.normal());
}

function isUsable({ status, loss, gradient }: LossAndGradient): boolean {
  return status === 'success' && Number.isFinite(loss) && gradient.every(Number.isFinite);
}

function take(state: TrainerState, { loss, gradient }: LossAndGradient, { training }: TrainerOptions): TrainerState {
  const rate = learningRateAt(state.step, training.learningRate, training.maxSteps);
  const clipped = clipByNorm(gradient, MAX_GRADIENT_NORM);
  const { state: adam, parameters } = updateAdam(state.adam, state.parameters, clipped, rate);
  return {
    ...state,
    parameters,
    adam,
    average: updateAverage(state.average, parameters, state.step),
    step: state.step + 1,
    steps: state.steps + 1,
    skippedInARow: 0,
    windows: state.windows + training.batchSize,
    lossCurve: addLoss(state.lossCurve, state.steps + 1, loss),
  };
}

function skip(state: TrainerState): TrainerState {
  const skippedInARow = state.skippedInARow + 1;
  const next = { ...state, step: state.step + 1, skipped: state.skipped + 1, skippedInARow };
  if (skippedInARow % SKIPS_BEFORE_RETREAT !== 0) return next;
  return { ...next, parameters: state.average, adam: initAdam(state.average.length) };
}
