/** Observations a second of a stream, from its count as it was polled. Pure. */

export interface RateSample {
  readonly time: number;
  readonly count: number;
}

const WINDOW_MS = 20_000;

export function addSample(samples: readonly RateSample[], sample: RateSample): RateSample[] {
  return [...samples.filter(({ time }) => time >= sample.time - WINDOW_MS), sample];
}

/** Undefined until two samples are far enough apart; never negative, as retention takes old observations away. */
export function rateOf(samples: readonly RateSample[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.time - first.time < 1000) return undefined;
  return Math.max(0, (1000 * (last.count - first.count)) / (last.time - first.time));
}
