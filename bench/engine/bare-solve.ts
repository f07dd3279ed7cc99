/** The kernels' bare solve as something to time: the job is laid out once, and each run is one call. */
import { JobPlan, runJob } from '../../model/engine/fused/arena.ts';
import { operationCode, SOLVE_JOB } from '../../model/engine/fused/job.ts';
import type { Kernels } from '../../model/engine/fused/kernels.ts';
import { modelTables, solverCells } from '../../model/engine/fused/model-cells.ts';
import type { GradientMode, SolverMethod } from '../../model/latent/spec.ts';
import { BATCH, FIELDS, type FieldName, fieldProblem, spiralsSpec } from './problem.ts';
import type { Work } from './serve.ts';

export interface BareSolve {
  readonly field: FieldName;
  readonly gain: number;
  readonly method: SolverMethod;
  /** Undefined: forward only. */
  readonly gradient: GradientMode | undefined;
  readonly steps: number;
  readonly spacing: number;
  readonly tolerance: number;
}

export function prepareBareSolve(kernels: Kernels, solve: BareSolve): Work {
  const { latent } = FIELDS[solve.field];
  const problem = fieldProblem(solve.field, solve.gain);
  const size = problem.parameters.length;
  const plan = new JobPlan();
  const values = jobValues(plan, solve, problem);
  const job = plan.cells;
  runJob(kernels, plan, { operation: 'solve', cells: SOLVE_JOB, values });
  const read = (at: number, length: number) => kernels.floats.slice(at, at + length);
  return {
    run: () => kernels.run(operationCode('solve'), job),
    check: () => {
      const end = read(values.end_at, BATCH * latent);
      if (solve.gradient === undefined) return { sum: sumOf(end), squares: squaresOf(end) };
      const norms = squaresOf(read(values.gradient_at, size)) + squaresOf(read(values.z_gradient_at, BATCH * latent));
      return { loss: squaresOf(end), gradient: Math.sqrt(norms) };
    },
  };
}

function jobValues(plan: JobPlan, solve: BareSolve, { parameters, z0 }: ReturnType<typeof fieldProblem>) {
  const { latent, units } = FIELDS[solve.field];
  const spec = spiralsSpec(solve.method, solve.gradient);
  const control = { knotSpacing: solve.spacing, rtol: solve.tolerance, atol: solve.tolerance };
  return {
    latent,
    units,
    depth: 1,
    parameters_at: plan.input(parameters, 64),
    tableau_at: plan.input(modelTables(spec).tableau),
    ...solverCells({ ...spec.solver, ...control }),
    steps: solve.steps,
    samples: BATCH,
    z0_at: plan.input(z0),
    backward: solve.gradient === undefined ? 0 : 1,
    end_at: plan.room(z0.length),
    z_gradient_at: plan.room(z0.length),
    gradient_at: plan.room(parameters.length),
    status_at: plan.room(BATCH),
    forward_at: plan.room(BATCH),
    backward_at: plan.room(BATCH),
  };
}

const sumOf = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0);
const squaresOf = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
