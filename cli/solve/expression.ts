/**
 * Small arithmetic expressions, `y*sin(t)^2`, read into a tree that any arithmetic can compute: so a field typed at a
 * terminal has exact derivatives as one written in code has. Nothing is ever run as code; names are looked up in two tables.
 *
 *   sum   = term (("+" | "-") term)*        power = atom (("^" | "**") unary)?
 *   term  = unary (("*" | "/") unary)*      atom  = number | name | name "(" sum ")" | "(" sum ")"
 *   unary = ("-" | "+") unary | power
 */
import type { Arithmetic } from '../../model/ode/index.ts';
import { CliError } from '../errors.ts';

export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'variable'; readonly index: number }
  | { readonly kind: 'apply'; readonly rule: Rule; readonly operands: readonly Expression[] };

type Rule = <N>(arithmetic: Arithmetic<N>, a: N | number, b: N | number) => N | number;

const OPERATORS = {
  add: (arithmetic, a, b) => arithmetic.add(a, b),
  sub: (arithmetic, a, b) => arithmetic.sub(a, b),
  mul: (arithmetic, a, b) => arithmetic.mul(a, b),
  div: (arithmetic, a, b) => arithmetic.div(a, b),
  neg: (arithmetic, a) => arithmetic.neg(a),
  pow: (arithmetic, a, b) =>
    typeof b === 'number' ? arithmetic.pow(a, b) : arithmetic.exp(arithmetic.mul(b, arithmetic.log(a))),
} satisfies Record<string, Rule>;

const FUNCTIONS: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['sin', (arithmetic, a) => arithmetic.sin(a)],
  ['cos', (arithmetic, a) => arithmetic.cos(a)],
  ['tan', (arithmetic, a) => arithmetic.div(arithmetic.sin(a), arithmetic.cos(a))],
  ['tanh', (arithmetic, a) => arithmetic.tanh(a)],
  ['exp', (arithmetic, a) => arithmetic.exp(a)],
  ['log', (arithmetic, a) => arithmetic.log(a)],
  ['sqrt', (arithmetic, a) => arithmetic.sqrt(a)],
  ['abs', (arithmetic, a) => arithmetic.sqrt(arithmetic.mul(a, a))],
]);

const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ['pi', Math.PI],
  ['e', Math.E],
]);

const BINARY: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['+', OPERATORS.add],
  ['-', OPERATORS.sub],
  ['*', OPERATORS.mul],
  ['/', OPERATORS.div],
  ['^', OPERATORS.pow],
  ['**', OPERATORS.pow],
]);

/** Long and deep enough for any field that a person types; short and shallow enough that no stack is exhausted by one. */
const LONGEST = 1000;
const DEEPEST = 100;
const TOKEN = /\s*((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[A-Za-z_]\w*'?|\*\*|[-+*/^()])\s*/y;

/** @param variables names in the order in which `computed` takes their values. @throws CliError `bad-option` */
export function parseExpression(text: string, variables: readonly string[]): Expression {
  const tokens = tokensOf(text);
  let next = 0;
  let depth = 0;
  const fail = (): never =>
    refuse(text, next < tokens.length ? `"${tokens[next]}" is not expected there` : 'it ends early');
  const take = (...wanted: readonly string[]): string | undefined =>
    wanted.includes(tokens[next]) ? tokens[next++] : undefined;
  const chain = (operand: () => Expression, ...signs: readonly string[]): Expression => {
    let left = operand();
    for (let sign = take(...signs); sign !== undefined; sign = take(...signs)) left = apply(sign, left, operand());
    return left;
  };
  const sum = (): Expression => chain(term, '+', '-');
  const term = (): Expression => chain(unary, '*', '/');
  /** Every nesting passes here. */
  const unary = (): Expression => {
    if (++depth > DEEPEST) refuse(`${text.slice(0, 40)}…`, `it is nested more than ${DEEPEST} deep`);
    const read = signed();
    depth--;
    return read;
  };
  const signed = (): Expression => {
    if (take('+')) return unary();
    return take('-') ? { kind: 'apply', rule: OPERATORS.neg, operands: [unary()] } : power();
  };
  const power = (): Expression => {
    const base = atom();
    const sign = take('^', '**');
    return sign === undefined ? base : apply(sign, base, unary());
  };
  const bracketed = (): Expression => {
    const inner = take('(') ? sum() : fail();
    return take(')') ? inner : fail();
  };
  const atom = (): Expression => {
    const token = tokens[next] ?? fail();
    if (token === '(') return bracketed();
    if (!/^[\w.]/.test(token)) return fail();
    next++;
    const rule = tokens[next] === '(' ? FUNCTIONS.get(token) : undefined;
    return rule ? { kind: 'apply', rule, operands: [bracketed()] } : leaf(text, token, variables);
  };
  const whole = sum();
  return next === tokens.length ? whole : fail();
}

/** The expression's value for the variables' values, in any arithmetic. */
export function computed<N>(arithmetic: Arithmetic<N>, expression: Expression, values: readonly N[]): N | number {
  if (expression.kind === 'number') return expression.value;
  if (expression.kind === 'variable') return values[expression.index];
  const [a, b = 0] = expression.operands.map((operand) => computed(arithmetic, operand, values));
  return expression.rule(arithmetic, a, b);
}

function tokensOf(text: string): string[] {
  if (text.length > LONGEST) refuse(`${text.slice(0, 40)}…`, `it is longer than ${LONGEST} characters`);
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.trimEnd().length; at = TOKEN.lastIndex) {
    const found = TOKEN.exec(text);
    if (found === null) return refuse(text, `"${text[at]}" means nothing there`);
    tokens.push(found[1]);
  }
  return tokens;
}

function apply(sign: string, left: Expression, right: Expression): Expression {
  return { kind: 'apply', rule: BINARY.get(sign) ?? OPERATORS.add, operands: [left, right] };
}

function leaf(text: string, token: string, variables: readonly string[]): Expression {
  const index = variables.indexOf(token);
  if (index >= 0) return { kind: 'variable', index };
  const value = CONSTANTS.get(token) ?? Number(token);
  if (Number.isFinite(value)) return { kind: 'number', value };
  const known = [...variables, ...CONSTANTS.keys(), ...[...FUNCTIONS.keys()].map((name) => `${name}(…)`)];
  return refuse(text, `"${token}" is not known; there are ${known.join(', ')}`);
}

function refuse(text: string, why: string): never {
  throw new CliError('bad-option', `"${text}" cannot be read: ${why}. Write for example y*sin(t)^2.`);
}
