/** The two pages that describe the kernels' jobs, in C and in TypeScript, say the same. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  type Cells,
  DECODE_JOB,
  ENCODE_JOB,
  OPERATIONS,
  packCells,
  QUANTILE_JOB,
  QUERY_CELLS,
  QUERY_JOB,
  SOLVE_JOB,
  TRAIN_JOB,
  writeCells,
} from '../../../../model/engine/fused/job.ts';

const HEADER = new URL('../../../../model/kernels/job.h', import.meta.url);

type Structs = ReadonlyMap<string, readonly (readonly [type: string, name: string])[]>;

/** Every struct of the header: its fields' types and names in their order. */
async function structs(): Promise<Structs> {
  const text = (await readFile(HEADER, 'utf8')).replace(/\/\*[\s\S]*?\*\//g, '');
  const found = [...text.matchAll(/struct (\w+) \{([^}]*)\};/g)];
  return new Map(found.map(([, name, body]) => [name, fields(body)]));
}

function fields(body: string): [string, string][] {
  return body.split(';').flatMap((line) => {
    const [, type, names] = /^\s*(struct \w+|\w+)\s+([\w\s,]+)$/.exec(line) ?? [];
    return names === undefined ? [] : names.split(',').map((name): [string, string] => [type, name.trim()]);
  });
}

/** A struct as the packer's cells: nested names with dots, floats with a dot before. */
function cellsOf(all: Structs, struct: string, prefix = ''): Cells {
  return (all.get(struct) ?? []).flatMap(([type, name]) => {
    if (type.startsWith('struct ')) return cellsOf(all, type.slice('struct '.length), `${prefix}${name}.`);
    return [`${type === 'float' ? '.' : ''}${prefix}${name}`];
  });
}

describe('descriptors', () => {
  it.each([
    ['train_job', TRAIN_JOB],
    ['encode_job', ENCODE_JOB],
    ['decode_job', DECODE_JOB],
    ['query_cells', QUERY_CELLS],
    ['query_job', QUERY_JOB],
    ['solve_job', SOLVE_JOB],
    ['quantile_job', QUANTILE_JOB],
  ])("%s is job.h's, cell by cell", async (struct, cells) => {
    expect(cells).toEqual(cellsOf(await structs(), struct));
  });

  it("operations are job.h's", async () => {
    const text = await readFile(HEADER, 'utf8');
    const names = [...(/enum operation \{([\s\S]*?)\};/.exec(text)?.[1] ?? '').matchAll(/OP_(\w+)/g)];
    expect(names.map(([, name]) => name.toLowerCase())).toEqual([...OPERATIONS]);
  });

  it('integers and floats land in their cells', () => {
    const ints = new Int32Array(4);
    const memory = { ints, floats: new Float32Array(ints.buffer) };
    writeCells(memory, 1, ['a', '.part.b', 'part.c'], { a: 7, part: { b: 0.5, c: -1 } });
    expect([ints[1], memory.floats[2], ints[3]]).toEqual([7, 0.5, -1]);
    expect(() => writeCells(memory, 0, ['part.d'], { part: {} })).toThrow(/part\.d has no value/);
    expect(() => writeCells(memory, 0, ['part.d'], {})).toThrow(/part has no values/);
    expect(() => writeCells(memory, 0, ['part.d'], { part: 3 })).toThrow(/part has no values/);
    expect(() => writeCells(memory, 0, ['x.y.z'], { x: { y: {} } })).toThrow(/x\.y\.z has no value/);
    expect(() => writeCells(memory, 0, ['part.d'], { part: new Int32Array(2) })).toThrow(/2 cells instead of 1/);
  });

  it('a struct that was packed lands as one that is given by its names', () => {
    const cells = ['.b', 'c'];
    const ints = new Int32Array(4);
    writeCells({ ints, floats: new Float32Array(ints.buffer) }, 1, ['a', '.part.b', 'part.c'], {
      a: 7,
      part: packCells(cells, { b: 0.5, c: -1 }),
    });
    expect([...ints]).toEqual([0, 7, ...new Int32Array(Float32Array.of(0.5).buffer), -1]);
  });
});
