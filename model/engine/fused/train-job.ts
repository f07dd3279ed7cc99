/** Loss and gradient of a batch, or of some of its tiles, as one job of the kernels. */
import type { LossAndGradient, SolveStatus, TrainingBatch } from '../../latent/batch.ts';
import { MAX_KNOTS } from '../../latent/knots.ts';
import { countObserved } from '../../latent/likelihood.ts';
import type { ModelSpec } from '../../latent/spec.ts';
import { JobPlan, runJob } from './arena.ts';
import { planContext } from './context-part.ts';
import { TRAIN_JOB } from './job.ts';
import type { Kernels } from './kernel-library.ts';
import { type ModelTables, originTurns, planModel } from './model-cells.ts';
import { type Places, placesOf } from './places.ts';
import { statusOf } from './statuses.ts';

/** Samples first·lanes … (first + count)·lanes − 1 of a batch. */
export interface TileRange {
  readonly first: number;
  readonly count: number;
}

/** What some tiles of a batch add to its loss; gradients of ranges are added in their order. */
export interface PartialResult {
  readonly gradient: Float32Array;
  readonly loss: number;
  readonly negativeLogLikelihood: number;
  readonly kl: number;
  /** [K, B] of the range's trajectories; others are 0. */
  readonly status: Int32Array;
  readonly forward: Int32Array;
  readonly backward: Int32Array;
}

export function tilesOf(batch: TrainingBatch, lanes: number): number {
  return Math.ceil(batch.origins.length / lanes);
}

const BOUNDS = { elbo: 0, 'importance-weighted': 1 } as const;

/** Where a time is too far for any solve. */
export function beyondReach(places: Places): boolean {
  return places.left.some((left) => left >= MAX_KNOTS || left < -MAX_KNOTS);
}

export function trainTiles(
  kernels: Kernels,
  spec: ModelSpec,
  tables: ModelTables,
  parameters: Float32Array,
  batch: TrainingBatch,
  range: TileRange,
): PartialResult {
  const plan = new JobPlan();
  const trajectories = batch.noise.length / spec.latentSize;
  const results = resultRooms(plan, parameters.length, trajectories);
  const values = {
    model: planModel(plan, kernels, tables, parameters),
    context: planContext(plan, spec, batch.context),
    ...planTargets(plan, spec, batch),
    turns_at: plan.input(originTurns(spec, batch.origins)),
    noise_at: plan.input(batch.noise),
    draws: trajectories / batch.origins.length,
    bound: BOUNDS[batch.bound ?? 'elbo'],
    beta: batch.beta,
    weight: 1 / Math.max(1, countObserved(batch.targets)),
    first_tile: range.first,
    tiles: range.count,
    ...results,
  };
  runJob(kernels, plan, { operation: 'train', cells: TRAIN_JOB, values });
  return readResults(kernels, results, parameters.length, trajectories);
}

function planTargets(plan: JobPlan, spec: ModelSpec, { targets }: TrainingBatch) {
  const { left, u } = placesOf(targets.times, spec.solver.knotSpacing);
  return {
    target_offsets_at: plan.input(targets.offsets),
    target_left_at: plan.input(left),
    target_u_at: plan.input(u),
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

const SUMS = 3;

function readResults({ floats, ints }: Kernels, at: Rooms, parameters: number, trajectories: number): PartialResult {
  const counts = (from: number) => ints.slice(from, from + trajectories);
  return {
    gradient: floats.slice(at.gradient_at, at.gradient_at + parameters),
    loss: floats[at.sums_at],
    negativeLogLikelihood: floats[at.sums_at + 1],
    kl: floats[at.sums_at + 2],
    status: counts(at.status_at),
    forward: counts(at.forward_at),
    backward: counts(at.backward_at),
  };
}

/** The parts of a batch as its result; a failure takes no step: an infinite loss and a gradient of zero. */
export function joinParts(parts: readonly PartialResult[]): LossAndGradient {
  const add = (pick: (part: PartialResult) => number) => parts.reduce((sum, part) => sum + pick(part), 0);
  const joint = {
    loss: add((part) => part.loss),
    negativeLogLikelihood: add((part) => part.negativeLogLikelihood),
    kl: add((part) => part.kl),
    gradient: addArrays(parts.map((part) => part.gradient)),
    statistics: statisticsOf(parts),
  };
  const status = firstFailure(parts) ?? (isFinite(joint.loss, joint.gradient) ? 'success' : 'non-finite');
  return status === 'success' ? { ...joint, status } : failed(status, joint.gradient.length, joint.statistics);
}

export function failed(
  status: LossAndGradient['status'],
  parameters: number,
  statistics: LossAndGradient['statistics'],
): LossAndGradient {
  const loss = Number.POSITIVE_INFINITY;
  return { loss, negativeLogLikelihood: loss, kl: loss, gradient: new Float32Array(parameters), status, statistics };
}

function isFinite(loss: number, gradient: Float32Array): boolean {
  return Number.isFinite(loss) && gradient.every(Number.isFinite);
}

function firstFailure(parts: readonly PartialResult[]): SolveStatus | undefined {
  for (const { status } of parts) {
    const failure = status.find((code) => code !== 0);
    if (failure !== undefined) return statusOf(failure);
  }
  return undefined;
}

/** The sum in the order of the parts: the same bits for the same number of them. */
function addArrays<A extends Float32Array | Int32Array>(arrays: readonly A[]): A {
  const [sum, ...others] = arrays;
  for (const other of others) for (let i = 0; i < sum.length; i++) sum[i] += other[i];
  return sum;
}

function statisticsOf(parts: readonly PartialResult[]): LossAndGradient['statistics'] {
  const forwardByTrajectory = addArrays(parts.map((part) => part.forward));
  const backwardByTrajectory = addArrays(parts.map((part) => part.backward));
  const total = (counts: Int32Array) => counts.reduce((a, b) => a + b, 0);
  return {
    forwardEvaluations: total(forwardByTrajectory),
    backwardEvaluations: total(backwardByTrajectory),
    steps: 0,
    forwardByTrajectory,
    backwardByTrajectory,
  };
}
