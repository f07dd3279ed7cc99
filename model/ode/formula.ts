/**
 * Fields written as formulas, which the library differentiates: one formula over an abstract number is read three ways, as
 * plain arithmetic, with dual numbers (forward mode) and onto a tape (reverse mode). No derivative is asked of anybody.
 */
import type { HostField } from './vector-field.ts';

/** Arithmetic on numbers of kind N; plain numbers may stand anywhere. */
export interface Arithmetic<N> {
  add(a: N | number, b: N | number): N;
  sub(a: N | number, b: N | number): N;
  mul(a: N | number, b: N | number): N;
  div(a: N | number, b: N | number): N;
  neg(a: N | number): N;
  /** aⁿ for a constant exponent. */
  pow(a: N | number, exponent: number): N;
  exp(a: N | number): N;
  log(a: N | number): N;
  sqrt(a: N | number): N;
  sin(a: N | number): N;
  cos(a: N | number): N;
  tanh(a: N | number): N;
}

/** dy/dt component by component, for any kind of number. */
export type Formula = <N>(
  arithmetic: Arithmetic<N>,
  t: N,
  y: readonly N[],
  parameters: readonly N[],
) => readonly (N | number)[];

/** A function of one or two numbers with its partial derivatives. */
type Unary = (a: number) => readonly [value: number, slope: number];
type Binary = (a: number, b: number) => readonly [value: number, bySelf: number, byOther: number];

const BINARY = {
  add: (a, b) => [a + b, 1, 1],
  sub: (a, b) => [a - b, 1, -1],
  mul: (a, b) => [a * b, b, a],
  div: (a, b) => [a / b, 1 / b, -a / (b * b)],
} satisfies Record<string, Binary>;

const UNARY = {
  neg: (a) => [-a, -1],
  exp: (a) => [Math.exp(a), Math.exp(a)],
  log: (a) => [Math.log(a), 1 / a],
  sqrt: (a) => [Math.sqrt(a), 0.5 / Math.sqrt(a)],
  sin: (a) => [Math.sin(a), Math.cos(a)],
  cos: (a) => [Math.cos(a), -Math.sin(a)],
  tanh: (a) => [Math.tanh(a), 1 - Math.tanh(a) ** 2],
} satisfies Record<string, Unary>;

const power: (exponent: number) => Unary = (n) => (a) => [a ** n, n === 0 ? 0 : n * a ** (n - 1)];

/** An arithmetic from how its numbers take one and two arguments. */
function arithmeticOf<N>(
  unary: (rule: Unary, a: N | number) => N,
  binary: (rule: Binary, a: N | number, b: N | number) => N,
): Arithmetic<N> {
  const one = (rule: Unary) => (a: N | number) => unary(rule, a);
  const two = (rule: Binary) => (a: N | number, b: N | number) => binary(rule, a, b);
  return {
    add: two(BINARY.add),
    sub: two(BINARY.sub),
    mul: two(BINARY.mul),
    div: two(BINARY.div),
    neg: one(UNARY.neg),
    pow: (a, exponent) => unary(power(exponent), a),
    exp: one(UNARY.exp),
    log: one(UNARY.log),
    sqrt: one(UNARY.sqrt),
    sin: one(UNARY.sin),
    cos: one(UNARY.cos),
    tanh: one(UNARY.tanh),
  };
}

/** Written out: this is the one that every step of a solve runs. */
const plain: Arithmetic<number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  neg: (a) => -a,
  pow: (a, exponent) => a ** exponent,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
};

/** A number and its derivative in one direction. */
interface Dual {
  readonly value: number;
  readonly slope: number;
}

const asDual = (a: Dual | number): Dual => (typeof a === 'number' ? { value: a, slope: 0 } : a);

const dual: Arithmetic<Dual> = arithmeticOf(
  (rule, a) => {
    const { value, slope } = asDual(a);
    const [result, derivative] = rule(value);
    return { value: result, slope: derivative * slope };
  },
  (rule, a, b) => {
    const [left, right] = [asDual(a), asDual(b)];
    const [result, byLeft, byRight] = rule(left.value, right.value);
    return { value: result, slope: byLeft * left.slope + byRight * right.slope };
  },
);

/** A number and where it stands on the tape. */
interface Taped {
  readonly value: number;
  readonly index: number;
}

/** What each number was made of: up to two earlier ones, with the derivatives by them. −1 is nothing. */
interface Tape {
  readonly parents: number[];
  readonly slopes: number[];
}

function record(tape: Tape, value: number, a: number, byA: number, b: number, byB: number): Taped {
  tape.parents.push(a, b);
  tape.slopes.push(byA, byB);
  return { value, index: tape.parents.length / 2 - 1 };
}

function tapedArithmetic(tape: Tape): Arithmetic<Taped> {
  const taken = (a: Taped | number): Taped => (typeof a === 'number' ? { value: a, index: -1 } : a);
  return arithmeticOf(
    (rule, a) => {
      const { value, index } = taken(a);
      const [result, slope] = rule(value);
      return record(tape, result, index, slope, -1, 0);
    },
    (rule, a, b) => {
      const [left, right] = [taken(a), taken(b)];
      const [result, byLeft, byRight] = rule(left.value, right.value);
      return record(tape, result, left.index, byLeft, right.index, byRight);
    },
  );
}

/** ∂L/∂ of every number on the tape, from those of some of them; written into `bars`. */
function unwind({ parents, slopes }: Tape, bars: Float64Array): void {
  for (let i = bars.length - 1; i >= 0; i--) {
    for (const side of [2 * i, 2 * i + 1]) if (parents[side] >= 0) bars[parents[side]] += slopes[side] * bars[i];
  }
}

/** A field with exact derivatives from a formula. */
export function fieldOf(formula: Formula): HostField {
  return {
    none: new Float64Array(0),
    evaluate: (t, y, parameters, into = new Float64Array(y.length)) => {
      const slopes = formula(plain, t, Array.from(y), Array.from(parameters));
      if (slopes.length !== y.length) return Float64Array.from(slopes);
      into.set(slopes);
      return into;
    },
    vjp: (t, y, parameters, cotangent) => taped(formula, t, y, parameters, cotangent),
    jvp: (t, y, parameters, tangent) => {
      const along = (values: Float64Array, slopes: Float64Array) =>
        Array.from(values, (value, i): Dual => ({ value, slope: slopes[i] }));
      const moving = along(parameters, tangent.parameters ?? new Float64Array(parameters.length));
      const slopes = formula(dual, { value: t, slope: tangent.t ?? 0 }, along(y, tangent.y), moving);
      return Float64Array.from(slopes, (slope) => asDual(slope).slope);
    },
  };
}

function taped(formula: Formula, t: number, y: Float64Array, parameters: Float64Array, cotangent: Float64Array) {
  const tape: Tape = { parents: [], slopes: [] };
  const leaf = (value: number): Taped => record(tape, value, -1, 0, -1, 0);
  const time = leaf(t);
  const [state, thetas] = [Array.from(y, leaf), Array.from(parameters, leaf)];
  const slopes = formula(tapedArithmetic(tape), time, state, thetas);
  const bars = new Float64Array(tape.parents.length / 2);
  slopes.forEach((slope, i) => {
    if (typeof slope !== 'number') bars[slope.index] += cotangent[i];
  });
  unwind(tape, bars);
  const [first, second] = [1 + y.length, 1 + y.length + parameters.length];
  return { t: bars[0], y: bars.slice(1, first), parameters: bars.slice(first, second) };
}
