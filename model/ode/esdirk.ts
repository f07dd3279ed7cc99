/**
 * Singly diagonally implicit Runge–Kutta methods with an explicit first stage, stiffly accurate: for stiff fields. Every
 * later stage solves k = f(t + c·h, base + γ·h·k) by Newton's method with one dense factorisation a step.
 */
import { BufferedStepper } from './buffered-stepper.ts';
import { type FieldJacobian, fieldJacobian, linearizationOf } from './field-jacobian.ts';
import { hermiteWeights, polynomialWeights } from './interpolate.ts';
import type { Method, Reversal, Segment, SegmentCotangent } from './method.ts';
import { ensure } from './ode-error.ts';
import { evaluate, type Problem } from './problem.ts';
import type { Linearization } from './state-space.ts';
import type { Tolerance } from './tolerance.ts';
import { addRow, createRow, type WeightRow } from './weight-row.ts';

/** One row a stage; the last stage ends the step (stiffly accurate), so that its row is b. */
export interface EsdirkTableau {
  readonly name: string;
  readonly order: number;
  readonly gamma: number;
  /** [s] */
  readonly c: readonly number[];
  /** Row i has i entries: the weights left of the diagonal, which is γ but for the first stage. The last row is b. */
  readonly a: readonly (readonly number[])[];
  readonly error: { readonly weights: readonly number[]; readonly order: number };
  /** [s][k] slope i weighs h·Σₖ dense[i][k]·θᵏ⁺¹ at fraction θ of the step. Absent: cubic Hermite. */
  readonly dense?: readonly (readonly number[])[];
}

export interface Esdirk extends Method {
  readonly tableau: EsdirkTableau;
}

/** A method from its table. Host states only. @throws OdeError `bad-tableau` */
export function esdirk(tableau: EsdirkTableau): Esdirk {
  checkTableau(tableau);
  const endIndex = tableau.c.length - 1;
  return {
    name: tableau.name,
    order: tableau.order,
    errorOrder: tableau.error.order,
    endIndex,
    implicit: true,
    tableau,
    outputWeights: (theta, h) =>
      tableau.dense ? polynomialWeights(tableau.dense, theta, h) : hermiteWeights(theta, h, endIndex),
    pull: { output: () => {}, step: (reversal, segment, cotangent) => pullStep(tableau, reversal, segment, cotangent) },
    start: (problem, t, y, slope) => new EsdirkStepper(problem, tableau, t, y, slope),
  };
}

function checkTableau({ name, gamma, c, a, error, dense }: EsdirkTableau): void {
  const total = (row: readonly number[]): number => row.reduce((sum, value) => sum + value, 0);
  a.forEach((row, i) => {
    const near = row.length === i && Math.abs(total(row) + (i > 0 ? gamma : 0) - c[i]) < 1e-12;
    ensure(near, 'bad-tableau', () => `Tableau ${name}: row ${i} of a needs ${i} entries that sum with γ to c.`);
  });
  ensure(c.at(-1) === 1, 'bad-tableau', () => `Tableau ${name}: the last stage must end the step.`);
  ensure(
    Math.abs(total(error.weights)) < 1e-12,
    'bad-tableau',
    () => `Tableau ${name}: error weights do not sum to 0.`,
  );
  const b = [...(a.at(-1) ?? []), gamma];
  dense?.forEach((row, i) => {
    ensure(
      Math.abs(total(row) - b[i]) < 1e-12,
      'bad-tableau',
      () => `Tableau ${name}: dense row ${i} does not end at b.`,
    );
  });
}

/** Of Newton's error to the step's. */
const NEWTON_SHARE = 0.01;
/** With a controller a shorter step is cheaper than many iterations; without one, patience is all there is. */
const NEWTON_STEPS = { adaptive: 10, fixed: 50 };
/** Where no controller says how exact a step is. */
const FIXED_TOLERANCE: Tolerance = { rtol: 1e-10, atol: 1e-12 };
/** The error ratio of a step whose stages did not converge: shrink a lot, but it is no NaN. */
const NOT_CONVERGED = 1e4;

class EsdirkStepper<S, P> extends BufferedStepper<S, P> {
  readonly #tableau: EsdirkTableau;
  /** The rows of a and, for each stage, the straight line in time through the two slopes nearest to it. */
  readonly #rows: readonly WeightRow[];
  readonly #guesses: readonly WeightRow[];
  readonly #errorRow: WeightRow;
  readonly #zero: S;
  readonly #jacobian: FieldJacobian<S>;
  readonly #linear: Linearization<S>;
  /** Whether the Jacobian is there, perhaps from some step before, until Newton converges slowly with it; whether it is this step's. */
  #known = false;
  #fresh = false;
  /** γh that the linear systems are factored for. */
  #scale = Number.NaN;
  #base: S | undefined;
  #argument: S | undefined;
  #residual: S | undefined;
  #change: S | undefined;

  constructor(problem: Problem<S, P>, tableau: EsdirkTableau, t: number, y: S, slope?: S) {
    super(problem, tableau.c.length - 1, t, y, slope);
    this.#tableau = tableau;
    this.#rows = tableau.a.map(createRow);
    this.#guesses = tableau.c.map((_, stage) => createRow(guessWeights(tableau.c, stage)));
    this.#errorRow = createRow(tableau.error.weights);
    this.#zero = problem.space.zeros(y);
    this.#jacobian = fieldJacobian(problem);
    this.#linear = linearizationOf(problem.space, y, tableau.name);
  }

  attempt(tolerance: Tolerance | undefined): void {
    const { memory, trial } = this;
    memory.begin(trial);
    const converged = this.#stages(tolerance) || (this.#refresh() && this.#stages(tolerance));
    memory.filled = this.#tableau.c.length;
    if (converged) trial.ratio = tolerance === undefined ? 0 : this.#errorRatio(tolerance);
    else this.#giveUp();
  }

  override accept(retain: boolean): void {
    this.#fresh = false;
    super.accept(retain);
  }

  override jumpTo(t: number): void {
    this.#known = false;
    super.jumpTo(t);
  }

  override dispose(): void {
    super.dispose();
    this.space.dispose(this.#zero);
  }

  #giveUp(): void {
    const { memory, space } = this;
    const { segment } = memory;
    this.problem.statistics.newtonFailures++;
    segment.y1 = space.combine(segment.y, [Number.NaN], [segment.y], memory.buffer(segment.y1));
    this.trial.ratio = NOT_CONVERGED;
  }

  /** Drops a Jacobian of a step before; false when it is this step's already. */
  #refresh(): boolean {
    if (this.#fresh) return false;
    this.#known = false;
    return true;
  }

  #prepare(scale: number): void {
    const { t, y } = this.memory.segment;
    if (!this.#known) {
      this.#jacobian.t = t;
      this.#linear.update(this.#jacobian, y);
      this.#known = true;
      this.#fresh = true;
    } else if (this.#scale === scale) return;
    this.#linear.shift(scale);
    this.#scale = scale;
  }

  /** All stages; false as soon as one does not converge. */
  #stages(tolerance: Tolerance | undefined): boolean {
    const { memory, space } = this;
    const { segment } = memory;
    const { h, y, slopes } = segment;
    const scale = this.#tableau.gamma * h;
    this.#prepare(scale);
    const last = this.#rows.length - 1;
    for (let i = 1; i <= last; i++) {
      this.#base = addRow(space, this.#rows[i], h, y, slopes, memory.buffer(this.#base));
      slopes[i] = addRow(space, this.#guesses[i], 1, this.#zero, slopes, memory.buffer(slopes[i]));
      if (!this.#newton(i, scale, this.#base, tolerance)) return false;
    }
    segment.y1 = space.combine(this.#base ?? y, [scale], [slopes[last]], memory.buffer(segment.y1));
    return true;
  }

  /** Moves slopes[stage] to k = f(t + c·h, base + scale·k), to a share of the tolerance (Hairer, Wanner II, IV.8). */
  #newton(stage: number, scale: number, base: S, tolerance: Tolerance | undefined): boolean {
    const { memory, space } = this;
    const { t, h, y, slopes } = memory.segment;
    const { rtol, atol } = tolerance ?? FIXED_TOLERANCE;
    const steps = tolerance === undefined ? NEWTON_STEPS.fixed : NEWTON_STEPS.adaptive;
    let before = Number.POSITIVE_INFINITY;
    for (let i = 0; i < steps; i++) {
      const change = this.#newtonChange(t + this.#tableau.c[stage] * h, scale, base, slopes[stage]);
      slopes[stage] = space.combine(slopes[stage], [1], [change], memory.buffer(slopes[stage]));
      const size = Math.abs(scale) * space.errorRatio(change, y, y, rtol, atol);
      const rate = size / before;
      before = size;
      if (
        size === 0 ||
        (i === 0 ? size < 1e-3 * NEWTON_SHARE : rate < 1 && (size * rate) / (1 - rate) < NEWTON_SHARE)
      ) {
        return true;
      }
      if (!(rate < 1 || i === 0)) return false;
    }
    return false;
  }

  /** (I − scale·J)⁻¹·(f(t, base + scale·k) − k) */
  #newtonChange(t: number, scale: number, base: S, slope: S): S {
    const { memory, space, problem } = this;
    this.#argument = space.combine(base, [scale], [slope], memory.buffer(this.#argument));
    this.#residual = evaluate(problem, t, this.#argument, memory.buffer(this.#residual));
    this.#residual = space.combine(this.#residual, [-1], [slope], memory.buffer(this.#residual));
    this.#change = this.#linear.solve(this.#residual, memory.buffer(this.#change));
    return this.#change;
  }

  #errorRatio({ rtol, atol }: Tolerance): number {
    const { memory, space } = this;
    const { y, y1, h, slopes } = memory.segment;
    this.#residual = addRow(space, this.#errorRow, h, this.#zero, slopes, memory.buffer(this.#residual));
    return space.errorRatio(this.#residual, y, y1, rtol, atol);
  }
}

/** Over the slopes before `stage`. */
function guessWeights(c: readonly number[], stage: number): number[] {
  const distance = (i: number): number => Math.abs(c[i] - c[stage]);
  const known = Array.from({ length: stage }, (_, i) => i).sort((i, j) => distance(i) - distance(j));
  const weights = new Array<number>(stage).fill(0);
  if (known.length === 0) return weights;
  const [near, far = near] = known;
  const share = far === near ? 0 : (c[stage] - c[near]) / (c[far] - c[near]);
  weights[near] += 1 - share;
  weights[far] += share;
  return weights;
}

/** Implicit stages last to first: their cotangents solve the transposed linear system at the stage itself. */
function pullStep<S, P>(
  tableau: EsdirkTableau,
  reversal: Reversal<S, P>,
  segment: Segment<S>,
  cotangent: SegmentCotangent<S>,
): void {
  const { a, gamma } = tableau;
  const { add } = reversal;
  const { y1, slopes } = cotangent;
  const last = a.length - 1;
  // The end's slope was pulled back as a node already: what is left here comes from y1.
  slopes[last] = undefined;
  if (y1 !== undefined) {
    cotangent.y = add(cotangent.y, [1], [y1]);
    [...a[last], gamma].forEach((weight, i) => {
      if (weight !== 0) slopes[i] = add(slopes[i], [segment.h * weight], [y1]);
    });
  }
  for (let i = last; i > 0; i--) pullStage(tableau, reversal, segment, cotangent, i);
}

function pullStage<S, P>(
  { a, c, gamma }: EsdirkTableau,
  reversal: Reversal<S, P>,
  { t, h, y, slopes }: Segment<S>,
  cotangent: SegmentCotangent<S>,
  index: number,
): void {
  const bar = cotangent.slopes[index];
  if (bar === undefined) return;
  const { add, problem } = reversal;
  const row = [...a[index], gamma];
  const argument = problem.space.combine(
    y,
    row.map((weight) => h * weight),
    slopes,
  );
  const implicit = solveImplicit(reversal, t + c[index] * h, argument, gamma * h, bar);
  const pulled = reversal.vjp(t + c[index] * h, argument, implicit);
  cotangent.y = add(cotangent.y, [1], [pulled]);
  for (let j = 0; j < index; j++) {
    if (row[j] !== 0) cotangent.slopes[j] = add(cotangent.slopes[j], [h * row[j]], [pulled]);
  }
}

/** λ = bar + scale·Jᵀ·λ, refined with exact products until the differences' Jacobian leaves no trace. */
function solveImplicit<S, P>({ problem, vjpOfState }: Reversal<S, P>, t: number, y: S, scale: number, bar: S): S {
  const { space } = problem;
  const linear = linearizationOf(space, y, 'the gradient of an implicit step');
  linear.update(Object.assign(fieldJacobian(problem), { t }), y);
  linear.shift(scale);
  let lambda = linear.solveTransposed(bar);
  for (let i = 0; i < 3; i++) {
    const residual = space.combine(bar, [scale, -1], [vjpOfState(t, y, lambda), lambda]);
    lambda = space.combine(lambda, [1], [linear.solveTransposed(residual)]);
  }
  return lambda;
}
