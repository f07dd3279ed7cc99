/**
 * ∂L/∂θ of the vector field as a sum that is mostly not yet summed: every vector–Jacobian product leaves its two
 * factors, the inputs of each layer and the cotangents of its outputs, and one product at the end contracts all times
 * and stages. The solver adds and scales such sums as it does states (`StateSpace`). So that a long solve does not keep
 * factors without end, products beyond a limit are contracted at once.
 */
import type { StateSpace } from '../../ode/state-space.ts';
import type { Matrix } from './matrix.ts';
import { type Mlp, unfoldGradient } from './mlp.ts';
import type { Ops } from './ops.ts';

/** One product's factors, by layer. */
interface Factors {
  readonly inputs: readonly Matrix[];
  readonly deltas: readonly Matrix[];
}

interface Term {
  readonly coefficient: number;
  readonly factors: Factors;
}

export interface FieldGradient {
  readonly terms: readonly Term[];
  /** By layer [I + 1, O], as `Ops.contract` gives it; absent while everything is in the terms. */
  readonly contracted?: readonly Matrix[];
}

export const NO_GRADIENT: FieldGradient = { terms: [] };

/** How much is kept as factors, in products and in numbers (64 MB of f32). */
const MAX_TERMS = 512;
const MAX_NUMBERS = 1 << 24;

/** Makes a gradient of each vector–Jacobian product of one solve. */
export function createGradientRecorder(ops: Ops): (factors: Factors) => FieldGradient {
  let terms = 0;
  let numbers = 0;
  return (factors) => {
    terms++;
    numbers += sizeOf(factors);
    if (terms <= MAX_TERMS && numbers <= MAX_NUMBERS)
      return { terms: [{ coefficient: 1, factors: own(ops, factors) }] };
    return { terms: [], contracted: factors.inputs.map((x, i) => ops.contract([[x]], [factors.deltas[i]])) };
  };
}

/** The state and the cotangent are the solver's, which frees them: a second owner keeps them. */
function own(ops: Ops, { inputs, deltas }: Factors): Factors {
  const last = deltas.length - 1;
  return {
    inputs: inputs.map((x, i) => (i === 0 ? ops.copy(x) : x)),
    deltas: deltas.map((delta, i) => (i === last ? ops.copy(delta) : delta)),
  };
}

function sizeOf({ inputs, deltas }: Factors): number {
  return [...inputs, ...deltas].reduce((sum, { rows, columns }) => sum + rows * columns, 0);
}

/** The factors belong to the scope that the solve runs in: a sum owns nothing. */
export function fieldGradientSpace(ops: Ops): StateSpace<FieldGradient> {
  return {
    residence: 'device',
    combine: (y, coefficients, terms) => combine(ops, y, coefficients, terms),
    zeros: () => NO_GRADIENT,
    errorRatio: () => 0,
    isFinite: () => true,
    dot: () => 0,
    sameShape: () => true,
    scope: (work) => ops.scope(work),
    dispose: () => {},
  };
}

function combine(
  ops: Ops,
  y: FieldGradient,
  coefficients: readonly number[],
  gradients: readonly FieldGradient[],
): FieldGradient {
  const parts: Part[] = [{ coefficient: 1, gradient: y }];
  coefficients.forEach((coefficient, i) => {
    if (coefficient !== 0) parts.push({ coefficient, gradient: gradients[i] });
  });
  const contracted = sumContracted(ops, parts);
  const terms = sumTerms(parts);
  return contracted === undefined ? { terms } : { terms, contracted };
}

interface Part {
  readonly coefficient: number;
  readonly gradient: FieldGradient;
}

/** The same factors met twice are one term. */
function sumTerms(parts: readonly Part[]): Term[] {
  const sums = new Map<Factors, number>();
  for (const { coefficient, gradient } of parts) {
    for (const term of gradient.terms) {
      sums.set(term.factors, (sums.get(term.factors) ?? 0) + coefficient * term.coefficient);
    }
  }
  return Array.from(sums, ([factors, coefficient]) => ({ factors, coefficient }));
}

function sumContracted(ops: Ops, parts: readonly Part[]): Matrix[] | undefined {
  const coefficients: number[] = [];
  const byPart: (readonly Matrix[])[] = [];
  for (const { coefficient, gradient } of parts) {
    if (gradient.contracted === undefined) continue;
    coefficients.push(coefficient);
    byPart.push(gradient.contracted);
  }
  if (byPart.length === 0) return undefined;
  // y + Σ with y the first part: its own share is counted once in y and c − 1 times beside it.
  coefficients[0] -= 1;
  return byPart[0].map((first, layer) =>
    ops.combine(
      first,
      coefficients,
      byPart.map((matrices) => matrices[layer]),
    ),
  );
}

/** Adds the sum to the flat gradient: one product a layer. */
export function addFieldGradient(ops: Ops, mlp: Mlp, gradient: FieldGradient, flat: Float32Array): void {
  mlp.layers.forEach((layer, i) => {
    if (gradient.contracted) unfoldGradient(flat, layer, ops.download(gradient.contracted[i]));
    if (gradient.terms.length > 0) unfoldGradient(flat, layer, ops.download(contractTerms(ops, gradient.terms, i)));
  });
}

function contractTerms(ops: Ops, terms: readonly Term[], layer: number): Matrix {
  const inputs = terms.map(({ factors }) => factors.inputs[layer]);
  const deltas = terms.map(({ factors }) => factors.deltas[layer]);
  return ops.contract([inputs], deltas, { coefficients: terms.map(({ coefficient }) => coefficient) });
}
