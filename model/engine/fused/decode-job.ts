/** Paths and their observation distributions as one job of the kernels; samples that cannot be solved at all stay out of it. */
import type { Decoded, DecodeRequest, SolveStatus } from '../../latent/batch.ts';
import type { ModelSpec } from '../../latent/spec.ts';
import { decodeRefusal, selectSamples } from '../decode-request.ts';
import { JobPlan, runJob } from './arena.ts';
import { DECODE_JOB } from './job.ts';
import type { Kernels } from './kernel-library.ts';
import { type ModelTables, originTurns, planModel } from './model-cells.ts';
import { planPlaces } from './places.ts';
import { statusOf } from './statuses.ts';

export function decodePaths(
  kernels: Kernels,
  spec: ModelSpec,
  tables: ModelTables,
  parameters: Float32Array,
  request: DecodeRequest,
): Decoded {
  const refusals = Array.from(request.origins, (_, b) => decodeRefusal(spec, request, b));
  const chosen = refusals.flatMap((status, b) => (status === undefined ? [b] : []));
  const everything = chosen.length === refusals.length;
  const part = everything ? request : selectSamples(spec, request, chosen);
  const solved = decodeAll(kernels, spec, tables, parameters, part);
  return everything ? solved : spreadOut(spec, request, refusals, chosen, solved);
}

function decodeAll(
  kernels: Kernels,
  spec: ModelSpec,
  tables: ModelTables,
  parameters: Float32Array,
  { z0, origins, offsets, times }: DecodeRequest,
): Decoded {
  const plan = new JobPlan();
  const [samples, rows, channels] = [origins.length, times.length, spec.channels.length];
  const values = {
    model: planModel(plan, kernels, tables, parameters),
    samples,
    z0_at: plan.input(z0),
    turns_at: plan.input(originTurns(spec, origins)),
    offsets_at: plan.input(offsets),
    ...planPlaces(plan, times, spec.solver.knotSpacing),
    latent_at: plan.room(rows * spec.latentSize),
    mean_at: plan.room(rows * channels),
    scale_at: plan.room(rows * channels),
    status_at: plan.room(samples),
    evaluations_at: plan.room(samples),
  };
  runJob(kernels, plan, { operation: 'decode', cells: DECODE_JOB, values });
  const floats = (at: number, size: number) => kernels.floats.slice(at, at + size);
  const evaluationsByTrajectory = kernels.ints.slice(values.evaluations_at, values.evaluations_at + samples);
  const decoded = {
    latent: floats(values.latent_at, rows * spec.latentSize),
    mean: floats(values.mean_at, rows * channels),
    scale: floats(values.scale_at, rows * channels),
    status: Array.from(kernels.ints.subarray(values.status_at, values.status_at + samples), statusOf),
    statistics: {
      functionEvaluations: evaluationsByTrajectory.reduce((a, b) => a + b, 0),
      steps: evaluationsByTrajectory.reduce((a, b) => Math.max(a, b), 0),
      evaluationsByTrajectory,
    },
  };
  decoded.status.forEach((status, b) => {
    if (status !== 'success') blank(decoded, spec, offsets[b], offsets[b + 1]);
  });
  return decoded;
}

type Rows = Pick<Decoded, 'latent' | 'mean' | 'scale'>;

/** A failed sample's rows hold no numbers. */
function blank({ latent, mean, scale }: Rows, spec: ModelSpec, from: number, to: number): void {
  const channels = spec.channels.length;
  latent.fill(Number.NaN, from * spec.latentSize, to * spec.latentSize);
  mean.fill(Number.NaN, from * channels, to * channels);
  scale.fill(Number.NaN, from * channels, to * channels);
}

/** The chosen samples' results among the refused ones'. */
function spreadOut(
  spec: ModelSpec,
  { offsets, times }: DecodeRequest,
  refusals: readonly (SolveStatus | undefined)[],
  chosen: readonly number[],
  solved: Decoded,
): Decoded {
  const [l, d] = [spec.latentSize, spec.channels.length];
  const blankRows = (units: number) => new Float32Array(times.length * units).fill(Number.NaN);
  const evaluationsByTrajectory = new Int32Array(refusals.length);
  const status = refusals.map((reason) => reason ?? 'success');
  const all = { latent: blankRows(l), mean: blankRows(d), scale: blankRows(d) };
  let from = 0;
  chosen.forEach((b, i) => {
    const to = from + offsets[b + 1] - offsets[b];
    all.latent.set(solved.latent.subarray(from * l, to * l), offsets[b] * l);
    all.mean.set(solved.mean.subarray(from * d, to * d), offsets[b] * d);
    all.scale.set(solved.scale.subarray(from * d, to * d), offsets[b] * d);
    status[b] = solved.status[i];
    evaluationsByTrajectory[b] = solved.statistics.evaluationsByTrajectory?.[i] ?? 0;
    from = to;
  });
  return { ...all, status, statistics: { ...solved.statistics, evaluationsByTrajectory } };
}
