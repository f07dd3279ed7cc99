/**
 * Training of one stream's model without an end: rounds of steps, and artifacts between them. It reads a source, a clock
 * and an engine that it is given; it knows no log and writes nothing. The state is one value (`state.ts`); what is owned
 * and must be closed is the engine.
 */
import { setImmediate } from 'node:timers/promises';
import { artifactVersion } from '../artifact.ts';
import type { Artifact, ArtifactHeader, Normalisation } from '../artifact-format.ts';
import type { Engine, EngineProvider } from '../engine/engine.ts';
import { ModelError } from '../errors.ts';
import { createRandom } from '../latent/random.ts';
import type { ModelSpec } from '../latent/spec.ts';
import { fitBaselines } from './baselines.ts';
import { settleBasis, splitOf, unitsOf, withSupport } from './basis.ts';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { type Evaluation, type EvaluationTask, evaluate } from './evaluate.ts';
import { decide, type GateDecision } from './gate.ts';
import { heldOutPlaces, type Place, type Split, trainingPlaces } from './hold-out.ts';
import { modelSpecOf, type TrainerOptions } from './options.ts';
import { EMPTY_POOL, type Pool, refreshPool, type WindowSource } from './pool.ts';
import { initState, type TrainerState, type TrainingBasis } from './state.ts';
import { trainStep } from './step.ts';
import {
  extrapolationWindow,
  interpolationWindow,
  type ScoringShape,
  type TimeLimits,
  trainableSeries,
} from './windows.ts';

export interface TrainerClock {
  /** ms from any start, never back: what budgets are measured with. */
  monotonic(): number;
  /** ms since the epoch: what artifacts are dated with. */
  now(): number;
}

export interface TrainerTask {
  readonly options: TrainerOptions;
  readonly source: WindowSource;
  readonly provider: EngineProvider;
  readonly clock: TrainerClock;
  /** What `checkpoint()` gave: training goes on there. */
  readonly checkpoint?: Uint8Array;
  /** The log positions that the source is at, for an artifact's header. */
  readonly positions?: () => ArtifactHeader['positions'];
  readonly onStep?: (step: StepReport) => void;
}

export interface StepReport {
  readonly step: number;
  /** NaN where the step was skipped. */
  readonly loss: number;
  readonly durationMs: number;
}

export interface RoundLimits {
  /** Wall time; the step in hand is finished. */
  readonly budgetMs?: number;
  readonly steps?: number;
  readonly signal?: AbortSignal;
}

export interface RoundProgress {
  /** `waiting`: too few observations yet. `diverged`: steps in a row had no finite gradient; the weights went back. */
  readonly status: 'trained' | 'waiting' | 'aborted' | 'diverged';
  /** Steps of this round, and of all. */
  readonly roundSteps: number;
  readonly steps: number;
  /** Of the learning-rate schedule, 0 … 1. */
  readonly progress: number;
  readonly skipped: number;
  /** Mean over the round; NaN without a step. */
  readonly loss: number;
  readonly windowsPerSecond: number;
}

export interface Proposal {
  readonly artifact: Artifact;
  readonly decision: GateDecision;
}

export interface Trainer {
  readonly spec: ModelSpec;
  /** Trains until a limit; events that came since the last round are read first. */
  round(limits: RoundLimits): Promise<RoundProgress>;
  /** Whether the source has something that no round has read. */
  hasNews(): boolean;
  /** The present model, evaluated and calibrated. @throws ModelError `nothing-to-train` before the first round that trained */
  artifact(): Promise<Artifact>;
  /** The same, and whether it may take the incumbent's place, both scored on the same held-out windows. */
  propose(incumbent: Artifact | undefined): Promise<Proposal>;
  checkpoint(): Uint8Array;
  close(): void;
}

const MIN_OBSERVATIONS = 20;
const DIVERGED_AFTER = 30;
const SCORED_WINDOWS = 64;
const SCORED_TARGETS = 24;

export function createTrainer(task: TrainerTask): Trainer {
  const spec = modelSpecOf(task.options);
  return new StreamTrainer(
    task,
    task.checkpoint ? restore(task.checkpoint, spec) : initState(spec, task.options.training.seed),
  );
}

/** @throws ModelError `model-mismatch` where the checkpoint is of another shape, `artifact-…` where it is broken */
function restore(checkpoint: Uint8Array, spec: ModelSpec): TrainerState {
  const state = decodeCheckpoint(checkpoint);
  // How the gradient is computed is no part of the model: training goes on with the one asked for now.
  const { gradient } = spec.solver;
  const restored = { ...state.spec, solver: { ...state.spec.solver, gradient } };
  if (canonical(restored) === canonical(spec)) return { ...state, spec };
  throw new ModelError('model-mismatch', 'the checkpoint is of a model of another shape');
}

function canonical(spec: ModelSpec): string {
  return JSON.stringify(spec, (_, value) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

class StreamTrainer implements Trainer {
  readonly spec: ModelSpec;
  readonly #task: TrainerTask;
  readonly #engine: Engine;
  #state: TrainerState;
  #pool: Pool = EMPTY_POOL;
  #positions: ArtifactHeader['positions'] = [];

  constructor(task: TrainerTask, state: TrainerState) {
    this.spec = state.spec;
    this.#task = task;
    this.#engine = task.provider.open(state.spec);
    this.#state = state;
  }

  async round(limits: RoundLimits): Promise<RoundProgress> {
    this.#refresh();
    const before = this.#state;
    const start = this.#task.clock.monotonic();
    const status = await this.#train(limits, start);
    const seconds = (this.#task.clock.monotonic() - start) / 1000;
    this.#state = { ...this.#state, seconds: before.seconds + seconds };
    return this.#progress(status, before, seconds);
  }

  hasNews(): boolean {
    return this.#task.source.summary().revision !== this.#pool.revision;
  }

  async artifact(): Promise<Artifact> {
    return this.#package(await evaluate(this.#evaluationTask()));
  }

  async propose(incumbent: Artifact | undefined): Promise<Proposal> {
    const task = this.#evaluationTask();
    const evaluation = await evaluate(task);
    const rival =
      incumbent && sameChannels(incumbent, this.spec) ? await this.#evaluateRival(task, incumbent) : undefined;
    return { artifact: this.#package(evaluation), decision: decide(evaluation, rival) };
  }

  checkpoint(): Uint8Array {
    return encodeCheckpoint(this.#state);
  }

  close(): void {
    this.#engine.close();
  }

  #refresh(): void {
    const { source, options, positions } = this.#task;
    // Before the observations: what comes between the two is read, but not yet claimed to be.
    this.#positions = positions?.() ?? [];
    this.#pool = refreshPool(source, this.#pool);
    const series = trainableSeries(this.#pool, splitOf(this.#state, this.#pool, options));
    const observations = series.reduce((sum, s) => sum + s.rows, 0);
    if (observations >= MIN_OBSERVATIONS) this.#state = settleBasis(this.#state, this.#pool, options);
  }

  async #train({ budgetMs, steps, signal }: RoundLimits, start: number): Promise<RoundProgress['status']> {
    const { clock } = this.#task;
    const { basis } = this.#state;
    const series = trainableSeries(this.#pool, splitOf(this.#state, this.#pool, this.#task.options));
    if (!basis || series.length === 0) return 'waiting';
    const { normalisation } = basis;
    const task = { engine: this.#engine, options: this.#task.options, normalisation, series };
    for (let taken = 0; taken < (steps ?? Number.POSITIVE_INFINITY); taken++) {
      if (signal?.aborted) return 'aborted';
      if (clock.monotonic() - start >= (budgetMs ?? Number.POSITIVE_INFINITY)) break;
      await this.#step(task);
      if (this.#state.skippedInARow >= DIVERGED_AFTER) return 'diverged';
      // Lets messages and timers of the process through, however fast steps are.
      await setImmediate();
    }
    return 'trained';
  }

  async #step(task: Parameters<typeof trainStep>[1]): Promise<void> {
    const { clock, onStep } = this.#task;
    const start = clock.monotonic();
    const { state, loss } = await trainStep(this.#state, task);
    this.#state = state;
    onStep?.({ step: this.#state.step, loss, durationMs: clock.monotonic() - start });
  }

  #progress(status: RoundProgress['status'], before: TrainerState, seconds: number): RoundProgress {
    const { steps, step, skipped, windows, lossCurve } = this.#state;
    const recent = lossCurve.points.filter(([at]) => at > before.steps);
    return {
      status,
      steps,
      skipped,
      roundSteps: steps - before.steps,
      progress: Math.min(1, step / this.#task.options.training.maxSteps),
      loss: recent.length ? recent.reduce((sum, [, loss]) => sum + loss, 0) / recent.length : Number.NaN,
      windowsPerSecond: seconds > 0 ? (windows - before.windows) / seconds : 0,
    };
  }

  #evaluationTask(): EvaluationTask {
    // A restored trainer may be asked for its model before it trains on.
    if (this.#pool === EMPTY_POOL) this.#refresh();
    const { basis, average, seed } = this.#state;
    if (!basis || this.#state.steps === 0) throw new ModelError('nothing-to-train', 'there is no trained model yet');
    const { options } = this.#task;
    const split = splitOf(this.#state, this.#pool, options);
    const normalisation = withSupport(basis.normalisation, this.#pool);
    return {
      predictor: { engine: this.#engine, parameters: average, normalisation },
      windows: scoringWindows(heldOutPlaces(this.#pool, split, SCORED_WINDOWS), options, limitsOf(split)),
      baselines: this.#baselines(split, normalisation),
      units: unitsOf(normalisation, this.#pool, split),
      horizonMs: options.horizon,
      seed,
    };
  }

  #baselines(split: Split, normalisation: Normalisation) {
    const { options } = this.#task;
    const places = trainingPlaces(this.#pool, split, SCORED_WINDOWS);
    const windows = scoringWindows(places, options, { before: split.cut });
    return fitBaselines({
      ...windows,
      channels: normalisation.channels,
      periodsMs: options.periods,
      horizonMs: options.horizon,
    });
  }

  async #evaluateRival(task: EvaluationTask, { header, parameters }: Artifact): Promise<Evaluation> {
    const engine = this.#task.provider.open(header.spec);
    try {
      const predictor = { engine, parameters, normalisation: header.normalisation };
      return await evaluate({ ...task, predictor, baselines: [] });
    } finally {
      engine.close();
    }
  }

  #package({ record, calibration }: Evaluation): Artifact {
    const { basis, average } = this.#state;
    if (!basis) throw new ModelError('nothing-to-train', 'there is no trained model yet');
    const createdAt = this.#task.clock.now();
    const parameters = average.slice();
    return {
      parameters,
      header: {
        ...this.#header(basis, createdAt),
        version: artifactVersion(createdAt, parameters),
        calibration,
        evaluation: record,
      },
    };
  }

  #header(basis: TrainingBasis, createdAt: number): Omit<ArtifactHeader, 'version' | 'calibration' | 'evaluation'> {
    const { options, provider } = this.#task;
    const { seed, steps, windows, seconds, lossCurve } = this.#state;
    return {
      format: 1,
      stream: options.name,
      createdAt,
      spec: this.spec,
      normalisation: withSupport(basis.normalisation, this.#pool),
      window: { contextMs: options.window, maxObservations: options.maxObservations, horizonMs: options.horizon },
      training: {
        seed,
        steps,
        windows,
        seconds,
        engine: provider.name,
        gradient: options.model.gradient,
        lossCurve: lossCurve.points,
      },
      trainedThrough: basis.trainedThrough,
      positions: this.#positions,
    };
  }
}

/** Where series are held out, all of their times may be scored. */
function limitsOf({ rule, cut }: Split): Partial<TimeLimits> {
  return rule === 'time' ? { notBefore: cut } : {};
}

function sameChannels({ header }: Artifact, spec: ModelSpec): boolean {
  return header.spec.channels.join('\n') === spec.channels.join('\n');
}

/** @param limits targets outside of it are not scored, ms */
function scoringWindows(places: readonly Place[], options: TrainerOptions, limits: Partial<TimeLimits>) {
  const random = createRandom(options.training.seed).fork('hidden');
  const shape: ScoringShape = {
    contextMs: options.window,
    horizonMs: options.horizon,
    maxObservations: options.maxObservations,
    maxTargets: SCORED_TARGETS,
    notBefore: Number.NEGATIVE_INFINITY,
    before: Number.POSITIVE_INFINITY,
    ...limits,
  };
  return {
    extrapolation: places.flatMap((place) => extrapolationWindow(place, shape) ?? []),
    interpolation: places.flatMap((place, i) => interpolationWindow(random.fork(i), place, shape) ?? []),
  };
}
