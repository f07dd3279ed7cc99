import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkRooms } from '../../scripts/check-rooms.ts';
import { findCycles } from '../../scripts/cycles.ts';
import { importsOf } from '../../scripts/imports.ts';
import { ROOMS } from '../../scripts/rooms.ts';
import { temporaryTree } from './temporary-tree.ts';

const REPOSITORY = path.join(import.meta.dirname, '../..');

describe('the rooms of this repository', () => {
  test('no cycle and no import against the table', () => {
    expect(checkRooms(REPOSITORY)).toEqual([]);
  });

  test('what the table allows is a room or a file', () => {
    const known = ['*', ...ROOMS.map((room) => room.folder)];
    const named = ROOMS.flatMap((room) => [...room.imports, ...(room.types ?? [])]);
    const unknown = named.filter((name) => !known.includes(name) && !existsSync(path.join(REPOSITORY, name)));
    expect(unknown).toEqual([]);
  });
});

describe('planted faults are seen', () => {
  const planted: [string, Record<string, string>, RegExp][] = [
    [
      'a value from a forbidden room',
      { 'ingest/a.ts': "import { b } from '../model/b.ts';\nexport const a = b;", 'model/b.ts': 'export const b = 1;' },
      /^ingest\/a\.ts: ingest\/ may not import model\//,
    ],
    [
      'a type from a forbidden room',
      {
        'model/ode/a.ts': "import type { B } from '../latent/b.ts';\nexport type A = B;",
        'model/latent/b.ts': 'export type B = 1;',
      },
      /^model\/ode\/a\.ts: model\/ode\/ may not import model\/latent\//,
    ],
    [
      'a type hidden in import(…)',
      { 'ingest/a.ts': "export type A = import('../serve/b.ts').B;", 'serve/b.ts': 'export type B = 1;' },
      /^ingest\/a\.ts: ingest\/ may not import serve\//,
    ],
    [
      'a re-export from a forbidden room',
      { 'model/a.ts': "export * from '../serve/b.ts';", 'serve/b.ts': 'export const b = 1;' },
      /^model\/a\.ts: model\/ may not import serve\//,
    ],
    [
      'a dynamic import from a forbidden room',
      { 'serve/a.ts': "export const a = () => import('../cli/b.ts');", 'cli/b.ts': 'export const b = 1;' },
      /^serve\/a\.ts: serve\/ may not import cli\//,
    ],
    [
      'a value where only types are allowed',
      {
        'model/a.ts': "import { type B, b } from '../ingest/b.ts';\nexport const a: B = b;",
        'ingest/b.ts': 'export type B = 1;\nexport const b: B = 1;',
      },
      /^model\/a\.ts: model\/ may not import ingest\/ .*only its types/,
    ],
    ['a package of another room', { 'model/a.ts': "import 'kafkajs';" }, /^model\/a\.ts: only ingest\/log may import/],
    ['any package in the pure room', { 'model/ode/a.ts': "import 'node:fs';" }, /may import no package/],
    ['a path that is no file', { 'cli/a.ts': "import './b.js';" }, /^cli\/a\.ts: '\.\/b\.js' is no file/],
    [
      'a cycle of three files',
      {
        'serve/a.ts': "import './b.ts';",
        'serve/b.ts': "import './deep/c.ts';",
        'serve/deep/c.ts': "import '../a.ts';",
      },
      /^import cycle: serve\/a\.ts → serve\/b\.ts → serve\/deep\/c\.ts → serve\/a\.ts$/,
    ],
    [
      'a cycle of types alone',
      {
        'ingest/a.ts': "import type { B } from './b.ts';\nexport type A = B[];",
        'ingest/b.ts': "import type { A } from './a.ts';\nexport type B = A[];",
      },
      /^import cycle: ingest\/a\.ts → ingest\/b\.ts → ingest\/a\.ts$/,
    ],
    ['a file that imports itself', { 'cli/a.ts': "import './a.ts';" }, /^import cycle: cli\/a\.ts → cli\/a\.ts$/],
  ];

  test.each(planted)('%s', (_, files, message) => {
    expect(checkRooms(temporaryTree(files))).toEqual([expect.stringMatching(message)]);
  });

  test('the command exits 1 and names the fault', () => {
    const root = temporaryTree({ 'ingest/a.ts': "import '../cli/b.ts';", 'cli/b.ts': '' });
    const script = path.join(REPOSITORY, 'scripts/check-rooms.ts');
    const run = () => execFileSync('npx', ['tsx', script, root], { cwd: REPOSITORY, encoding: 'utf8', stdio: 'pipe' });
    expect(run).toThrow(/ingest\/ may not import cli\//);
  });
});

test('what the table allows passes', () => {
  const root = temporaryTree({
    'ingest/window.ts': "import './log/log.ts';\nexport type Window = 1;",
    'ingest/log/log.ts': "import 'kafkajs';\nimport '../errors.ts';",
    'ingest/errors.ts': '',
    'model/forecast.ts': "import type { Window } from '../ingest/window.ts';\nexport type F = Window;",
    'serve/app.ts': "import 'express';\nimport '../ingest/window.ts';\nimport '../model/forecast.ts';",
    'test/any.test.ts': "import '../serve/app.ts';\nimport 'lmdb';",
  });
  expect(checkRooms(root)).toEqual([]);
});

test('every form of import is read, comments and strings are not', () => {
  const source = `
    import type { A } from './a.ts';
    import b, { type B } from './b.ts';
    export type { C } from './c.ts';
    export * from './d.ts';
    const e = await import('./e.ts');
    type F = typeof import('./f.ts');
    // import './no.ts'
    const text = "import './no.ts'";
    const worker = new URL('./no.ts', import.meta.url);`;
  expect(importsOf(source)).toEqual([
    { specifier: './a.ts', typeOnly: true },
    { specifier: './b.ts', typeOnly: false },
    { specifier: './c.ts', typeOnly: true },
    { specifier: './d.ts', typeOnly: false },
    { specifier: './e.ts', typeOnly: false },
    { specifier: './f.ts', typeOnly: true },
  ]);
});

test('a diamond is no cycle', () => {
  const diamond = { a: ['b', 'c'], b: ['d'], c: ['d'], d: [] };
  expect(findCycles(new Map(Object.entries(diamond)))).toEqual([]);
});
