/** A spec in the kernels' terms: sizes, methods as tables from `model/ode`, periods in turns. */
import { logNormaliser } from '../../latent/likelihood.ts';
import type { GradientMode, ModelSpec, SolverMethod } from '../../latent/spec.ts';
import { dopri5, type ExplicitRungeKutta, euler, midpoint, rk4, tsit5 } from '../../ode/index.ts';
import { JobPlan } from './arena.ts';
import { MODEL_CELLS, packCells } from './job.ts';
import type { Kernels } from './kernel-library.ts';

/** The methods in the order of `enum method`. Reversible Heun is no table: its entry only says that it has an Euler's stages. */
export const METHODS: Readonly<Record<SolverMethod, { readonly code: number; readonly table: ExplicitRungeKutta }>> = {
  euler: { code: 0, table: euler },
  midpoint: { code: 1, table: midpoint },
  rk4: { code: 2, table: rk4 },
  'reversible-heun': { code: 3, table: euler },
  dopri5: { code: 4, table: dopri5 },
  tsit5: { code: 5, table: tsit5 },
};

/** `enum gradient`: kept or recomputed stages give the same bits, so the kernels choose by what fits. */
const GRADIENTS: Readonly<Record<GradientMode, number>> = { checkpointed: 0, backprop: 0, adjoint: 1, reversible: 2 };

const ENCODERS = { gru: 0, 'ode-rnn': 1 } as const;
const LIKELIHOODS = { gaussian: 0, 'student-t': 1 } as const;

/** An adaptive solve that takes more steps than this ends in `max-steps`. */
const MAX_STEPS = 100_000;

const MAX_STAGES = 7;
const DENSE_POWERS = 4;

/** [units, 7, …] in the order of struct tableau: three integers, then floats. */
export function tableauCells({ tableau }: ExplicitRungeKutta): { head: Int32Array; body: Float32Array } {
  const { a, b, c, stages, order, fsal, error, dense } = tableau;
  const row = (weights: readonly number[] = [], length = MAX_STAGES): number[] =>
    Array.from({ length }, (_, i) => weights[i] ?? 0);
  const rows = (table: readonly (readonly number[])[] = [], length = MAX_STAGES): number[] =>
    Array.from({ length: MAX_STAGES }, (_, i) => row(table[i], length)).flat();
  const body = [...rows(a), ...row(b), ...row(c), ...row(error?.weights), ...rows(dense?.weights, DENSE_POWERS)];
  return { head: Int32Array.of(stages, order, fsal ? 1 : 0), body: Float32Array.from(body) };
}

/** Integers and floats of one struct: floats are carried by their bits. */
function asInts({ head, body }: { head: Int32Array; body: Float32Array }): Int32Array {
  const cells = new Int32Array(head.length + body.length);
  cells.set(head);
  cells.set(new Int32Array(body.buffer), head.length);
  return cells;
}

/** [periods] turns in one unit of model time. */
function turnRates(spec: ModelSpec): Float32Array {
  return Float32Array.from(spec.dynamics.periodsMs, (period) => spec.timescaleMs / period);
}

/** [B, periods] phase of each origin (ms) in turns, 0 ≤ x < 1: taken in f64, milliseconds since 1970 need 41 bits. */
export function originTurns(spec: ModelSpec, origins: ArrayLike<number>): Float32Array {
  const periods = spec.dynamics.periodsMs;
  return Float32Array.from({ length: origins.length * periods.length }, (_, i) => {
    const period = periods[i % periods.length];
    return (origins[Math.floor(i / periods.length)] % period) / period;
  });
}

/** What of a spec does not change from job to job. */
export interface ModelTables {
  readonly tableau: Int32Array;
  readonly drift: Int32Array;
  readonly rates: Float32Array;
  /** MODEL_CELLS, packed. */
  readonly cells: Int32Array;
}

export function modelTables(spec: ModelSpec): ModelTables {
  const { encoder, solver } = spec;
  const tables = {
    tableau: asInts(tableauCells(METHODS[solver.method].table)),
    drift: asInts(tableauCells(midpoint)),
    rates: turnRates(spec),
  };
  const drift = encoder.kind === 'ode-rnn' ? encoder.drift : { units: 0, steps: 0 };
  const sizes = { ...sizesOf(spec), drift_units: drift.units, drift_steps: drift.steps };
  const places = planTables(new JobPlan(), tables);
  return { ...tables, cells: packCells(MODEL_CELLS, { ...sizes, ...solverCells(solver), ...places }) };
}

function sizesOf({ channels, latentSize, encoder, dynamics, decoder }: ModelSpec) {
  return {
    channels: channels.length,
    latent: latentSize,
    encoder_kind: ENCODERS[encoder.kind],
    encoder_units: encoder.units,
    dynamics_units: dynamics.units,
    dynamics_depth: dynamics.depth,
    periods: dynamics.periodsMs.length,
    decoder_units: decoder.units,
    likelihood: LIKELIHOODS[decoder.likelihood],
    degrees: decoder.likelihood === 'student-t' ? decoder.degreesOfFreedom : 0,
    log_normaliser: logNormaliser(decoder),
  };
}

export function solverCells({ method, gradient, knotSpacing, rtol, atol }: ModelSpec['solver']) {
  return {
    method: METHODS[method].code,
    gradient: GRADIENTS[gradient],
    max_steps: MAX_STEPS,
    spacing: knotSpacing,
    rtol,
    atol,
  };
}

/** Where they lie in a job, and behind them the parameters. */
function planTables(plan: JobPlan, { tableau, drift, rates }: Omit<ModelTables, 'cells'>) {
  const places = {
    tableau_at: plan.input(tableau),
    drift_tableau_at: plan.input(drift),
    rates_at: plan.input(rates),
  };
  return { ...places, parameters_at: plan.cells };
}

/** Plans the model's part of a job, which is the first of every job: so it always lies where its cells say. */
export function planModel(
  plan: JobPlan,
  { vectorLength }: Kernels,
  tables: ModelTables,
  parameters: Float32Array,
): Int32Array {
  if (plan.cells > 0) throw new RangeError('A model is planned before all else of its job.');
  planTables(plan, tables);
  // A single lane's kernels read whole vectors of weights, beyond the last too.
  plan.input(parameters, 2 * vectorLength);
  return tables.cells;
}
