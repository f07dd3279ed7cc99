/**
 * Fails on import cycles (type imports included) and on imports against the table of rooms.
 * Usage: `tsx scripts/check-rooms.ts [root]`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { findCycles } from './cycles.ts';
import { type Import, importsOf } from './imports.ts';
import { PACKAGES, ROOMS, type Room } from './rooms.ts';

/** One sentence for each fault in the tree under `root`; empty if there is none. */
export function checkRooms(root: string): string[] {
  const faults: string[] = [];
  const graph = new Map<string, string[]>();
  for (const file of sourceFiles(root)) {
    const imports = importsOf(readFileSync(path.join(root, file), 'utf8'));
    faults.push(...imports.map((found) => faultOf(root, file, found)).filter((fault) => fault !== undefined));
    graph.set(
      file,
      imports.filter(isRelative).map((found) => target(file, found)),
    );
  }
  return [...faults, ...findCycles(graph).map((cycle) => `import cycle: ${cycle.join(' → ')}`)];
}

function sourceFiles(root: string): string[] {
  const tops = ROOMS.map((room) => room.folder).filter((folder) => !folder.includes('/'));
  return tops.filter((top) => existsSync(path.join(root, top))).flatMap((top) => filesUnder(root, top));
}

function filesUnder(root: string, folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[cm]?tsx?$/.test(name))
    .map((name) => path.posix.join(folder, name.split(path.sep).join('/')))
    .sort();
}

const isRelative = (found: Import): boolean => found.specifier.startsWith('.');

const target = (file: string, found: Import): string =>
  path.posix.join(path.posix.dirname(file), found.specifier.replace(/\?.*$/, ''));

function faultOf(root: string, file: string, found: Import): string | undefined {
  return isRelative(found) ? faultOfPath(root, file, found) : faultOfPackage(file, found);
}

function faultOfPath(root: string, file: string, found: Import): string | undefined {
  const to = target(file, found);
  if (!existsSync(path.join(root, to))) return `${file}: '${found.specifier}' is no file; write the whole path`;
  const [from, into] = [roomOf(file), roomOf(to)];
  // Files of no room (package.json, a config at the root) hold nothing that a room could depend on.
  if (from === undefined || into === undefined || from === into || allows(from, into, to, found)) return undefined;
  return `${file}: ${from.folder}/ may not import ${into.folder}/ ('${found.specifier}')${hint(from, into)}`;
}

const allows = (from: Room, into: Room, file: string, found: Import): boolean =>
  ['*', into.folder, file].some((name) => from.imports.includes(name)) ||
  (found.typeOnly && (from.types ?? []).includes(into.folder));

const hint = (from: Room, into: Room): string =>
  (from.types ?? []).includes(into.folder) ? ', only its types: write `import type`' : '';

function roomOf(file: string): Room | undefined {
  const containing = ROOMS.filter((room) => file.startsWith(`${room.folder}/`));
  return containing.sort((a, b) => b.folder.length - a.folder.length)[0];
}

function faultOfPackage(file: string, found: Import): string | undefined {
  const from = roomOf(file);
  if (from === undefined || from.imports.includes('*')) return undefined;
  if (from.pure) return `${file}: ${from.folder}/ may import no package ('${found.specifier}')`;
  const owners = Object.entries(PACKAGES).find(([name]) => names(name, found.specifier))?.[1];
  if (owners === undefined || owners.includes(from.folder)) return undefined;
  return `${file}: only ${owners.join(', ')} may import the package '${found.specifier}'`;
}

const names = (pattern: string, specifier: string): boolean =>
  pattern.endsWith('*')
    ? specifier.startsWith(pattern.slice(0, -1))
    : specifier === pattern || specifier.startsWith(`${pattern}/`);

function main(root: string): void {
  const faults = checkRooms(root);
  for (const fault of faults) console.error(fault);
  if (faults.length === 0) console.log('rooms: no cycle, no import against the table');
  process.exitCode = faults.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv[2] ?? process.cwd());
