import { expect, test } from 'vitest';
import { summarise, verdict } from '../../scripts/sum-reports.ts';

const file = (status: string, ...tests: string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: tests.map((outcome, index) => ({ fullName: `t${index}`, status: outcome })),
});

test('tests are counted by outcome over files, and the skipped are named', () => {
  const report = { testResults: [file('passed', 'passed', 'skipped', 'todo'), file('failed', 'failed', 'passed')] };
  expect(summarise(report)).toEqual({ passed: 2, failed: 1, skipped: ['t1', 't2'] });
});

test('a file that broke before its first test is a failure', () => {
  expect(summarise({ testResults: [file('failed')] })).toEqual({ passed: 0, failed: 1, skipped: [] });
});

test.each([
  ['all passed', { passed: 2, failed: 0, skipped: [] }, true, 0],
  ['one failed', { passed: 2, failed: 1, skipped: [] }, false, 1],
  ['nothing ran', { passed: 0, failed: 0, skipped: [] }, false, 1],
  ['skipped on a developer’s machine', { passed: 1, failed: 0, skipped: ['Kafka: order'] }, false, 0],
  ['skipped where nothing may be', { passed: 1, failed: 0, skipped: ['Kafka: order'] }, true, 1],
  ['no GPU', { passed: 1, failed: 0, skipped: ['engine on a GPU: parity'] }, true, 0],
] as const)('verdict: %s', (_, total, strict, code) => {
  expect(verdict(total, strict)).toBe(code);
});
