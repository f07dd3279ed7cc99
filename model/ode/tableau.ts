/**
 * An explicit Runge–Kutta method as a constant table, checked where it is built, so that the stepper need not.
 * Notation of Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I, section II.1.
 */
import { OdeError } from './ode-error.ts';

export interface TableauSpec {
  readonly name: string;
  /** Order of the solution that is propagated. */
  readonly order: number;
  /** [s] times of the stages, in units of the step. */
  readonly c: readonly number[];
  /** Row i has i entries: weights of the stages before stage i. */
  readonly a: readonly (readonly number[])[];
  /** [s] weights of the propagated solution. */
  readonly b: readonly number[];
  /** [s] b minus the embedded weights, and the order of the embedded solution. Absent: no error estimate. */
  readonly error?: { readonly weights: readonly number[]; readonly order: number };
  /** [s][k] stage i weighs Σₖ dense[i][k]·θᵏ⁺¹ at fraction θ of the step. Absent: cubic Hermite. */
  readonly dense?: readonly (readonly number[])[];
}

export interface Tableau extends TableauSpec {
  readonly stages: number;
  /** First same as last: the last stage is the slope at the end of the step. Derived, never declared. */
  readonly fsal: boolean;
}

const TOLERANCE = 1e-12;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function check(spec: TableauSpec, condition: boolean, what: string): void {
  if (!condition) throw new OdeError('bad-tableau', `Tableau ${spec.name}: ${what}.`);
}

function checkShape(spec: TableauSpec): void {
  const stages = spec.b.length;
  check(spec, stages > 0 && spec.c.length === stages && spec.a.length === stages, 'a, b and c need one row a stage');
  spec.a.forEach((row, i) => {
    check(spec, row.length === i, `row ${i} of a needs ${i} entries, not ${row.length} (the method is explicit)`);
  });
  if (spec.error) check(spec, spec.error.weights.length === stages, 'error weights need one entry a stage');
  if (spec.dense) check(spec, spec.dense.length === stages, 'dense weights need one row a stage');
}

function checkSums(spec: TableauSpec): void {
  spec.a.forEach((row, i) => {
    check(
      spec,
      Math.abs(sum(row) - spec.c[i]) < TOLERANCE,
      `row ${i} of a sums to ${sum(row)}, not to c = ${spec.c[i]}`,
    );
  });
  check(spec, Math.abs(sum(spec.b) - 1) < TOLERANCE, `b sums to ${sum(spec.b)}, not to 1`);
  if (spec.error) check(spec, Math.abs(sum(spec.error.weights)) < TOLERANCE, 'error weights do not sum to 0');
  spec.dense?.forEach((row, i) => {
    check(spec, Math.abs(sum(row) - spec.b[i]) < TOLERANCE, `dense row ${i} does not end at b`);
  });
}

function isFsal(spec: TableauSpec): boolean {
  const last = spec.b.length - 1;
  return last > 0 && spec.c[last] === 1 && spec.b[last] === 0 && spec.a[last].every((value, i) => value === spec.b[i]);
}

/** @throws OdeError `bad-tableau` when the table is not consistent. */
export function createTableau(spec: TableauSpec): Tableau {
  checkShape(spec);
  checkSums(spec);
  return Object.freeze({ ...spec, stages: spec.b.length, fsal: isFsal(spec) });
}
