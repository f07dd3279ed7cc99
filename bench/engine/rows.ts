/** The rows of the table: what is timed, in which unit, and what was promised against whom. Data only. */
import { FIELD_NAMES, FIELDS, type FieldName, FORWARD_STEPS } from './problem.ts';

/** Whose best variant a promise is held against. */
export type Family = 'JAX' | 'torch' | 'torchode' | 'torchdiffeq' | 'tfjs';
export const FAMILIES: readonly Family[] = ['JAX', 'torch', 'torchode', 'torchdiffeq', 'tfjs'];

export interface Promise {
  readonly against: Family;
  /** How many times faster. */
  readonly factor: number;
}

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly unit: 'µs' | 'ms';
  /** Calls of the unit of work in what is timed at once. */
  readonly per: number;
  readonly promises: readonly Promise[];
  /** Within which all contestants' check values agree, relative: what their tolerance leaves free. */
  readonly agreement: number;
  /** Floating point operations of the matrix products alone in one unit of work, where the row is held against the peak. */
  readonly flops?: number;
}

const EXACT = 1e-3;
/** Per sample and joint steps differ, and so do the controls of the packages. */
const TO_TOLERANCE = 1e-2;

interface Kind {
  readonly id: string;
  readonly title: string;
  readonly unit?: 'µs';
  readonly per?: number;
  readonly agreement: number;
  readonly promises: Readonly<Record<FieldName, readonly Promise[]>>;
}

const beatsJax = (...factors: readonly number[]): Kind['promises'] => {
  const [small, middle, large] = factors.map((factor): readonly Promise[] => [{ against: 'JAX', factor }]);
  return { '4x20': small, '16x64': middle, '32x128': large };
};

const ADJOINT: readonly Promise[] = [
  { against: 'JAX', factor: 1.2 },
  { against: 'torchdiffeq', factor: 10 },
];

const KINDS: readonly Kind[] = [
  {
    id: 'forward',
    title: 'RK4 step forward',
    unit: 'µs',
    per: FORWARD_STEPS,
    agreement: EXACT,
    promises: beatsJax(2, 1.45, 1.2),
  },
  { id: 'gradient', title: '20 RK4 steps forward and backward', agreement: EXACT, promises: beatsJax(3, 1.8, 1.4) },
  { id: 'dopri5', title: 'dopri5, t 0 → 10, weights × 2, 1e-6', agreement: EXACT, promises: beatsJax(1.5, 1.3, 1.2) },
  {
    id: 'dopri5-gradient',
    title: 'dopri5, t 0 → 1, weights × 2, 1e-3, exact gradient',
    agreement: TO_TOLERANCE,
    promises: beatsJax(1.3, 1.3, 1.3),
  },
  {
    id: 'dopri5-adjoint',
    title: 'dopri5, t 0 → 1, weights × 2, 1e-3, continuous adjoint',
    agreement: TO_TOLERANCE,
    promises: { '4x20': ADJOINT, '16x64': ADJOINT, '32x128': ADJOINT },
  },
];

/** Four stages of two products, a multiplication and an addition each. */
const stepFlops = (name: FieldName): number => 4 * 2 * 2 * FIELDS[name].latent * FIELDS[name].units * 128;

const fieldRow = (kind: Kind, name: FieldName): Row => ({
  id: `${kind.id}-${name}`,
  title: `${kind.title}, 128 × ${name.replace('x', ' × ')}`,
  unit: kind.unit ?? 'ms',
  per: kind.per ?? 1,
  promises: kind.promises[name],
  agreement: kind.agreement,
  ...(kind.id === 'forward' && { flops: stepFlops(name) }),
});

const spirals = (id: string, title: string, factor: number, agreement = EXACT): Row => ({
  id,
  title,
  unit: 'ms',
  per: 1,
  promises: [{ against: 'JAX', factor }],
  agreement,
});

export const ROWS: readonly Row[] = [
  ...KINDS.flatMap((kind) => FIELD_NAMES.map((name) => fieldRow(kind, name))),
  spirals('spirals-rk4', 'spirals training step, RK4', 2.5),
  spirals('spirals-tsit5', 'spirals training step, adaptive tsit5 with interpolation, 1e-3', 2.5),
  spirals('query-1', 'one query, 1 sample', 2),
  spirals('query-64', 'one query, 64 samples', 2.5),
];
