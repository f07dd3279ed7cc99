/**
 * Sums vitest's JSON reports into one closing line, and names what was skipped.
 * Usage: `tsx scripts/sum-reports.ts [--strict] REPORT…`. Exits 1 if a test failed, if a report is missing, if nothing ran, or,
 * with `--strict`, if anything was skipped that is not among `MAY_SKIP`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

export type Summary = { readonly passed: number; readonly failed: number; readonly skipped: readonly string[] };

/** What a machine of the continuous integration can lack without a fault: a GPU. */
const MAY_SKIP = /\b(GPU|CUDA)\b/;

/** Counts the tests of one report. A file that broke before its first test counts as one failed test. */
export function summarise(report: unknown): Summary {
  const files = reportSchema.parse(report).testResults;
  const tests = files.flatMap((file) => file.assertionResults);
  const broken = files.filter((file) => file.status === 'failed' && !file.assertionResults.some(isFailed));
  return {
    passed: tests.filter((test) => test.status === 'passed').length,
    failed: tests.filter(isFailed).length + broken.length,
    skipped: tests.filter((test) => !['passed', 'failed'].includes(test.status)).map((test) => test.fullName),
  };
}

const isFailed = (test: { readonly status: string }): boolean => test.status === 'failed';

/** A suite that left no report was killed or never began: that is a failure, not nothing. */
const readSummary = (file: string): Summary =>
  existsSync(file) ? summarise(JSON.parse(readFileSync(file, 'utf8'))) : { passed: 0, failed: 1, skipped: [] };

/** The exit code for the summed suites. */
export function verdict(total: Summary, strict: boolean): 0 | 1 {
  const unexcused = strict && total.skipped.some((name) => !MAY_SKIP.test(name));
  return total.failed > 0 || total.passed === 0 || unexcused ? 1 : 0;
}

const mark = (name: string, strict: boolean): string =>
  strict && !MAY_SKIP.test(name) ? 'SKIPPED (a fault here)' : 'SKIPPED';

function main(args: readonly string[]): void {
  const strict = args.includes('--strict');
  const summaries = args.filter((arg) => !arg.startsWith('--')).map(readSummary);
  const total: Summary = {
    passed: summaries.reduce((sum, one) => sum + one.passed, 0),
    failed: summaries.reduce((sum, one) => sum + one.failed, 0),
    skipped: summaries.flatMap((one) => one.skipped),
  };
  for (const name of new Set(total.skipped)) console.log(`${mark(name, strict)}: ${name}`);
  const skipped = total.skipped.length > 0 ? `, ${total.skipped.length} skipped` : '';
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
  process.exitCode = verdict(total, strict);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2));
