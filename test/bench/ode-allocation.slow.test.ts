/** The promise of `odecast/ode` that a step leaves no garbage, as exact bytes of a process that collects none. */
import { expect, it } from 'vitest';
import { measureAllocation } from '../../bench/ode/allocation.ts';

/** Of a boxed number. */
const BOX = 16;

it('a step of an explicit method under control allocates nothing, once compiled: less than a boxed number in ten', () => {
  const rows = measureAllocation(30_000);
  const bytes = new Map(rows.map(({ who, heapBytes, bufferBytes }) => [who, heapBytes + bufferBytes]));
  for (const method of ['tsit5', 'dopri5', 'vern7', 'dop853']) expect(bytes.get(method)).toBeLessThan(BOX / 10);
}, 240_000);
