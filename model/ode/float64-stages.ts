/**
 * The stages of an explicit step over `Float64Array`s: where most of a solve is spent. `run` is one function on purpose: the
 * engine does not inline a function of its size, so that it has an optimised code of its own, in which the field is all there
 * is left to inline, whatever the loop around it looks like. No number passes through a call but the field's time, so that no
 * step leaves a boxed one behind.
 */
import type { Stages, StageTable, StageWork } from './state-space.ts';
import type { Tolerance } from './tolerance.ts';
import type { VectorField } from './vector-field.ts';

type Vector = Float64Array;

/** Puts the size of an error, in units of the tolerance, into `result`. */
export type Measure = (error: Vector, y0: Vector, y1: Vector, tolerance: Tolerance, result: { ratio: number }) => void;

export class Float64Stages implements Stages<Vector> {
  readonly argument: Vector;
  readonly errors: Vector[];
  readonly #zero: Vector;
  readonly #measure: Measure;
  readonly #c: Float64Array;
  /** Which row gives the end; after it come the errors'. */
  readonly #end: number;
  /** Row i is the entries from #starts[i] up to #starts[i + 1]. Weights that are zero have none. */
  readonly #starts: Int32Array;
  readonly #terms: Int32Array;
  readonly #weights: Float64Array;
  /** Times the step's h. */
  readonly #scaled: Float64Array;

  constructor({ c, rows, errors }: StageTable, size: number, measure: Measure) {
    this.#measure = measure;
    const all = [...rows, ...errors];
    const ends = all.map(
      (_, i) =>
        all
          .slice(0, i + 1)
          .flat()
          .filter(isThere).length,
    );
    this.argument = new Float64Array(size);
    this.errors = errors.map(() => new Float64Array(size));
    this.#zero = new Float64Array(size);
    this.#c = Float64Array.from(c);
    this.#end = rows.length - 1;
    this.#starts = Int32Array.from([0, ...ends]);
    this.#terms = Int32Array.from(all.flatMap((row) => [...row.keys()].filter((j) => isThere(row[j]))));
    this.#weights = Float64Array.from(all.flat().filter(isThere));
    this.#scaled = this.#weights.slice();
  }

  run<P>(
    field: VectorField<Vector, P>,
    parameters: P,
    work: StageWork<Vector>,
    begun: boolean,
    withErrors: boolean,
  ): void {
    const { t, t1, h, y, y1, slopes } = work;
    const starts = this.#starts;
    const terms = this.#terms;
    const w = this.#scaled;
    const end = this.#end;
    const stages = this.#c.length;
    for (let j = 0; j < w.length; j++) w[j] = h * this.#weights[j];
    const rows = withErrors ? starts.length - 1 : end + 1;
    // Before the first row, the slope at the start: one call of the field is all there is for the engine to inline.
    for (let row = begun ? 0 : -1; row < rows; row++) {
      const out = row < 0 ? y : row < end ? this.argument : row === end ? y1 : this.errors[row - end - 1];
      let base = row <= end ? y : this.#zero;
      let j = row < 0 ? 0 : starts[row];
      const last = row < 0 ? 0 : starts[row + 1];
      if (j === last && out !== base) out.set(base);
      // Four terms in a pass, each sum rounded from left to right: the bits of one term after another.
      for (; last - j >= 4; j += 4) {
        const a = w[j];
        const b = w[j + 1];
        const c = w[j + 2];
        const d = w[j + 3];
        const k = slopes[terms[j]];
        const l = slopes[terms[j + 1]];
        const m = slopes[terms[j + 2]];
        const n = slopes[terms[j + 3]];
        for (let i = 0; i < out.length; i++) out[i] = base[i] + a * k[i] + b * l[i] + c * m[i] + d * n[i];
        base = out;
      }
      if (last - j === 3) {
        const a = w[j];
        const b = w[j + 1];
        const c = w[j + 2];
        const k = slopes[terms[j]];
        const l = slopes[terms[j + 1]];
        const m = slopes[terms[j + 2]];
        for (let i = 0; i < out.length; i++) out[i] = base[i] + a * k[i] + b * l[i] + c * m[i];
      } else if (last - j === 2) {
        const a = w[j];
        const b = w[j + 1];
        const k = slopes[terms[j]];
        const l = slopes[terms[j + 1]];
        for (let i = 0; i < out.length; i++) out[i] = base[i] + a * k[i] + b * l[i];
      } else if (last - j === 1) {
        const a = w[j];
        const k = slopes[terms[j]];
        for (let i = 0; i < out.length; i++) out[i] = base[i] + a * k[i];
      }
      const stage = row + 1;
      if (row > end || stage === stages) continue;
      const into = slopes[stage];
      const slope = field.evaluate(row === end ? t1 : t + this.#c[stage] * h, out, parameters, into);
      if (slope !== into) slopes[stage] = copied(slope, into);
    }
  }

  measure(error: number, { y, y1 }: StageWork<Vector>, tolerance: Tolerance, result: { ratio: number }): void {
    this.#measure(this.errors[error], y, y1, tolerance, result);
  }

  dispose(): void {}
}

const isThere = (weight: number): boolean => weight !== 0;

function copied(slope: Vector, into: Vector | undefined): Vector {
  if (into === undefined) return slope.slice();
  into.set(slope);
  return into;
}
