/**
 * The latent vector field dz/dt = MLP([z, sin and cos of the absolute time]) for a batch: row r of a state belongs to
 * sample r mod B, so that K posterior samples of a batch are one state of K·B rows.
 */
import { createPhaseTable } from '../../latent/phase.ts';
import type { ModelSpec } from '../../latent/spec.ts';
import type { VectorField } from '../../ode/vector-field.ts';
import { createGradientRecorder, type FieldGradient } from './field-gradient.ts';
import type { Matrix } from './matrix.ts';
import { forward, hiddenInputs, type Mlp, pull } from './mlp.ts';
import type { Ops } from './ops.ts';

export interface DynamicsField extends VectorField<Matrix, FieldGradient> {
  /** f at many times at once: the rows of the states of all times below one another, [times·rows, L]. */
  evaluateAll(times: readonly number[], states: Matrix): Matrix;
  /** Backwards through `evaluateAll`. */
  pullAll(times: readonly number[], states: Matrix, cotangents: Matrix): { y: Matrix; parameters: FieldGradient };
}

export function createDynamicsField(
  ops: Ops,
  mlp: Mlp,
  spec: ModelSpec,
  origins: Float64Array,
  rows: number,
): DynamicsField {
  const withPhase = phaseAppender(ops, spec, repeat(origins, rows));
  const record = createGradientRecorder(ops);
  const pulled = (x: Matrix, cotangent: Matrix) => {
    const inputs = hiddenInputs(ops, mlp, x);
    const { input, deltas } = pull(ops, mlp, inputs, cotangent);
    return { y: input, parameters: record({ inputs, deltas }) };
  };
  return {
    evaluate: (t, y) => forward(ops, mlp, withPhase([t], y)).output,
    vjp: (t, y, _, cotangent) => pulled(withPhase([t], y), cotangent),
    evaluateAll: (times, states) => forward(ops, mlp, withPhase(times, states)).output,
    pullAll: (times, states, cotangents) => pulled(withPhase(times, states), cotangents),
  };
}

function repeat(origins: Float64Array, rows: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) => origins[i % origins.length]);
}

type PhaseAppender = (times: readonly number[], states: Matrix) => Matrix;

function phaseAppender(ops: Ops, spec: ModelSpec, origins: Float64Array): PhaseAppender {
  const table = createPhaseTable(spec, origins);
  if (table.columns === 0) return (_, states) => states;
  return (times, states) => {
    const phases = new Float32Array(states.rows * table.columns);
    times.forEach((t, i) => {
      phases.set(table.at(t), i * origins.length * table.columns);
    });
    return ops.appendColumns(states, ops.upload(phases, states.rows, table.columns));
  };
}
