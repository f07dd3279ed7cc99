/** Several things timed in turns: the fastest call of each in every round. */
import { performance } from 'node:perf_hooks';

/** @returns by work, milliseconds of each round's fastest call */
export async function timeInTurns(
  works: readonly (() => unknown)[],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<number[][]> {
  const times = works.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, work] of works.entries()) {
      const fastest = await fastestCall(work, 1000 * seconds);
      // The first round compiles.
      if (round >= 0) times[i].push(fastest);
    }
  }
  return times;
}

async function fastestCall(work: () => unknown, milliseconds: number): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  const end = performance.now() + milliseconds;
  do {
    const begun = performance.now();
    await work();
    fastest = Math.min(fastest, performance.now() - begun);
  } while (performance.now() < end);
  return fastest;
}
