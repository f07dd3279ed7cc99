/** The promise of `odecast/ode` that a step leaves no garbage, as exact bytes of a process that collects none. */
import { expect, it } from 'vitest';
import { measureAllocation } from '../../bench/ode/allocation.ts';

/** Of a boxed number. */
const BOX = 16;

it('a step of tsit5 and dopri5 allocates nothing, once compiled: less than a box in ten; of others at most the time of one evaluation', () => {
  const bytes = new Map(
    measureAllocation(30_000).map(({ who, heapBytes, bufferBytes }) => [who, heapBytes + bufferBytes]),
  );
  for (const method of ['tsit5', 'dopri5']) expect(bytes.get(method)).toBeLessThan(BOX / 10);
  for (const method of ['vern7', 'dop853']) expect(bytes.get(method)).toBeLessThan(1.1 * BOX);
}, 240_000);
