/**
 * A file that a build leaves behind, with a stamp beside it that tells what it was made from. A product whose stamp still
 * fits is not made again. Two builds at once are harmless: both write aside and rename, and a stamp that belongs to
 * another's file fits nothing.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface Product {
  /** Where it lies. */
  readonly file: string;
  /** Everything that it is made from: sources, flags, compiler. */
  readonly ingredients: readonly string[];
  make(): Promise<Uint8Array>;
}

export type Outcome =
  | { readonly state: 'current' }
  | { readonly state: 'made'; readonly seconds: number }
  /** `before`: the same ingredients failed earlier; they were not tried again. */
  | { readonly state: 'failed'; readonly reason: string; readonly before: boolean };

/** The stamp beside `file`, which the loader reads too when it must say why a file is missing. */
export interface Stamp {
  readonly ingredients: string;
  /** Of the file; absent if it could not be made. */
  readonly contents?: string;
  readonly failure?: string;
}

export async function bringUpToDate(product: Product, again = false): Promise<Outcome> {
  const ingredients = digest(...product.ingredients);
  const stamp = readStamp(product.file);
  if (!again && stamp?.ingredients === ingredients) {
    if (stamp.failure !== undefined) return { state: 'failed', reason: stamp.failure, before: true };
    if (existsSync(product.file) && stamp.contents === digest(readFileSync(product.file))) return { state: 'current' };
  }
  return make(product, ingredients);
}

async function make(product: Product, ingredients: string): Promise<Outcome> {
  const began = performance.now();
  try {
    const contents = await product.make();
    replace(product.file, contents);
    writeStamp(product.file, { ingredients, contents: digest(contents) });
    return { state: 'made', seconds: (performance.now() - began) / 1000 };
  } catch (error) {
    const reason = error instanceof Error ? error.message : `${error}`;
    // A file made from something else must not be taken for this one.
    rmSync(product.file, { force: true });
    writeStamp(product.file, { ingredients, failure: reason });
    return { state: 'failed', reason, before: false };
  }
}

/** Not `.json`: where an addon is missing, `require` would take such a file for it. */
const stampOf = (file: string): string => `${file}.stamp`;

function readStamp(file: string): Stamp | undefined {
  try {
    return JSON.parse(readFileSync(stampOf(file), 'utf8'));
  } catch {
    return undefined;
  }
}

const writeStamp = (file: string, stamp: Stamp): void => replace(stampOf(file), `${JSON.stringify(stamp)}\n`);

function replace(file: string, contents: string | Uint8Array): void {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(aside, contents);
  renameSync(aside, file);
}

function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(createHash('sha256').update(part).digest());
  return hash.digest('hex');
}

/** What a process said before it failed, or how it could not even be started. */
export function saidBy(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? `${error.stderr}`.trim() : '';
  return said === '' ? `${error}` : said;
}
