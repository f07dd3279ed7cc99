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
  /** Absent: no error estimate. */
  readonly error?: ErrorEstimate;
  /** Absent: cubic Hermite. */
  readonly dense?: DenseOutput;
}

export interface ErrorEstimate {
  /** [s] b minus the embedded weights. */
  readonly weights: readonly number[];
  /** Order of the embedded solution: the error estimate is O(h^(order + 1)). */
  readonly order: number;
  /** [s] a second estimate of lower order that damps the first: e²/√(e² + 0.01·e₂²) (Hairer, Nørsett, Wanner II.10). */
  readonly damping?: readonly number[];
}

/** An interpolant over the step's slopes: the stages, the slope at the end if no stage is, and extra stages. */
export interface DenseOutput {
  /** [slopes][k] slope i weighs Σₖ weights[i][k]·θᵏ⁺¹ at fraction θ of the step. */
  readonly weights: readonly (readonly number[])[];
  /** Stages that only output needs, evaluated in steps that hold an output time. */
  readonly extra?: { readonly c: readonly number[]; readonly a: readonly (readonly number[])[] };
}

export interface Tableau extends TableauSpec {
  readonly stages: number;
  /** First same as last: the last stage is the slope at the end of the step. Derived, never declared. */
  readonly fsal: boolean;
  /** Where among the slopes the one at the end is: the last stage, or after it. */
  readonly endIndex: number;
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
  spec.dense?.extra?.a.forEach((row, i) => {
    check(spec, row.length === endIndex(spec) + 1 + i, `extra row ${i} needs ${endIndex(spec) + 1 + i} entries`);
  });
}

const near = (a: number, b: number): boolean => Math.abs(a - b) < TOLERANCE;

function checkSums(spec: TableauSpec): void {
  const { a, b, c, error, dense } = spec;
  a.forEach((row, i) => {
    check(spec, near(sum(row), c[i]), `row ${i} of a sums to ${sum(row)}, not to c = ${c[i]}`);
  });
  check(spec, near(sum(b), 1), `b sums to ${sum(b)}, not to 1`);
  if (error) check(spec, near(sum(error.weights), 0), 'error weights do not sum to 0');
  if (error?.damping) check(spec, near(sum(error.damping), 0), 'damping weights do not sum to 0');
  dense?.extra?.a.forEach((row, i) => {
    check(spec, near(sum(row), dense.extra?.c[i] ?? Number.NaN), `extra row ${i} does not sum to its c`);
  });
  dense?.weights.forEach((row, i) => {
    check(spec, near(sum(row), b[i] ?? 0), `dense row ${i} does not end at b`);
  });
}

function isFsal({ a, b, c }: TableauSpec): boolean {
  const last = b.length - 1;
  return last > 0 && c[last] === 1 && b[last] === 0 && a[last].every((value, i) => value === b[i]);
}

const endIndex = (spec: TableauSpec): number => (isFsal(spec) ? spec.b.length - 1 : spec.b.length);

/** @throws OdeError `bad-tableau` when the table is not consistent. */
export function createTableau(spec: TableauSpec): Tableau {
  checkShape(spec);
  checkSums(spec);
  return Object.freeze({ ...spec, stages: spec.b.length, fsal: isFsal(spec), endIndex: endIndex(spec) });
}

/** R(z) = 1 + z·bᵀ(I − zA)⁻¹·1: what one step does to y' = λy at z = hλ (Hairer and Wanner II, IV.2, eq. 2.11). */
export function stabilityFunction({ a, b }: TableauSpec, z: number): number {
  const slopes: number[] = [];
  for (const row of a) slopes.push(1 + z * row.reduce((total, weight, j) => total + weight * slopes[j], 0));
  return 1 + z * b.reduce((total, weight, i) => total + weight * slopes[i], 0);
}

const boundaries = new WeakMap<TableauSpec, number>();

/** The largest x with |R(−x)| ≤ 1 from 0 on, to 1e-2. */
export function stabilityBoundary(tableau: TableauSpec): number {
  const known = boundaries.get(tableau);
  if (known !== undefined) return known;
  let x = 0;
  while (x < 100 && Math.abs(stabilityFunction(tableau, -(x + 0.01))) <= 1) x += 0.01;
  boundaries.set(tableau, x);
  return x;
}
