/**
 * Loss and gradient of one batch. The heavy parts (encoder, ODE, decoder) run on the device with their way back written
 * by hand; what is small or needs f64 (posterior, interpolation weights, likelihood) runs on the host between them.
 */
import {
  type LossAndGradient,
  type Ragged,
  type SolveStatus,
  sampleOfRows,
  type TrainingBatch,
} from '../../latent/batch.ts';
import { type BoundValue, boundOf } from '../../latent/bound.ts';
import {
  type KnotReading,
  type KnotValues,
  knotRange,
  knotTimes,
  knotWeights,
  MAX_KNOTS,
  readKnots,
  scatterToKnots,
} from '../../latent/knots.ts';
import { countObserved, likelihoodCotangent, negativeLogLikelihoods } from '../../latent/likelihood.ts';
import { posteriorCotangent, posteriorOf, reparameterise } from '../../latent/posterior.ts';
import { type Differentiable, solveWithGradient } from '../../ode/index.ts';
import { failedBatch } from '../failed-batch.ts';
import { createDynamicsField, type DynamicsField } from './dynamics-field.ts';
import { addFieldGradient, type FieldGradient, fieldGradientSpace, NO_GRADIENT } from './field-gradient.ts';
import { encode, pullEncoder } from './gru-encoder.ts';
import type { Matrix } from './matrix.ts';
import { forward, type Mlp, pull, unfoldGradient } from './mlp.ts';
import type { Ops } from './ops.ts';
import { solverOf } from './solver-choice.ts';
import { tensorSpace } from './tensor-space.ts';
import { loadDecoder, loadDynamics, loadModelEncoder, type ModelPlan } from './weights.ts';

type Statistics = LossAndGradient['statistics'];

/** What the ODE and the decoder make of z₀. */
interface DataTerm {
  readonly status: SolveStatus;
  readonly bound: BoundValue;
  /** [K, B, L] */
  readonly z0Cotangent: Float32Array;
  readonly statistics: Statistics;
}

const NOTHING_SOLVED: Statistics = { forwardEvaluations: 0, backwardEvaluations: 0, steps: 0 };

export function lossAndGradient(
  ops: Ops,
  plan: ModelPlan,
  parameters: Float32Array,
  batch: TrainingBatch,
): LossAndGradient {
  return ops.scope(() => {
    const { spec } = plan;
    const gradient = new Float32Array(plan.size);
    const encoder = loadModelEncoder(ops, plan, parameters);
    const pass = encode(ops, encoder, spec, batch.context);
    const posterior = posteriorOf(ops.download(pass.output), spec.latentSize);
    const z0 = reparameterise(posterior, batch.noise);
    if (!z0.every(Number.isFinite)) return failedBatch('non-finite', plan.size, NOTHING_SOLVED);
    const weight = 1 / Math.max(1, countObserved(batch.targets));
    const judge: Judge = (negativeLogs) => {
      return boundOf({ batch, posterior, z0, negativeLogs, samples: z0.length / posterior.mean.length });
    };
    const data = dataTerm(ops, plan, parameters, batch, z0, { judge, weight }, gradient);
    if (data.status !== 'success') return failedBatch(data.status, plan.size, data.statistics);
    const { bound, z0Cotangent } = data;
    const head = posteriorCotangent({
      posterior,
      noise: batch.noise,
      z0,
      z0Cotangent,
      weight: batch.beta * weight,
      latentSize: spec.latentSize,
      ...(batch.bound === 'importance-weighted' && { shares: bound.shares }),
    });
    const cotangent = ops.upload(head, batch.origins.length, 2 * spec.latentSize);
    pullEncoder(ops, encoder, pass, cotangent, gradient, plan.blocks);
    const negativeLogLikelihood = bound.negativeLog * weight;
    const kl = bound.divergence * weight;
    const loss = bound.loss * weight;
    if (!Number.isFinite(loss) || !gradient.every(Number.isFinite))
      return failedBatch('non-finite', plan.size, data.statistics);
    return { loss, negativeLogLikelihood, kl, gradient, status: 'success', statistics: data.statistics };
  });
}

/** From [K, B] −log p to the bound. */
type Judge = (negativeLogs: Float64Array) => BoundValue;

/** How the likelihoods become the loss. */
interface Objective {
  readonly judge: Judge;
  /** One over the number of counted entries. */
  readonly weight: number;
}

function dataTerm(
  ops: Ops,
  plan: ModelPlan,
  parameters: Float32Array,
  batch: TrainingBatch,
  z0: Float32Array,
  objective: Objective,
  gradient: Float32Array,
): DataTerm {
  const none = (status: SolveStatus, statistics = NOTHING_SOLVED): DataTerm => {
    const bound = objective.judge(new Float64Array(z0.length / plan.spec.latentSize));
    return { status, bound, z0Cotangent: new Float32Array(z0.length), statistics };
  };
  const { targets } = batch;
  if (targets.times.length === 0) return none('success');
  const path = createPath(plan, batch, z0);
  if (path.knots.length > MAX_KNOTS) return none('max-steps');
  const mlp = loadDynamics(ops, plan, parameters);
  const field = createDynamicsField(ops, mlp, plan.spec, batch.origins, path.reading.rows);
  const solved = solvePath(ops, plan, field, z0, path);
  const { solution } = solved;
  if (solution.status !== 'success') return none(solution.status, statisticsOf(path, solved));
  const states = ops.stackRows(solution.ys);
  const slopes = field.evaluateAll(path.knots, states);
  const latent = readKnots(path.reading, { states: ops.download(states), slopes: ops.download(slopes) });
  const read = decodeLoss(ops, plan, parameters, targets, latent, objective, gradient);
  const knots = scatterToKnots(path.reading, read.latentCotangent, path.knots.length);
  const back = pullPath(ops, field, path, states, solved, knots);
  addFieldGradient(ops, mlp, back.parameters, gradient);
  return {
    status: back.status,
    bound: read.bound,
    z0Cotangent: ops.download(back.z0),
    statistics: statisticsOf(path, solved, back.evaluations),
  };
}

/** Where the ODE is solved and what is read of it. */
interface Path {
  /** [J] model times. */
  readonly knots: readonly number[];
  readonly reading: KnotReading;
}

function createPath({ spec }: ModelPlan, { targets, origins }: TrainingBatch, z0: Float32Array): Path {
  const spacing = spec.solver.knotSpacing;
  const range = knotRange(targets.times, spacing);
  const rows = z0.length / spec.latentSize;
  const samples = sampleOfRows(targets.offsets);
  const copies = rows / origins.length;
  const times = repeated(targets.times, copies);
  const reading = {
    at: knotWeights(times, spacing, range),
    samples: Int32Array.from(
      times,
      (_, i) => samples[i % samples.length] + origins.length * Math.floor(i / samples.length),
    ),
    rows,
    latentSize: spec.latentSize,
  };
  return { knots: knotTimes(range, spacing), reading };
}

function repeated(times: Float64Array, copies: number): Float64Array {
  return Float64Array.from({ length: copies * times.length }, (_, i) => times[i % times.length]);
}

type Solved = Differentiable<Matrix, FieldGradient>;

function solvePath(
  ops: Ops,
  { spec }: ModelPlan,
  field: DynamicsField,
  z0: Float32Array,
  { knots, reading }: Path,
): Solved {
  return solveWithGradient({
    ...solverOf(spec.solver),
    space: tensorSpace(ops),
    parameterSpace: fieldGradientSpace(ops),
    field,
    parameters: NO_GRADIENT,
    y0: ops.upload(z0, reading.rows, spec.latentSize),
    t0: 0,
    saveAt: { times: knots },
  });
}

function statisticsOf({ knots }: Path, { solution }: Solved, backwardEvaluations = 0): Statistics {
  const { functionEvaluations, accepted, rejected } = solution.statistics;
  return { forwardEvaluations: functionEvaluations + knots.length, backwardEvaluations, steps: accepted + rejected };
}

/** Through the decoder and the likelihood and back to the latent path. */
function decodeLoss(
  ops: Ops,
  plan: ModelPlan,
  parameters: Float32Array,
  targets: Ragged,
  latent: Float32Array,
  { judge, weight }: Objective,
  gradient: Float32Array,
): { bound: BoundValue; latentCotangent: Float32Array } {
  const decoder: Mlp = loadDecoder(ops, plan, parameters);
  const rows = latent.length / plan.spec.latentSize;
  const pass = forward(ops, decoder, ops.upload(latent, rows, plan.spec.latentSize));
  const decoded = { decoder: plan.spec.decoder, output: ops.download(pass.output), targets };
  const bound = judge(negativeLogLikelihoods(decoded));
  const weights = bound.shares.map((share) => share * weight);
  const cotangent = likelihoodCotangent(decoded, weights);
  const back = pull(ops, decoder, pass.inputs, ops.upload(cotangent, rows, 2 * targets.channels));
  decoder.layers.forEach((layer, i) => {
    unfoldGradient(gradient, layer, ops.download(ops.contract([[pass.inputs[i]]], [back.deltas[i]])));
  });
  return { bound, latentCotangent: ops.download(back.input) };
}

interface PathGradient {
  readonly status: SolveStatus;
  readonly z0: Matrix;
  readonly parameters: FieldGradient;
  readonly evaluations: number;
}

/** From the cotangents at the knots: the slopes' go through the field, then all states' back through the solve. */
function pullPath(
  ops: Ops,
  field: DynamicsField,
  { knots, reading }: Path,
  states: Matrix,
  solved: Solved,
  cotangents: KnotValues,
): PathGradient {
  const upload = (values: Float32Array) => ops.upload(values, states.rows, states.columns);
  const slopes = field.pullAll(knots, states, upload(cotangents.slopes));
  const joint = ops.combine(upload(cotangents.states), [1], [slopes.y]);
  const byKnot = knots.map((_, j) => ops.sliceRows(joint, j * reading.rows, reading.rows));
  const back = solved.pullback(byKnot);
  const parameters = fieldGradientSpace(ops).combine(back.parameters, [1], [slopes.parameters]);
  const evaluations = back.statistics.functionEvaluations + knots.length;
  return { status: back.status, z0: back.y0, parameters, evaluations };
}
