/** Loss and gradient of one tile of a batch as one job of the kernels, and the sum of all tiles'. */
import type { LossAndGradient, SolveStatus, TrainingBatch } from '../../latent/batch.ts';
import { parameterLayout } from '../../latent/layout.ts';
import { countObserved } from '../../latent/likelihood.ts';
import type { ModelSpec } from '../../latent/spec.ts';
import { allFinite } from '../check-input.ts';
import { failedBatch } from '../failed-batch.ts';
import { JobPlan, runJob } from './arena.ts';
import { planContext } from './context-part.ts';
import { TRAIN_JOB } from './job.ts';
import type { Kernels } from './kernel-library.ts';
import { type ModelTables, modelTables, originTurns, planModel } from './model-cells.ts';
import { planPlaces } from './places.ts';
import { statusOf } from './statuses.ts';
import { tileOf } from './tile.ts';

/** One thread's means to train a model. */
export interface TileTrainer {
  readonly kernels: Kernels;
  readonly spec: ModelSpec;
  readonly tables: ModelTables;
  /** P */
  readonly parameters: number;
}

export function createTileTrainer(spec: ModelSpec, kernels: Kernels): TileTrainer {
  return { kernels, spec, tables: modelTables(spec), parameters: parameterLayout(spec).size };
}

/** What all tiles compute with. */
export interface TileTask {
  readonly parameters: Float32Array;
  readonly batch: TrainingBatch;
  /** One over the number of target entries of the whole batch. */
  readonly weight: number;
}

export function taskOf(parameters: Float32Array, batch: TrainingBatch): TileTask {
  return { parameters, batch, weight: 1 / Math.max(1, countObserved(batch.targets)) };
}

/** A place for what each tile gives: written in any order, by any thread, and added in the order of the tiles. */
export interface TileResults {
  /** [tiles, P] */
  readonly gradients: Float32Array;
  /** [tiles, 3] shares of the loss, of −log p and of the divergence. */
  readonly sums: Float32Array;
  /** [K, B] */
  readonly status: Int32Array;
  readonly forward: Int32Array;
  readonly backward: Int32Array;
}

export const SUMS = 3;

export function createResults(tiles: number, parameters: number, trajectories: number): TileResults {
  return {
    gradients: new Float32Array(tiles * parameters),
    sums: new Float32Array(tiles * SUMS),
    status: new Int32Array(trajectories),
    forward: new Int32Array(trajectories),
    backward: new Int32Array(trajectories),
  };
}

const BOUNDS = { elbo: 0, 'importance-weighted': 1 } as const;

export function trainTile(trainer: TileTrainer, task: TileTask, tile: number, results: TileResults): void {
  const { kernels, spec, tables } = trainer;
  const batch = tileOf(task.batch, spec.latentSize, tile, kernels.lanes);
  const plan = new JobPlan();
  const model = planModel(plan, kernels, tables, task.parameters);
  const samples = batch.origins.length;
  const draws = batch.noise.length / (samples * spec.latentSize);
  const rooms = resultRooms(plan, trainer.parameters, draws * samples);
  const values = {
    model,
    context: planContext(plan, spec, batch.context),
    ...planTargets(plan, spec, batch),
    turns_at: plan.input(originTurns(spec, batch.origins)),
    noise_at: plan.input(batch.noise),
    draws,
    bound: BOUNDS[batch.bound ?? 'elbo'],
    beta: batch.beta,
    weight: task.weight,
    ...rooms,
  };
  runJob(kernels, plan, { operation: 'train', cells: TRAIN_JOB, values });
  const place = { tile, first: tile * kernels.lanes, samples, draws, of: task.batch.origins.length };
  copyResults(kernels, rooms, place, results);
}

function planTargets(plan: JobPlan, spec: ModelSpec, { targets }: TrainingBatch) {
  const { left_at, u_at } = planPlaces(plan, targets.times, spec.solver.knotSpacing);
  return {
    target_offsets_at: plan.input(targets.offsets),
    target_left_at: left_at,
    target_u_at: u_at,
    target_values_at: plan.input(targets.values),
    target_mask_at: plan.input(targets.mask),
  };
}

type Rooms = Readonly<Record<'gradient_at' | 'sums_at' | 'status_at' | 'forward_at' | 'backward_at', number>>;

function resultRooms(plan: JobPlan, parameters: number, trajectories: number): Rooms {
  return {
    gradient_at: plan.room(parameters),
    sums_at: plan.room(SUMS),
    status_at: plan.room(trajectories),
    forward_at: plan.room(trajectories),
    backward_at: plan.room(trajectories),
  };
}

/** Which samples of the whole batch a tile holds. */
interface Place {
  readonly tile: number;
  readonly first: number;
  readonly samples: number;
  readonly draws: number;
  readonly of: number;
}

function copyResults({ floats, ints }: Kernels, at: Rooms, place: Place, results: TileResults): void {
  const { tile, first, samples, draws, of } = place;
  const parameters = results.gradients.length / Math.ceil(results.sums.length / SUMS);
  results.gradients.set(floats.subarray(at.gradient_at, at.gradient_at + parameters), tile * parameters);
  results.sums.set(floats.subarray(at.sums_at, at.sums_at + SUMS), tile * SUMS);
  for (let k = 0; k < draws; k++) {
    const copy = (from: number, to: Int32Array) =>
      to.set(ints.subarray(from + k * samples, from + (k + 1) * samples), k * of + first);
    copy(at.status_at, results.status);
    copy(at.forward_at, results.forward);
    copy(at.backward_at, results.backward);
  }
}

/** The whole batch's; a failure takes no step: an infinite loss and a gradient of zero. */
export function joinTiles({ gradients, sums, status, forward, backward }: TileResults): LossAndGradient {
  const gradient = addGradients(gradients, sums.length / SUMS);
  const sum = (which: number) => sums.reduce((total, share, i) => (i % SUMS === which ? total + share : total), 0);
  const [loss, negativeLogLikelihood, kl] = [sum(0), sum(1), sum(2)];
  const statistics = statisticsOf(forward, backward);
  const found = firstFailure(status) ?? (Number.isFinite(loss) && allFinite(gradient) ? 'success' : 'non-finite');
  if (found !== 'success') return failedBatch(found, gradient.length, statistics);
  return { loss, negativeLogLikelihood, kl, gradient, status: found, statistics };
}

/** Added in the order of the tiles: the same bits whoever computed which. */
function addGradients(gradients: Float32Array, tiles: number): Float32Array {
  const size = gradients.length / tiles;
  const sum = gradients.slice(0, size);
  for (let tile = 1, at = size; tile < tiles; tile++) {
    for (let i = 0; i < size; i++, at++) sum[i] += gradients[at];
  }
  return sum;
}

function firstFailure(status: Int32Array): SolveStatus | undefined {
  const failure = status.find((code) => code !== 0);
  return failure === undefined ? undefined : statusOf(failure);
}

function statisticsOf(forward: Int32Array, backward: Int32Array): LossAndGradient['statistics'] {
  const total = (counts: Int32Array) => counts.reduce((a, b) => a + b, 0);
  return {
    forwardEvaluations: total(forward),
    backwardEvaluations: total(backward),
    steps: 0,
    forwardByTrajectory: forward.slice(),
    backwardByTrajectory: backward.slice(),
  };
}
