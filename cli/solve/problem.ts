/** What `odecast solve` solves: an initial value problem read from text, whether it is named or typed at the terminal. */
import { type Acceleration, type Formula, fieldOf, secondOrder, type VectorField } from '../../model/ode/index.ts';
import { CliError } from '../errors.ts';
import { computed, type Expression, parseExpression } from './expression.ts';

/** A problem as a person writes it. */
export interface ProblemText {
  /** `x' = …; y' = …`, `x'' = …`, or right-hand sides alone, of y (or y0, y1, …). Separated by semicolons. */
  readonly field: string;
  /** Separated by commas; of second-order equations all positions first, then all velocities. */
  readonly y0: string;
  readonly t0?: number | undefined;
  readonly t1: number;
  /** The exact solution as expressions in t, separated by semicolons, for as many of the components as are known. */
  readonly exact?: string | undefined;
}

export interface SolveProblem {
  /** The equations as they were written. */
  readonly title: string;
  /** [components] names, in the order of the state. */
  readonly components: readonly string[];
  readonly field: VectorField<Float64Array, Float64Array>;
  readonly y0: Float64Array;
  readonly t0: number;
  readonly t1: number;
  /** The first so many components of the exact solution. */
  readonly exact: ((t: number) => Float64Array) | undefined;
}

interface Equation {
  readonly name: string;
  readonly order: number;
  readonly text: string;
}

/** @throws CliError `bad-option` with what to write instead. */
export function createProblem({ field, y0, t0 = 0, t1, exact }: ProblemText): SolveProblem {
  const equations = equationsOf(field);
  const order = equations[0].order;
  if (equations.some((equation) => equation.order !== order))
    throw new CliError('bad-option', "All equations must be first order (x' = …) or all second order (x'' = …).");
  const names = equations.map(({ name }) => name);
  const components = order === 2 ? [...names, ...names.map((name) => `${name}'`)] : names;
  const start = numbersOf(y0);
  if (start.length !== components.length)
    throw new CliError(
      'bad-option',
      `y0 has ${start.length} numbers; give ${components.length}: ${components.join(', ')}.`,
    );
  return {
    title: field.trim(),
    components,
    field: fieldFrom(equations, components),
    y0: start,
    t0,
    t1,
    exact: exact === undefined ? undefined : exactFrom(exact),
  };
}

function equationsOf(field: string): Equation[] {
  const parts = field.split(';').filter((part) => part.trim() !== '');
  if (parts.length === 0) throw new CliError('bad-option', 'Give a field, for example --field "y*sin(t)^2".');
  const equations = parts.map((part, i) => {
    const [, name = parts.length === 1 ? 'y' : `y${i}`, primes = "'", text = part] =
      /^\s*([A-Za-z_]\w*)('{1,2})\s*=(.*)$/s.exec(part) ?? [];
    return { name, order: primes.length, text: text.trim() };
  });
  const names = equations.map(({ name }) => name);
  const taken = names.find((name, i) => name === 't' || names.indexOf(name) !== i);
  if (taken !== undefined) throw new CliError('bad-option', `There can be only one "${taken}" in the field.`);
  return equations;
}

function fieldFrom(equations: readonly Equation[], components: readonly string[]): SolveProblem['field'] {
  const variables = ['t', ...components];
  const expressions = equations.map(({ text }) => parseExpression(text, variables));
  const formula: Formula = (arithmetic, t, state) =>
    expressions.map((expression) => computed(arithmetic, expression, [t, ...state]));
  if (equations[0].order === 1) return fieldOf(formula);
  const acceleration: Acceleration = (arithmetic, t, position, velocity) =>
    formula(arithmetic, t, [...position, ...velocity], []);
  return secondOrder(acceleration);
}

function exactFrom(text: string): (t: number) => Float64Array {
  const expressions: readonly Expression[] = text.split(';').map((part) => parseExpression(part, ['t']));
  // A field of t alone whose slopes are the values: the library's own arithmetic computes them.
  const values = fieldOf((arithmetic, t) => expressions.map((expression) => computed(arithmetic, expression, [t])));
  const none = new Float64Array(expressions.length);
  return (t) => values.evaluate(t, none, none).slice();
}

function numbersOf(text: string): Float64Array {
  const numbers = text.split(/[,;]/).map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (numbers.every(Number.isFinite)) return Float64Array.from(numbers);
  throw new CliError('bad-option', `y0 "${text}" must be numbers separated by commas.`);
}
