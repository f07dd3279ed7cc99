/** Puts a measurement's table into `docs/benchmarks.md`, in the place that its marker names. Each bench owns one place. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

const PAGE = join(import.meta.dirname, '../docs/benchmarks.md');

const HEAD = `# Measurements

Written by the commands named with each table; do not edit by hand. Machines differ and are noisy: read the ratios, which compare
things measured in the same run, before the absolute figures.
`;

/** Replaces the section of this name, or appends it. */
export function writeSection(name: string, body: string): void {
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : HEAD;
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const section = `${begin}\n${body.trim()}\n${end}`;
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  writeFileSync(
    PAGE,
    from < 0 ? `${page.trimEnd()}\n\n${section}\n` : page.slice(0, from) + section + page.slice(to + end.length),
  );
}

/** A Markdown table; the first row is its head. */
export function markdownTable([head, ...rows]: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** What it ran on, in a sentence that names no machine. */
export function machine(): string {
  const [cpu] = cpus();
  return `Node ${process.versions.node}, ${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB.`;
}

/** @param sorted ascending */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
