/**
 * Adams methods: one or two evaluations a step whatever the order, from the slopes of the steps before. Weights follow the
 * actual spacing of those steps, so that a grid need not be even; the first steps, and those after a jump of the field,
 * are Runge–Kutta's. Fixed steps only; no reversal.
 */
import { BufferedStepper } from './buffered-stepper.ts';
import { hermiteWeights } from './interpolate.ts';
import type { Method } from './method.ts';
import { rk4 } from './methods.ts';
import { ensure } from './ode-error.ts';
import { evaluate, type Problem } from './problem.ts';
import type { Tolerance } from './tolerance.ts';

/** Adams–Bashforth of order 1 to 5 (Hairer, Nørsett, Wanner III.1, eq. 1.5), one evaluation a step. */
export function adamsBashforth(order: number): Method {
  return adams(`ab${order}`, order, false);
}

/** The same as predictor of the Adams–Moulton corrector of the same order, PECE: two evaluations a step. */
export function adamsBashforthMoulton(order: number): Method {
  return adams(`abm${order}`, order, true);
}

function adams(name: string, order: number, corrects: boolean): Method {
  const known = Number.isInteger(order) && order >= 1 && order <= 5;
  ensure(known, 'bad-method', () => `Adams methods are of order 1 to 5, not ${order}.`);
  return {
    name,
    order,
    errorOrder: undefined,
    endIndex: 1,
    outputWeights: (theta, h) => hermiteWeights(theta, h, 1),
    start: (problem, t, y, slope) => new AdamsStepper(problem, order, corrects, t, y, slope),
  };
}

export const ab1: Method = adamsBashforth(1);
export const ab2: Method = adamsBashforth(2);
export const ab3: Method = adamsBashforth(3);
export const ab4: Method = adamsBashforth(4);
export const ab5: Method = adamsBashforth(5);
export const abm2: Method = adamsBashforthMoulton(2);
export const abm3: Method = adamsBashforthMoulton(3);
export const abm4: Method = adamsBashforthMoulton(4);
export const abm5: Method = adamsBashforthMoulton(5);

/**
 * Weights w with Σ wⱼ·g(sⱼ) = ∫₀¹ g for every polynomial g of a degree below the number of nodes: the integral of
 * Lagrange's interpolation, by elimination on the moments Σ wⱼ sⱼᵏ = 1/(k + 1).
 */
export function quadratureWeights(nodes: readonly number[]): number[] {
  const size = nodes.length;
  const rows = nodes.map((_, k) => [...nodes.map((node) => node ** k), 1 / (k + 1)]);
  for (let column = 0; column < size; column++) {
    const candidates = rows.map((row, i) => (i < column ? -1 : Math.abs(row[column])));
    const pivot = candidates.indexOf(Math.max(...candidates));
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    for (let i = 0; i < size; i++) {
      if (i === column) continue;
      const factor = rows[i][column] / rows[column][column];
      rows[i] = rows[i].map((value, j) => value - factor * rows[column][j]);
    }
  }
  return rows.map((row, i) => row[size] / row[i]);
}

class AdamsStepper<S, P> extends BufferedStepper<S, P> {
  readonly #order: number;
  readonly #corrects: boolean;
  /** Slopes before the current one, newest first, and their times. */
  #past: { readonly t: number; readonly slope: S }[] = [];
  /** Weights for the spacing that they were computed for, in units of the step. */
  #spacing: readonly number[] = [];
  #predictor: readonly number[] = [];
  #corrector: readonly number[] = [];

  constructor(problem: Problem<S, P>, order: number, corrects: boolean, t: number, y: S, slope?: S) {
    super(problem, 1, t, y, slope);
    this.#order = order;
    this.#corrects = corrects;
  }

  attempt(_tolerance: Tolerance | undefined): void {
    const memory = this.memory;
    memory.begin(this.trial);
    const needed = this.#order - 1;
    memory.problem.space.scope(() => {
      memory.segment.y1 = this.#past.length < needed ? this.#startUp() : this.#advance();
      return memory.segment.y1;
    });
    this.trial.ratio = 0;
  }

  override prepareOutput(): void {
    this.memory.prepareEnd();
  }

  override accept(retain: boolean): void {
    const { space } = this.problem;
    if (this.#order > 1) {
      const { t, slopes } = this.memory.segment;
      const oldest = this.#past.length === this.#order - 1 ? this.#past.pop()?.slope : undefined;
      this.#past.unshift({ t, slope: space.combine(slopes[0], [], [], this.memory.buffer(oldest)) });
      if (!this.memory.reuses && oldest !== undefined) space.dispose(oldest);
    }
    super.accept(retain);
  }

  override jumpTo(t: number): void {
    this.#forget();
    super.jumpTo(t);
  }

  override dispose(): void {
    this.#forget();
    super.dispose();
  }

  #forget(): void {
    for (const { slope } of this.#past) this.problem.space.dispose(slope);
    this.#past = [];
  }

  /** Classical Runge–Kutta: its local error h⁵ is as small as any of these orders needs for so few steps. */
  #startUp(): S {
    const { problem, segment } = this.memory;
    const { t, h, y, slopes } = segment;
    const { a, b, c } = rk4.tableau;
    const stages = [slopes[0]];
    const combined = (row: readonly number[]): S =>
      problem.space.combine(
        y,
        row.map((weight) => h * weight),
        stages,
      );
    for (let i = 1; i < rk4.tableau.stages; i++) stages[i] = evaluate(problem, t + c[i] * h, combined(a[i]));
    return combined(b);
  }

  #advance(): S {
    const { problem, segment } = this.memory;
    const { h, t1, y, y1, slopes } = segment;
    this.#updateWeights();
    const terms = [slopes[0], ...this.#past.map(({ slope }) => slope)];
    const scaled = (weights: readonly number[]): number[] => weights.map((weight) => h * weight);
    const predicted = problem.space.combine(y, scaled(this.#predictor), terms, this.memory.buffer(y1));
    if (!this.#corrects) return predicted;
    const ahead = evaluate(problem, t1, predicted);
    return problem.space.combine(y, scaled(this.#corrector), [ahead, ...terms], this.memory.buffer(predicted));
  }

  /** The past in units of this step; on an even grid the weights are computed once. */
  #updateWeights(): void {
    const { t, h } = this.memory.segment;
    const spacing = [0, ...this.#past.map((node) => (node.t - t) / h)];
    const same =
      spacing.length === this.#spacing.length && spacing.every((s, i) => Math.abs(s - this.#spacing[i]) < 1e-9);
    if (same) return;
    this.#spacing = spacing;
    this.#predictor = quadratureWeights(spacing);
    this.#corrector = quadratureWeights([1, ...spacing.slice(0, this.#order - 1)]);
  }
}
