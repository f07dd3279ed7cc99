/** When the steps of a solve ended: eight bytes a step, and no object. */
export class StepLog {
  #ends = new Float64Array(64);
  #count = 0;
  /** Where steps began elsewhere than the step before ended: at the start, and after jumps of the field. */
  readonly #starts = new Map<number, number>();

  get count(): number {
    return this.#count;
  }

  push(start: number, end: number): void {
    if (this.#count === this.#ends.length) this.#grow();
    if (this.#count === 0 || this.#ends[this.#count - 1] !== start) this.#starts.set(this.#count, start);
    this.#ends[this.#count++] = end;
  }

  start(step: number): number {
    return this.#starts.get(step) ?? this.#ends[step - 1];
  }

  end(step: number): number {
    return this.#ends[step];
  }

  /** By halves: a last array of twice the steps would be mostly air. */
  #grow(): void {
    const longer = new Float64Array(Math.ceil(1.5 * this.#ends.length));
    longer.set(this.#ends);
    this.#ends = longer;
  }
}
