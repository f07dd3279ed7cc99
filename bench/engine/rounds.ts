/** Several things timed in turns: the fastest call of each in every round. */

export interface Turns {
  readonly rounds: number;
  /** Wall time of each work in a round. */
  readonly seconds: number;
  /** What a call is timed with, ms. */
  readonly clock: () => number;
}

/** @returns by work, milliseconds of each round's fastest call */
export async function timeInTurns(
  works: readonly (() => unknown)[],
  { rounds, seconds, clock }: Turns,
): Promise<number[][]> {
  const times = works.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, work] of works.entries()) {
      const fastest = await fastestCall(work, 1000 * seconds, clock);
      // The first round compiles.
      if (round >= 0) times[i].push(fastest);
    }
  }
  return times;
}

async function fastestCall(work: () => unknown, milliseconds: number, clock: () => number): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  const end = performance.now() + milliseconds;
  do {
    const begun = clock();
    await work();
    fastest = Math.min(fastest, clock() - begun);
  } while (performance.now() < end);
  return fastest;
}
