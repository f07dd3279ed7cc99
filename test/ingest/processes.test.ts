import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { processRuns, processStart } from '../../ingest/processes.ts';

const hasProc = existsSync('/proc/self/stat');

test('this process runs, and nothing that is no process id does', () => {
  expect(processRuns(process.pid)).toBe(true);
  for (const pid of [0, -1, Number.NaN, 1.5, 2 ** 31 - 1]) expect(processRuns(pid)).toBe(false);
});

test.runIf(hasProc)('a process has one start, and another process another', () => {
  expect(processStart(process.pid)).toMatch(/^\d+$/);
  expect(processStart(process.pid)).toBe(processStart(process.pid));
  expect(processStart(process.ppid)).not.toBe(processStart(process.pid));
  expect(processStart(2 ** 31 - 1)).toBeUndefined();
});

test.runIf(hasProc)('a process that has ended and was not waited for does not run', async () => {
  // The shell starts a child that ends, becomes a program that never waits, and so keeps it as a zombie.
  const shell = spawn('sh', ['-c', '(exit 0) & echo $!; exec sleep 20'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(shell.stdout, 'data');
  await expect.poll(() => processRuns(Number(line.toString()))).toBe(false);
  shell.kill('SIGKILL');
});
