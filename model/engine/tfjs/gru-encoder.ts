/**
 * The encoder: a GRU that reads each sample's context from its last observation to its first, and a linear head on its
 * last state; an ODE-RNN's state drifts between observations (`drift.ts`). Samples are of any length; the batch runs as long as the longest, and a sample that is through keeps its
 * state to the bit, so that its posterior does not depend on its neighbours.
 */
import type { Ragged } from '../../latent/batch.ts';
import { encoderInputs, GRU_GATES, type ParameterBlock } from '../../latent/layout.ts';
import type { ModelSpec } from '../../latent/spec.ts';
import { type Drift, type DriftPass, follow, noDriftFactors, pullDrift, writeDriftGradient } from './drift.ts';
import type { Matrix } from './matrix.ts';
import type { GruStep, Ops } from './ops.ts';

/** Far below any pre-activation: v = σ(−1e9 + …) is 0, so a row behind the end of its sample does nothing. */
const THROUGH = -1e9;

/** A GRU's weights on the device. Inputs are [x⊙m, m, clock], a one for the biases, a one where the sample is through. */
export interface Encoder {
  readonly units: number;
  /** [I + 2, 3R] */
  readonly input: Matrix;
  /** [R, 3R] and [1, 3R]: only the candidate's bias is apart from the input's, because r multiplies it. */
  readonly recurrent: Matrix;
  readonly recurrentBias: Matrix;
  /** [5R, R] for the way back, as `gruPull` lays it out: the transpose of `recurrent`, nothing, the identity. */
  readonly back: Matrix;
  readonly head: Matrix;
  readonly headBias: Matrix;
  readonly headBack: Matrix;
  /** Of an ODE-RNN. */
  readonly drift: Drift | undefined;
}

export interface EncoderPass {
  readonly inputs: Matrix;
  readonly steps: readonly GruStep[];
  /** Of an ODE-RNN: entry s leads from step s to step s + 1. */
  readonly drifts: readonly DriftPass[];
  /** [B, R] */
  readonly last: Matrix;
  /** [B, 2L] mean, then raw log-variance. */
  readonly output: Matrix;
}

/** A view of a named block of the flat vector. */
type Read = (name: string) => Float32Array;

export function loadEncoder(ops: Ops, spec: ModelSpec, read: Read, drift?: Drift): Encoder {
  const units = spec.encoder.units;
  const latent = 2 * spec.latentSize;
  const recurrent = negateUpdate(read('encoder.recurrent.weight'), units);
  const head = read('encoder.posterior.weight');
  return {
    units,
    input: ops.upload(inputWeights(spec, read), encoderInputs(spec) + 2, GRU_GATES * units),
    recurrent: ops.upload(recurrent, units, GRU_GATES * units),
    recurrentBias: ops.upload(candidateBias(read('encoder.recurrent.bias'), units), 1, GRU_GATES * units),
    back: ops.upload(backWeights(recurrent, units), 5 * units, units),
    head: ops.upload(head, units, latent),
    headBias: ops.upload(read('encoder.posterior.bias'), 1, latent),
    headBack: ops.upload(transpose(head, units, latent), latent, units),
    drift,
  };
}

/** The update gate u is carried as v = 1 − u = σ(−·). */
function negateUpdate(values: Float32Array, units: number): Float32Array {
  return values.map((w, i) => (isUpdate(i, units) ? -w : w));
}

const isUpdate = (i: number, units: number): boolean => Math.floor((i % (GRU_GATES * units)) / units) === 1;

function inputWeights(spec: ModelSpec, read: Read): Float32Array {
  const units = spec.encoder.units;
  const columns = GRU_GATES * units;
  const weight = negateUpdate(read('encoder.input.weight'), units);
  const inputBias = negateUpdate(read('encoder.input.bias'), units);
  const recurrentBias = negateUpdate(read('encoder.recurrent.bias'), units);
  const out = new Float32Array(weight.length + 2 * columns);
  out.set(weight);
  for (let i = 0; i < columns; i++) {
    out[weight.length + i] = inputBias[i] + (i < 2 * units ? recurrentBias[i] : 0);
    out[weight.length + columns + i] = isUpdate(i, units) ? THROUGH : 0;
  }
  return out;
}

function candidateBias(bias: Float32Array, units: number): Float32Array {
  return bias.map((b, i) => (i < 2 * units ? 0 : b));
}

function backWeights(recurrent: Float32Array, units: number): Float32Array {
  const out = new Float32Array(5 * units * units);
  out.set(transpose(recurrent, units, GRU_GATES * units));
  for (let i = 0; i < units; i++) out[(4 * units + i) * units + i] = 1;
  return out;
}

function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c];
  return out;
}

/** [T·B, I + 2] step s of sample b is its observation n − 1 − s; T is the longest context. */
export function encoderRows(spec: ModelSpec, context: Ragged): { steps: number; batch: number; values: Float32Array } {
  const batch = context.offsets.length - 1;
  let steps = 0;
  for (let b = 0; b < batch; b++) steps = Math.max(steps, context.offsets[b + 1] - context.offsets[b]);
  const width = encoderInputs(spec) + 2;
  const values = new Float32Array(steps * batch * width);
  for (let s = 0; s < steps; s++) {
    for (let b = 0; b < batch; b++) {
      const observation = context.offsets[b + 1] - 1 - s;
      const row = values.subarray((s * batch + b) * width, (s * batch + b + 1) * width);
      if (observation >= context.offsets[b]) fillRow(row, spec, context, observation, s === 0, context.offsets[b]);
      else row[width - 1] = 1;
    }
  }
  return { steps, batch, values };
}

function fillRow(
  row: Float32Array,
  spec: ModelSpec,
  context: Ragged,
  observation: number,
  latest: boolean,
  first: number,
): void {
  const d = context.channels;
  for (let c = 0; c < d; c++) {
    const seen = context.mask[observation * d + c];
    row[c] = seen === 0 ? 0 : context.values[observation * d + c];
    row[d + c] = seen;
  }
  const { times } = context;
  const elapsed = times[observation] - times[first];
  const gap = latest ? 0 : times[observation + 1] - times[observation];
  row[2 * d] = spec.encoder.clock === 'gap' ? gap : elapsed;
  row[2 * d + 1] = 1;
}

export function encode(ops: Ops, encoder: Encoder, spec: ModelSpec, context: Ragged): EncoderPass {
  const { steps: count, batch, values } = encoderRows(spec, context);
  const inputs = ops.upload(values, count * batch, encoderInputs(spec) + 2);
  const projected = ops.matMul(inputs, encoder.input);
  const steps: GruStep[] = [];
  const drifts: DriftPass[] = [];
  let h = ops.upload(new Float32Array(batch * encoder.units), batch, encoder.units);
  for (let s = 0; s < count; s++) {
    if (encoder.drift !== undefined && s > 0) {
      const drifted = follow(ops, encoder.drift, h, gapsBefore(context, s));
      drifts.push(drifted.pass);
      h = drifted.h;
    }
    const recurrent = ops.matMul(h, encoder.recurrent, encoder.recurrentBias);
    const gates = ops.gruGates(recurrent, projected, s * batch);
    const candidate = ops.gruCandidate(recurrent, gates, projected, s * batch);
    steps.push({ h, recurrent, gates, candidate });
    h = ops.gruBlend(h, gates, candidate);
  }
  return { inputs, steps, drifts, last: h, output: ops.matMul(h, encoder.head, encoder.headBias) };
}

/** [B] from the observation of step s − 1 back to that of step s; 0 for a sample that is through. */
function gapsBefore({ offsets, times }: Ragged, s: number): Float64Array {
  return Float64Array.from({ length: offsets.length - 1 }, (_, b) => {
    const observation = offsets[b + 1] - 1 - s;
    return observation >= offsets[b] ? times[observation + 1] - times[observation] : 0;
  });
}

/** Writes the encoder's blocks of the flat gradient, from the cotangent of the head's output [B, 2L]. */
export function pullEncoder(
  ops: Ops,
  encoder: Encoder,
  pass: EncoderPass,
  cotangent: Matrix,
  gradient: Float32Array,
  blocks: readonly ParameterBlock[],
): void {
  const write = blockReader(gradient, blocks);
  const head = ops.download(ops.contract([[pass.last]], [cotangent]));
  writeWithBias(head, write('encoder.posterior.weight'), write('encoder.posterior.bias'));
  const cotangents: Matrix[] = [];
  const { drift } = encoder;
  const factors = drift && noDriftFactors(drift);
  let dh = ops.matMul(cotangent, encoder.headBack);
  for (let s = pass.steps.length - 1; s >= 0; s--) {
    const back = ops.gruPull(dh, pass.steps[s]);
    cotangents.push(back);
    if (s > 0) dh = ops.matMul(back, encoder.back);
    if (s > 0 && drift && factors) dh = pullDrift(ops, drift, pass.drifts[s - 1], dh, factors);
  }
  if (drift && factors) writeDriftGradient(ops, drift, factors, gradient);
  writeWeights(ops, encoder, pass, cotangents.reverse(), write);
}

function writeWithBias(joint: Float32Array, weight: Float32Array, bias: Float32Array): void {
  weight.set(joint.subarray(0, weight.length));
  bias.set(joint.subarray(weight.length, weight.length + bias.length));
}

/** One product over all steps: rows of h, of the inputs, of the ones; columns reset, v, candidate by h, candidate. */
function writeWeights(
  ops: Ops,
  { units }: Encoder,
  pass: EncoderPass,
  cotangents: readonly Matrix[],
  write: Read,
): void {
  const h = pass.steps.map((step) => step.h);
  const joint = ops.download(ops.contract([h, [pass.inputs]], cotangents, { columns: 4 * units }));
  const inputs = joint.subarray(4 * units * units);
  const ones = joint.subarray(joint.length - 4 * units);
  copyGates(joint, write('encoder.recurrent.weight'), units, 2);
  copyGates(inputs, write('encoder.input.weight'), units, 3);
  copyGates(ones, write('encoder.recurrent.bias'), units, 2);
  copyGates(ones, write('encoder.input.bias'), units, 3);
}

/** Reset, update with its sign turned back, and the candidate from the block that is its own. */
function copyGates(from: Float32Array, to: Float32Array, units: number, candidateBlock: 2 | 3): void {
  const columns = GRU_GATES * units;
  for (let i = 0; i < to.length; i++) {
    const column = i % columns;
    const shift = column < 2 * units ? 0 : (candidateBlock - 2) * units;
    const value = from[Math.floor(i / columns) * 4 * units + column + shift];
    to[i] = isUpdate(i, units) ? -value : value;
  }
}

/** Its block of the flat vector by name. */
export function blockReader(vector: Float32Array, blocks: readonly ParameterBlock[]): Read {
  const byName = new Map(blocks.map((block) => [block.name, block]));
  return (name) => {
    const block = byName.get(name);
    if (block === undefined) throw new RangeError(`The model has no parameters named ${name}.`);
    return vector.subarray(block.offset, block.offset + block.size);
  };
}
