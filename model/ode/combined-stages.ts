/** The stages of an explicit step over any space: one `combine` and one evaluation after another. */
import { slopeAt } from './problem.ts';
import type { Stages, StageTable, StageWork, StateSpace } from './state-space.ts';
import type { Tolerance } from './tolerance.ts';
import type { VectorField } from './vector-field.ts';
import { addRow, createRow, type WeightRow } from './weight-row.ts';

/** On a device `run` makes new states: those that `work` does not name are its caller's scope's to free. */
export class CombinedStages<S> implements Stages<S> {
  readonly #space: StateSpace<S>;
  readonly #c: readonly number[];
  readonly #rows: readonly WeightRow[];
  readonly #errorRows: readonly WeightRow[];
  readonly #zero: S;
  readonly #reuses: boolean;
  readonly errors: S[] = [];
  argument: S | undefined;

  constructor({ c, rows, errors }: StageTable, space: StateSpace<S>, like: S) {
    this.#space = space;
    this.#c = c;
    this.#rows = rows.map(createRow);
    this.#errorRows = errors.map(createRow);
    this.#zero = space.zeros(like);
    this.#reuses = space.residence === 'host';
  }

  run<P>(field: VectorField<S, P>, parameters: P, work: StageWork<S>, begun: boolean, withErrors: boolean): void {
    const { t, t1, h, y, slopes } = work;
    if (!begun) slopes[0] = slopeAt(this.#space, field, t, y, parameters, this.#buffer(slopes[0]));
    this.#rows.forEach((row, i) => {
      const ends = i === this.#rows.length - 1;
      const argument = addRow(this.#space, row, h, y, slopes, this.#buffer(ends ? work.y1 : this.argument));
      if (ends) work.y1 = argument;
      else this.argument = argument;
      const stage = i + 1;
      if (stage === this.#c.length) return;
      const time = ends ? t1 : t + this.#c[stage] * h;
      slopes[stage] = slopeAt(this.#space, field, time, argument, parameters, this.#buffer(slopes[stage]));
    });
    if (withErrors) this.#estimate(h, slopes);
  }

  measure(error: number, { y, y1 }: StageWork<S>, { rtol, atol }: Tolerance, result: { ratio: number }): void {
    result.ratio = this.#space.errorRatio(this.errors[error], y, y1, rtol, atol);
  }

  dispose(): void {
    this.#space.dispose(this.#zero);
  }

  #estimate(h: number, slopes: readonly S[]): void {
    this.#errorRows.forEach((row, i) => {
      this.errors[i] = addRow(this.#space, row, h, this.#zero, slopes, this.#buffer(this.errors[i]));
    });
  }

  #buffer(state: S | undefined): S | undefined {
    return this.#reuses ? state : undefined;
  }
}
