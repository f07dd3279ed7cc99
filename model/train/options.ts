/** What a trainer must know of its stream: the fields of the same names of the configuration (`cli/config.ts`). */
import type { Normalisation } from '../artifact-format.ts';
import type { Bound } from '../latent/batch.ts';
import type { DecoderSpec, EncoderSpec, ModelSpec, SolverSpec } from '../latent/spec.ts';

export interface TrainerOptions {
  readonly name: string;
  readonly channels: readonly string[];
  /** Longest context, ms. */
  readonly window: number;
  /** Most observations of a context when forecasting. */
  readonly maxObservations: number;
  /** How far ahead targets reach, ms. */
  readonly horizon: number;
  /** Seasonal periods, ms. */
  readonly periods: readonly number[];
  readonly model: ModelOptions;
  readonly training: TrainingOptions;
}

export interface ModelOptions {
  readonly latentSize: number;
  readonly encoder: EncoderSpec['kind'];
  readonly encoderUnits: number;
  readonly encoderClock: EncoderSpec['clock'];
  /** Of an ODE-RNN: units of the field that its state follows, and steps between two observations. */
  readonly driftUnits: number;
  readonly driftSteps: number;
  readonly dynamicsUnits: number;
  readonly dynamicsDepth: number;
  readonly decoderUnits: number;
  readonly likelihood: DecoderSpec['likelihood'];
  /** ν of the Student-t. */
  readonly degreesOfFreedom: number;
  /** Model time from the start of a window to the end of its horizon. */
  readonly span: number;
  readonly knots: number;
  readonly method: SolverSpec['method'];
  readonly rtol: number;
  readonly atol: number;
  readonly gradient: SolverSpec['gradient'];
  readonly instanceNormalisation: boolean;
}

export interface TrainingOptions {
  readonly seed: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Length of the learning-rate schedule, steps. */
  readonly maxSteps: number;
  /** A training context is a random subset of at most so many. */
  readonly maxContextObservations: number;
  /** K posterior samples of the loss. */
  readonly samples: number;
  readonly beta: number;
  readonly bound: Bound;
  /** Targets grow from near the context to the full horizon over the first part of the schedule. Default false. */
  readonly curriculum?: boolean;
}

/** As if so many observations of the stream had been seen in every window. */
const INSTANCE_SHRINKAGE = 4;

export function modelSpecOf({ channels, window, horizon, periods, model }: TrainerOptions): ModelSpec {
  return {
    channels,
    latentSize: model.latentSize,
    encoder: encoderOf(model),
    dynamics: { units: model.dynamicsUnits, depth: model.dynamicsDepth, periodsMs: periods },
    decoder: decoderOf(model),
    solver: {
      method: model.method,
      knotSpacing: model.span / model.knots,
      rtol: model.rtol,
      atol: model.atol,
      gradient: model.gradient,
    },
    timescaleMs: (window + horizon) / model.span,
  };
}

function encoderOf({ encoder, encoderUnits, encoderClock, driftUnits, driftSteps }: ModelOptions): EncoderSpec {
  const recurrent = { units: encoderUnits, clock: encoderClock };
  if (encoder === 'gru') return { kind: encoder, ...recurrent };
  return { kind: encoder, ...recurrent, drift: { units: driftUnits, steps: driftSteps } };
}

function decoderOf({ decoderUnits, likelihood, degreesOfFreedom }: ModelOptions): DecoderSpec {
  if (likelihood === 'gaussian') return { units: decoderUnits, likelihood };
  return { units: decoderUnits, likelihood, degreesOfFreedom };
}

export function instanceOf(model: ModelOptions): Pick<Normalisation, 'instance'> {
  return model.instanceNormalisation ? { instance: { shrinkage: INSTANCE_SHRINKAGE } } : {};
}
