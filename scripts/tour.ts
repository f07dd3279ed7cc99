/**
 * Runs the TypeScript blocks of a page of documentation as one program, in their order, and compares what it prints with
 * its comments `// → …`. Usage: `tsx scripts/tour.ts [page]`; a test does it for docs/ode.md.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '..');
const MARK = '// → ';

export interface Tour {
  /** What the page says that is printed, line by line. */
  readonly promised: readonly string[];
  readonly printed: readonly string[];
}

export function runTour(page: string): Tour {
  const program = blocksOf(readFileSync(page, 'utf8')).join('\n');
  const lines = program.split('\n').filter((line) => line.startsWith(MARK));
  return { promised: lines.map((line) => line.slice(MARK.length)), printed: printedBy(program) };
}

function blocksOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block]) => block);
}

/** The package's public door is the source's here: nothing needs to be built. */
function printedBy(program: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'tour-'));
  try {
    const file = join(folder, 'tour.mts');
    const door = pathToFileURL(join(ROOT, 'model/ode/index.ts')).href;
    writeFileSync(file, program.replaceAll("'odecast/ode'", `'${door}'`));
    const text = execFileSync(process.execPath, ['--import', 'tsx', file], { cwd: ROOT, encoding: 'utf8' });
    return text.trimEnd().split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { promised, printed } = runTour(process.argv[2] ?? join(ROOT, 'docs/ode.md'));
  for (const [i, line] of printed.entries()) console.log(line === promised[i] ? '  ' : '✗ ', line);
  process.exitCode = printed.join('\n') === promised.join('\n') ? 0 : 1;
}
