import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { bringUpToDate, type Product } from '../../../scripts/kernels/product.ts';
import { temporaryTree } from '../temporary-tree.ts';

/** A product whose contents are its ingredients, and how often it was made. */
function product(folder: string, ingredients: string, fault?: string): Product & { made: number } {
  return {
    file: path.join(folder, 'product'),
    ingredients: [ingredients],
    made: 0,
    async make() {
      this.made++;
      if (fault !== undefined) throw new Error(fault);
      return Buffer.from(ingredients);
    },
  };
}

const contents = (folder: string): string => readFileSync(path.join(folder, 'product'), 'utf8');

describe('a product is made', () => {
  test('once for the same ingredients, anew for others', async () => {
    const folder = temporaryTree({});
    const first = product(folder, 'flour');
    expect(await bringUpToDate(first)).toMatchObject({ state: 'made' });
    expect(await bringUpToDate(first)).toEqual({ state: 'current' });
    expect(first.made).toBe(1);
    await bringUpToDate(product(folder, 'rye'));
    expect(contents(folder)).toBe('rye');
  });

  test('into a folder that is not there yet', async () => {
    const folder = path.join(temporaryTree({}), 'a/b');
    await bringUpToDate(product(folder, 'flour'));
    expect(contents(folder)).toBe('flour');
  });

  test.each<[string, (file: string) => void]>([
    ['was deleted', (file) => rmSync(file)],
    ['was overwritten, as by a build of other sources at the same time', (file) => writeFileSync(file, 'rye')],
    ['lost its stamp', (file) => rmSync(`${file}.stamp`)],
    ['has a stamp that nobody can read', (file) => writeFileSync(`${file}.stamp`, '{')],
  ])('again when it %s', async (_what, harm) => {
    const folder = temporaryTree({});
    const one = product(folder, 'flour');
    await bringUpToDate(one);
    harm(one.file);
    expect(await bringUpToDate(one)).toMatchObject({ state: 'made' });
    expect(contents(folder)).toBe('flour');
  });

  test('again when that is asked', async () => {
    const one = product(temporaryTree({}), 'flour');
    await bringUpToDate(one);
    expect(await bringUpToDate(one, true)).toMatchObject({ state: 'made' });
  });
});

describe('a product that fails', () => {
  test('leaves no older one behind, and its reason in the stamp', async () => {
    const folder = temporaryTree({});
    await bringUpToDate(product(folder, 'flour'));
    const outcome = await bringUpToDate(product(folder, 'sand', 'sand is not for eating'));
    expect(outcome).toEqual({ state: 'failed', reason: 'sand is not for eating', before: false });
    expect(existsSync(path.join(folder, 'product'))).toBe(false);
    expect(readFileSync(path.join(folder, 'product.stamp'), 'utf8')).toContain('sand is not for eating');
  });

  test('is not tried again until an ingredient changes', async () => {
    const folder = temporaryTree({});
    const bad = product(folder, 'sand', 'no');
    await bringUpToDate(bad);
    expect(await bringUpToDate(bad)).toEqual({ state: 'failed', reason: 'no', before: true });
    expect(bad.made).toBe(1);
    expect(await bringUpToDate(product(folder, 'flour'))).toMatchObject({ state: 'made' });
  });
});

test('many builds at once leave one whole product and nothing else', async () => {
  const folder = temporaryTree({});
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => bringUpToDate(product(folder, `${'x'.repeat(1000)}${i % 2}`))),
  );
  expect(contents(folder)).toMatch(/^x{1000}[01]$/);
  expect(readdirSync(folder).sort()).toEqual(['product', 'product.stamp']);
});
