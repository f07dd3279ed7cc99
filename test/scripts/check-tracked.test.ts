import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkTracked } from '../../scripts/check-tracked.ts';
import { temporaryTree } from './temporary-tree.ts';

/** Put together here, so that this file does not itself hold what is forbidden. */
const HOME = ['', 'root', 'odecast', 'data'].join('/');
const REGISTRY = ['registry', 'npmjs', 'org'].join('.');
const ONLY = ['test', 'only('].join('.');

function trackedTree(files: Record<string, string>): string {
  const root = temporaryTree(files);
  for (const command of [
    ['init', '--quiet'],
    ['add', '.'],
  ])
    execFileSync('git', command, { cwd: root });
  return root;
}

test('this repository holds none', () => {
  expect(checkTracked(path.join(import.meta.dirname, '../..'))).toEqual([]);
});

test.each([
  ['a path of one machine', { 'docs/a.md': `see ${HOME}` }, /^docs\/a\.md:1: a path of one machine/],
  ["a registry's host", { 'a.json': `{\n"x": "https://${REGISTRY}/y"}` }, /^a\.json:2: a package registry's host/],
  ['a focused test', { 'test/a.test.ts': `${ONLY}'x', () => {});` }, /^test\/a\.test\.ts:1: a focused test/],
  [
    'a resolved address in the lock file',
    { 'package-lock.json': '{"resolved": "https://mirror.example/x.tgz"}' },
    /^package-lock\.json:1: a resolved address/,
  ],
])('%s is seen', (_, files, message) => {
  expect(checkTracked(trackedTree(files))).toEqual([expect.stringMatching(message)]);
});

test('addresses, relative paths and routes are no machine paths; prose may name a focused test', () => {
  const root = trackedTree({ 'docs/a.md': `https://example.org${HOME}, ./root/x, a/home/b, /healthz, ${ONLY}` });
  expect(checkTracked(root)).toEqual([]);
});
