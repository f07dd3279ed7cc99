import { expect, it } from 'vitest';
import { StepLog } from '../../../model/ode/step-log.ts';

it('thousands of steps are read as they were written, those after a jump with a start of their own', () => {
  const log = new StepLog();
  const steps = Array.from({ length: 5000 }, (_, i): [number, number] => [i + (i % 700 === 0 ? 1e-9 : 0), i + 1]);
  for (const [start, end] of steps) log.push(start, end);
  expect(log.count).toBe(steps.length);
  expect(steps.map((_, i) => [log.start(i), log.end(i)])).toEqual(steps);
});
