import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MAIN } from './odecast-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'odecast-troubles-'));
const csv = join(folder, 'waves.csv');
const row = (i: number, x: number) => `s,${1.6e12 + 1000 * i},${x}\n`;
const fileOf = (value: (i: number) => number) =>
  `series,time,x\n${Array.from({ length: 300 }, (_, i) => row(i, value(i))).join('')}`;
writeFileSync(
  csv,
  fileOf((i) => Math.sin(i / 9)),
);

/** The exit code goes to stderr, behind whatever odecast wrote there. */
function inShell(command: string, pipe = '') {
  const script = `{ '${process.execPath}' '${MAIN}' ${command}; echo "left $?" >&2; } ${pipe}`;
  return spawnSync('bash', ['-c', script], { encoding: 'utf8' });
}

test('a reader that has seen enough, as head has, ends no training and gets no stack', () => {
  const out = join(folder, 'm.safetensors');
  const { stdout, stderr } = inShell(`fit '${csv}' --steps 5 --out '${out}'`, '| head -1');
  expect({ stderr, lines: stdout.trim().split('\n').length }).toEqual({ stderr: 'left 0\n', lines: 1 });
}, 60_000);

test('a place that cannot be written to is told before the training, in one sentence', () => {
  const { stdout, stderr } = inShell(`fit '${csv}' --out /nowhere/m.safetensors`);
  expect(stdout).toBe('');
  expect(stderr).toMatch(
    /^odecast: The model cannot be written to \/nowhere\/m\.safetensors \(ENOENT\).*--out\.\nleft 1\n$/,
  );
}, 30_000);
