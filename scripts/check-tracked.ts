/**
 * Fails on what must not be committed: paths of one machine, hosts of package registries, focused tests.
 * Reads the files that git tracks. Usage: `tsx scripts/check-tracked.ts [root]`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

type Ban = {
  readonly what: string;
  readonly pattern: RegExp;
  /** Files in which it is looked for; absent: in all. */
  readonly files?: RegExp;
};

/** A container's own paths are no machine's: only absolute paths that begin with a home or a work folder count. */
const BANS: readonly Ban[] = [
  { what: 'a path of one machine', pattern: /(?<![\w./~-])\/(work|root|home|Users)\/[\w.-]+/ },
  {
    what: "a package registry's host",
    pattern:
      /\b(registry\.(npmjs\.org|yarnpkg\.com)|(files\.)?pythonhosted\.org|pypi\.org|proxy\.golang\.org|(repo1?\.)maven(\.apache)?\.org|deb\.debian\.org|(static\.)?crates\.io)\b/,
  },
  { what: 'a focused test', pattern: /\b(test|it|describe|suite|bench)(\.\w+)*\.only\(/, files: /\.[cm]?tsx?$/ },
  { what: 'a resolved address', pattern: /"resolved":\s*"https?:/, files: /(^|\/)package-lock\.json$/ },
];

/** One sentence for each fault in the files that git tracks under `root`. */
export function checkTracked(root: string): string[] {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0');
  return tracked
    .filter((file) => file !== '' && existsSync(path.join(root, file)))
    .flatMap((file) => faults(root, file));
}

function faults(root: string, file: string): string[] {
  const bans = BANS.filter((ban) => ban.files?.test(file) ?? true);
  const lines = readText(path.join(root, file)).split('\n');
  return lines.flatMap((line, index) =>
    bans
      .filter((ban) => ban.pattern.test(line))
      .map((ban) => `${file}:${index + 1}: ${ban.what}: ${line.trim().slice(0, 120)}`),
  );
}

function readText(file: string): string {
  const bytes = readFileSync(file);
  return bytes.subarray(0, 8000).includes(0) ? '' : bytes.toString('utf8');
}

function main(root: string): void {
  const found = checkTracked(root);
  for (const fault of found) console.error(fault);
  if (found.length === 0) console.log("tracked files: no machine's path, no registry's host, no focused test");
  process.exitCode = found.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv[2] ?? process.cwd());
