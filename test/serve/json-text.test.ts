import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../serve/json-text.ts';
import { Problem } from '../../serve/problem.ts';

function problemOf(text: string): [code: string, field: string | undefined] {
  try {
    parseJson(text);
  } catch (error) {
    if (error instanceof Problem) return [error.code, error.options.field];
    throw error;
  }
  throw new Error('no problem');
}

describe('parseJson', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    ['{"a": 1, "b": {"c": 2}, "a": 3}', 'duplicate-field', '/a'],
    ['{"a": [{"x": 1}, {"x": 1, "\\u0078": 2}]}', 'duplicate-field', '/a/1/x'],
    ['{"a/b": {"~": 1, "~": 1}}', 'duplicate-field', '/a~1b/~0'],
    ['{"times": [1, 2, 1e999]}', 'number-out-of-range', '/times/2'],
    ['{"values": {"flow": -1e400}}', 'number-out-of-range', '/values/flow'],
    ['-1e999', 'number-out-of-range', ''],
  ])('refuses %s', (text, code, field) => {
    expect(problemOf(text)).toEqual([code, field]);
  });

  it.each([
    '{"a": "a", "b": "a"}',
    '[{"a": 1}, {"a": 1}]',
    '{"a": {"a": {"a": 1}}}',
    '{"x": "{\\"a\\": 1, \\"a\\": 2}"}',
    '{"a": "\\\\", "b": "\\\\\\""}',
    '{"a": {}, "b": [], "c": [{}, {}]}',
  ])('takes %s', (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it.each(['', '{', '{"a": NaN}', '[1,]', "{'a': 1}", 'Infinity'])('refuses %j as malformed', (text) => {
    expect(problemOf(text)[0]).toBe('malformed-json');
  });

  it('does not fall over deep nesting or long texts', () => {
    expect(problemOf('['.repeat(100_000) + ']'.repeat(100_000))[0]).toBe('malformed-json');
    const long = JSON.stringify({ a: '\\"'.repeat(5_000_000), b: 'x'.repeat(5_000_000), c: '\\'.repeat(1_000_001) });
    expect(Object.keys(Object(parseJson(long)))).toEqual(['a', 'b', 'c']);
    expect(parseJson(`[0.${'1'.repeat(5_000_000)}]`)).toEqual([1 / 9]);
  });
});
