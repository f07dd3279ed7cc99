/**
 * JSON as `JSON.parse` reads it, less what it passes over in silence: a field given twice, of which it would keep the
 * last, and a number like 1e999, of which it would make an infinity. Not a parser: it walks text known to be JSON.
 */
import { jsonPointer, Problem } from './problem.ts';

/** Deeper nesting than any body has here. */
const MAX_DEPTH = 32;

/** @throws Problem `malformed-json`, `duplicate-field` or `number-out-of-range`. */
export function parseJson(text: string): unknown {
  const value = parse(text);
  inspect(text);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : 'it could not be read';
    throw new Problem('malformed-json', `The body must be one JSON value in UTF-8; ${reason}.`);
  }
}

/** An object or array that the walk is inside of. */
interface Level {
  /** Names seen so far; undefined in an array. */
  readonly names: Set<string> | undefined;
  /** The name or the index of the member in hand. */
  key: string | number;
}

function inspect(text: string): void {
  const levels: Level[] = [];
  let named = false;
  for (const token of tokens(text)) {
    const level = levels[levels.length - 1];
    if (token === '{' || token === '[') enter(levels, token);
    else if (token === '}' || token === ']') levels.pop();
    else if (token === ':') named = true;
    else if (token === ',') nextMember(level);
    else if (token.startsWith('"')) nameMember(levels, token, named);
    else checkNumber(token, levels);
    if (token !== ':') named = false;
  }
}

/** Brackets, commas, colons, numbers and strings; literals are passed over. */
function* tokens(text: string): Generator<string> {
  const start = /[{}[\],:"]|-?\d[\d.eE+-]*/g;
  for (let match = start.exec(text); match !== null; match = start.exec(text)) {
    const end = match[0] === '"' ? endOfString(text, match.index) : start.lastIndex;
    start.lastIndex = end;
    yield text.slice(match.index, end);
  }
}

/** By hand: a pattern with a choice for each character overflows its stack on a long string. */
function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote + 1;
}

function isEscaped(text: string, quote: number): boolean {
  let first = quote;
  while (text[first - 1] === '\\') first -= 1;
  return (quote - first) % 2 === 1;
}

function enter(levels: Level[], bracket: string): void {
  if (levels.length === MAX_DEPTH)
    throw new Problem('malformed-json', `The body is nested deeper than ${MAX_DEPTH} levels; nothing here needs that.`);
  levels.push(bracket === '{' ? { names: new Set(), key: '' } : { names: undefined, key: 0 });
}

function nextMember(level: Level): void {
  if (typeof level.key === 'number') level.key += 1;
  else level.key = '';
}

/** A string is a member's name where its object waits for one: no name since the last comma. */
function nameMember(levels: Level[], token: string, isValue: boolean): void {
  const level = levels[levels.length - 1];
  if (level?.names === undefined || isValue) return;
  level.key = JSON.parse(token);
  const name = String(level.key);
  if (level.names.has(name))
    throw new Problem('duplicate-field', `The field ${token} is given twice in the same object; keep one.`, {
      field: jsonPointer(levels.map(({ key }) => key)),
    });
  level.names.add(name);
}

function checkNumber(token: string, levels: readonly Level[]): void {
  if (Number.isFinite(Number(token))) return;
  throw new Problem(
    'number-out-of-range',
    `${token.slice(0, 40)} is beyond the largest number, about 1.8e308; send a finite number, or null for a value not observed.`,
    { field: jsonPointer(levels.map(({ key }) => key)) },
  );
}
