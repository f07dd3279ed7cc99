/**
 * The named places of a latent ODE's weights in one flat parameter vector. Matrices are row-major [in, out]: y = x·W + b.
 */
import type { EncoderSpec, ModelSpec } from './spec.ts';

export interface ParameterBlock {
  readonly name: string;
  readonly shape: readonly number[];
  /** Index of the first element in the flat vector. */
  readonly offset: number;
  readonly size: number;
}

export interface ParameterLayout {
  readonly blocks: readonly ParameterBlock[];
  /** P: length of the flat vector. */
  readonly size: number;
}

/** The GRU's gates are stored side by side, in this order: reset, update, candidate. */
export const GRU_GATES = 3;

/** Inputs of the encoder at an observation: [x⊙m, m, clock]. */
export function encoderInputs(spec: ModelSpec): number {
  return 2 * spec.channels.length + 1;
}

/** Inputs of the vector field: the state, then sine and cosine at each period. */
export function dynamicsInputs(spec: ModelSpec): number {
  return spec.latentSize + 2 * spec.dynamics.periodsMs.length;
}

/** Shapes by name, in the order of the flat vector. */
export function parameterShapes(spec: ModelSpec): readonly (readonly [string, readonly number[]])[] {
  const { latentSize: l, encoder, decoder } = spec;
  const gates = GRU_GATES * encoder.units;
  return [
    ['encoder.input.weight', [encoderInputs(spec), gates]],
    ['encoder.recurrent.weight', [encoder.units, gates]],
    ['encoder.input.bias', [gates]],
    ['encoder.recurrent.bias', [gates]],
    ...driftShapes(encoder),
    ['encoder.posterior.weight', [encoder.units, 2 * l]],
    ['encoder.posterior.bias', [2 * l]],
    ...dynamicsShapes(spec),
    ['decoder.hidden.weight', [l, decoder.units]],
    ['decoder.hidden.bias', [decoder.units]],
    ['decoder.output.weight', [decoder.units, 2 * spec.channels.length]],
    ['decoder.output.bias', [2 * spec.channels.length]],
  ];
}

function driftShapes(encoder: EncoderSpec): [string, number[]][] {
  if (encoder.kind !== 'ode-rnn') return [];
  const { units, drift } = encoder;
  return [
    ['encoder.drift.0.weight', [units, drift.units]],
    ['encoder.drift.0.bias', [drift.units]],
    ['encoder.drift.1.weight', [drift.units, units]],
    ['encoder.drift.1.bias', [units]],
  ];
}

function dynamicsShapes(spec: ModelSpec): [string, number[]][] {
  const { units, depth } = spec.dynamics;
  const widths = [dynamicsInputs(spec), ...Array<number>(depth).fill(units), spec.latentSize];
  return widths.slice(1).flatMap((out, i): [string, number[]][] => [
    [`dynamics.${i}.weight`, [widths[i], out]],
    [`dynamics.${i}.bias`, [out]],
  ]);
}

export function parameterLayout(spec: ModelSpec): ParameterLayout {
  let offset = 0;
  const blocks = parameterShapes(spec).map(([name, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const block = { name, shape, offset, size };
    offset += size;
    return block;
  });
  return { blocks, size: offset };
}
