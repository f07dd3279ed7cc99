/**
 * Prints what each direct dependency brings along: packages and bytes on disk, and how much of it no other direct dependency
 * needs. Measured on the installed tree of this platform. For docs/dependencies.md.
 * Usage: `tsx scripts/dependency-sizes.ts`.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const manifestSchema = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});

const manifestOf = (folder: string) =>
  manifestSchema.parse(JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')));

/** Where Node finds the package `name` from `folder`; undefined for an optional one that is not installed. */
function locate(folder: string, name: string): string | undefined {
  for (let at = folder; ; at = path.dirname(at)) {
    const candidate = path.join(at, 'node_modules', name);
    if (existsSync(path.join(candidate, 'package.json'))) return candidate;
    if (at === path.dirname(at)) return undefined;
  }
}

function closure(folder: string, found = new Set<string>()): Set<string> {
  if (found.has(folder)) return found;
  found.add(folder);
  const { dependencies, optionalDependencies } = manifestOf(folder);
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const next = locate(folder, name);
    if (next !== undefined) closure(next, found);
  }
  return found;
}

/** Bytes of the package's own files, without the packages nested in it. */
function bytes(folder: string): number {
  const sizes = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? 0 : bytes(at);
    return entry.isFile() ? statSync(at).size : 0;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

const megabytes = (folders: Iterable<string>): string =>
  ([...folders].reduce((sum, folder) => sum + bytes(folder), 0) / 1e6).toFixed(1);

function main(root: string): void {
  const { dependencies, devDependencies } = manifestOf(root);
  for (const [title, names] of Object.entries({ dependencies, devDependencies })) {
    const closures = new Map(Object.keys(names).map((name) => [name, closure(path.join(root, 'node_modules', name))]));
    const all = new Set([...closures.values()].flatMap((set) => [...set]));
    console.log(`\n${title}: ${all.size} packages, ${megabytes(all)} MB\n`);
    console.log('| package | packages | MB | of that, for it alone |\n|---|---|---|---|');
    for (const [name, set] of closures) {
      const others = new Set([...closures].filter(([other]) => other !== name).flatMap(([, other]) => [...other]));
      const alone = [...set].filter((folder) => !others.has(folder));
      console.log(`| ${name} | ${set.size} | ${megabytes(set)} | ${megabytes(alone)} |`);
    }
  }
}

main(process.cwd());
