/** From z₀ to the path and the observation distribution at any times, for each sample by itself. */
import { type Decoded, type DecodeRequest, type SolveStatus, sampleOfRows } from '../../latent/batch.ts';
import { knotRange, knotTimes, knotWeights, readKnots } from '../../latent/knots.ts';
import { observables } from '../../latent/likelihood.ts';
import { type Solution, solve } from '../../ode/index.ts';
import { decodeRefusal, selectSamples } from '../decode-request.ts';
import { createDynamicsField, type DynamicsField } from './dynamics-field.ts';
import { NO_GRADIENT } from './field-gradient.ts';
import type { Matrix } from './matrix.ts';
import { forward } from './mlp.ts';
import type { Ops } from './ops.ts';
import { solverOf } from './solver-choice.ts';
import { tensorSpace } from './tensor-space.ts';
import { loadDecoder, loadDynamics, type ModelPlan } from './weights.ts';

/** The answer as it is filled in, sample by sample. */
interface Answer {
  readonly latent: Float32Array;
  readonly status: SolveStatus[];
  readonly statistics: { functionEvaluations: number; steps: number };
}

export function decode(ops: Ops, plan: ModelPlan, parameters: Float32Array, request: DecodeRequest): Decoded {
  return ops.scope(() => {
    const { spec } = plan;
    const batch = request.origins.length;
    const answer: Answer = {
      latent: new Float32Array(request.times.length * spec.latentSize).fill(Number.NaN),
      status: Array.from({ length: batch }, (_, b) => decodeRefusal(spec, request, b) ?? 'success'),
      statistics: { functionEvaluations: 0, steps: 0 },
    };
    const solvable = answer.status.flatMap((status, b) => (status === 'success' ? [b] : []));
    const dynamics = loadDynamics(ops, plan, parameters);
    fillPaths({ ops, plan, request, dynamics, answer }, solvable);
    return { ...observe(ops, plan, parameters, request, answer), ...answer };
  });
}

interface Work {
  readonly ops: Ops;
  readonly plan: ModelPlan;
  readonly request: DecodeRequest;
  readonly dynamics: Parameters<typeof createDynamicsField>[1];
  readonly answer: Answer;
}

/** Adaptive steps are shared by a batch: when they fail, halves are solved apart until the one at fault is alone. */
function fillPaths(work: Work, samples: readonly number[]): void {
  if (samples.length === 0) return;
  const status = work.ops.scope(() => fillTogether(work, samples));
  if (status === 'success') return;
  if (samples.length === 1) {
    work.answer.status[samples[0]] = status;
    return;
  }
  const half = samples.length >> 1;
  fillPaths(work, samples.slice(0, half));
  fillPaths(work, samples.slice(half));
}

function fillTogether({ ops, plan, request, dynamics, answer }: Work, samples: readonly number[]): SolveStatus {
  const part = selectSamples(plan.spec, request, samples);
  const spacing = plan.spec.solver.knotSpacing;
  const range = knotRange(part.times, spacing);
  const knots = knotTimes(range, spacing);
  const field = createDynamicsField(ops, dynamics, plan.spec, part.origins, samples.length);
  const solved = solveBothWays(ops, plan, field, part.z0, knots, answer.statistics);
  if (solved.status !== 'success') return solved.status;
  const states = ops.stackRows(solved.states);
  const slopes = field.evaluateAll(knots, states);
  answer.statistics.functionEvaluations += knots.length;
  const reading = {
    at: knotWeights(part.times, spacing, range),
    samples: sampleOfRows(part.offsets),
    rows: samples.length,
    latentSize: plan.spec.latentSize,
  };
  const latent = readKnots(reading, { states: ops.download(states), slopes: ops.download(slopes) });
  store(answer, plan, request, samples, part.offsets, latent);
  return 'success';
}

/** A trajectory's numbers, or why it has none: with fixed steps its neighbours are right all the same. */
function store(
  answer: Answer,
  { spec }: ModelPlan,
  { offsets }: DecodeRequest,
  samples: readonly number[],
  starts: Int32Array,
  latent: Float32Array,
): void {
  const { latentSize: l } = spec;
  samples.forEach((b, i) => {
    const path = latent.subarray(starts[i] * l, starts[i + 1] * l);
    if (path.every(Number.isFinite)) answer.latent.set(path, offsets[b] * l);
    else answer.status[b] = 'non-finite';
  });
}

/** States at all knots in the order of time, from z₀ at 0 forwards and backwards. */
function solveBothWays(
  ops: Ops,
  plan: ModelPlan,
  field: DynamicsField,
  z0: Float32Array,
  knots: readonly number[],
  statistics: Answer['statistics'],
): { status: SolveStatus; states: Matrix[] } {
  const y0 = ops.upload(z0, z0.length / plan.spec.latentSize, plan.spec.latentSize);
  const { fixed, method, controller } = solverOf(plan.spec.solver);
  const space = tensorSpace(ops);
  const oneWay = (times: readonly number[]): Solution<Matrix> => {
    const options = { space, field, parameters: NO_GRADIENT, y0, t0: 0, method, controller };
    return solve({ ...options, saveAt: { times } });
  };
  const before = knots.filter((t) => t < 0);
  const solutions = [...(before.length > 0 ? [oneWay(before)] : []), oneWay(knots.filter((t) => t >= 0))];
  for (const solution of solutions) {
    statistics.functionEvaluations += solution.statistics.functionEvaluations;
    statistics.steps += solution.statistics.accepted + solution.statistics.rejected;
  }
  // With fixed steps all knots are there, and each trajectory is judged by itself.
  const failure = fixed ? undefined : solutions.find(({ status }) => status !== 'success');
  return { status: failure?.status ?? 'success', states: solutions.flatMap(({ ys }) => ys) };
}

function observe(
  ops: Ops,
  plan: ModelPlan,
  parameters: Float32Array,
  request: DecodeRequest,
  answer: Answer,
): Pick<Decoded, 'mean' | 'scale'> {
  const rows = request.times.length;
  if (rows === 0) return { mean: new Float32Array(0), scale: new Float32Array(0) };
  const decoder = loadDecoder(ops, plan, parameters);
  const output = ops.download(forward(ops, decoder, ops.upload(answer.latent, rows, plan.spec.latentSize)).output);
  return judged(plan, request, answer, observables(output, plan.spec.channels.length));
}

/** A sample whose decoder overflows has failed as well: all of its rows hold no numbers. */
function judged(
  { spec }: ModelPlan,
  { offsets }: DecodeRequest,
  { status, latent }: Answer,
  { mean, scale }: Pick<Decoded, 'mean' | 'scale'>,
): Pick<Decoded, 'mean' | 'scale'> {
  const d = spec.channels.length;
  status.forEach((_, b) => {
    const rows = [mean, scale].map((values) => values.subarray(offsets[b] * d, offsets[b + 1] * d));
    if (status[b] === 'success' && rows.every((values) => values.every(Number.isFinite))) return;
    if (status[b] === 'success') status[b] = 'non-finite';
    for (const values of rows) values.fill(Number.NaN);
    latent.fill(Number.NaN, offsets[b] * spec.latentSize, offsets[b + 1] * spec.latentSize);
  });
  return { mean, scale };
}
