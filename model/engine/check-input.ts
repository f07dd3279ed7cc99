/**
 * Shapes at the engine's door, so that a mistake is a sentence and not a read beyond the end of an array. What runs over
 * every number of a batch is a plain loop: it is run at every step.
 */
import { BOUNDS, type DecodeRequest, type Ragged, type TrainingBatch } from '../latent/batch.ts';
import type { PathRequest } from '../latent/query.ts';
import type { ModelSpec } from '../latent/spec.ts';
import { require } from './engine-error.ts';

export function checkParameters(size: number, parameters: Float32Array): void {
  require(parameters.length === size, 'bad-parameters', () =>
    `The model has ${size} parameters and was given ${parameters.length}; take both from the same artifact.`);
}

export function checkTraining(spec: ModelSpec, batch: TrainingBatch): void {
  const { context, targets, origins, noise, beta, bound } = batch;
  checkContext(spec, context);
  checkRagged(spec, targets, 'targets');
  const samples = origins.length;
  requireLength(context.offsets, samples + 1, 'context.offsets');
  requireLength(targets.offsets, samples + 1, 'targets.offsets');
  checkStart(targets);
  const draw = samples * spec.latentSize;
  require(noise.length > 0 && noise.length % draw === 0, 'bad-batch', () =>
    `noise holds ${noise.length} numbers; give a positive multiple of batch × latentSize = ${draw}.`);
  require(allFinite(noise), 'bad-batch', () => 'noise must be finite.');
  require(beta >= 0 && Number.isFinite(beta), 'bad-batch', () => `beta is ${beta}; give a number ≥ 0.`);
  require(bound === undefined || BOUNDS.includes(bound), 'bad-batch', () =>
    `bound is ${bound}; give one of ${BOUNDS.join(', ')}.`);
}

export function checkContext(spec: ModelSpec, context: Ragged): void {
  checkRagged(spec, context, 'context');
  require(context.offsets.length > 1, 'bad-batch', () => 'context has no samples; give at least one.');
  const empty = context.offsets.findIndex((offset, b) => b > 0 && offset === context.offsets[b - 1]);
  require(empty < 0, 'bad-batch', () => `Sample ${empty - 1} has no context; give every sample an observation.`);
}

export function checkDecode(spec: ModelSpec, { z0, origins, offsets, times }: DecodeRequest): void {
  requireLength(z0, origins.length * spec.latentSize, 'z0');
  requireLength(offsets, origins.length + 1, 'offsets');
  checkRows(offsets, times, 'decode');
}

/** A request's contexts may be none, where all posteriors are known. */
export function checkPaths(spec: ModelSpec, { context, known, queries }: PathRequest): void {
  if (context.offsets.length > 1) checkContext(spec, context);
  else checkRagged(spec, context, 'context');
  requireLength(known.logVariance, known.mean.length, 'known.logVariance');
  const posteriors = context.offsets.length - 1 + known.mean.length / spec.latentSize;
  require(Number.isInteger(posteriors), 'bad-batch', () => 'known holds whole posteriors, `latentSize` numbers each.');
  queries.forEach(({ posterior, origin, times, noise }, q) => {
    require(Number.isInteger(posterior) && posterior >= 0 && posterior < posteriors, 'bad-batch', () =>
      `Query ${q} starts from posterior ${posterior}; there are ${posteriors}.`);
    require(noise.length > 0 && noise.length % spec.latentSize === 0, 'bad-batch', () =>
      `Query ${q} has ${noise.length} numbers of noise; give a positive multiple of latentSize = ${spec.latentSize}.`);
    require(Number.isFinite(origin), 'bad-batch', () => `Query ${q} has the origin ${origin}; it must be finite.`);
    require(allFinite(times) && allFinite(noise), 'bad-batch', () => `Times and noise of query ${q} must be finite.`);
  });
}

function checkRagged(spec: ModelSpec, ragged: Ragged, name: string): void {
  const channels = spec.channels.length;
  require(ragged.channels === channels, 'bad-batch', () =>
    `${name} has ${ragged.channels} channels, the model has ${channels}.`);
  requireLength(ragged.values, ragged.times.length * channels, `${name}.values`);
  requireLength(ragged.mask, ragged.times.length * channels, `${name}.mask`);
  const bad = firstBadEntry(ragged);
  require(bad < 0, 'bad-batch', () =>
    `${name}.values[${bad}] is ${ragged.values[bad]}, ${name}.mask[${bad}] is ${ragged.mask[bad]}; give a finite value where the mask is 1, and 0 or 1 as the mask.`);
  checkOffsets(ragged.offsets, ragged.times, name);
  const unsorted = firstUnsorted(ragged);
  require(unsorted < 0, 'bad-batch', () =>
    `${name}.times[${unsorted}] is ${ragged.times[unsorted]}; give finite times, each sample's from early to late.`);
}

/** Rows in any order. */
function checkRows(offsets: Int32Array, times: Float64Array, name: string): void {
  checkOffsets(offsets, times, name);
  require(allFinite(times), 'bad-batch', () => `${name}.times must be finite.`);
}

function checkOffsets(offsets: Int32Array, times: Float64Array, name: string): void {
  const ascending = offsets.every((offset, b) => offset >= (offsets[b - 1] ?? 0)) && offsets[0] === 0;
  require(ascending && offsets[offsets.length - 1] === times.length, 'bad-batch', () =>
    `${name}.offsets must rise from 0 to the number of times, ${times.length}.`);
}

/** A row whose time is not finite, or before that of the row before it in its sample; −1 where there is none. */
function firstUnsorted({ offsets, times }: Ragged): number {
  for (let b = 0; b + 1 < offsets.length; b++) {
    const [from, to] = [offsets[b], offsets[b + 1]];
    let before = Number.NEGATIVE_INFINITY;
    for (let row = from; row < to; row++) {
      const time = times[row];
      // Not `time < before`: NaN is on no side.
      if (!(time >= before)) return row;
      before = time;
    }
    if (from < to && !Number.isFinite(times[from])) return from;
    if (from < to && !Number.isFinite(times[to - 1])) return to - 1;
  }
  return -1;
}

/** Rows are sorted: the first of each sample is its earliest. */
function checkStart({ offsets, times }: Ragged): void {
  for (let b = 0; b + 1 < offsets.length; b++) {
    const early = offsets[b] < offsets[b + 1] && times[offsets[b]] < 0;
    require(!early, 'bad-batch', () => 'targets.times must not be before model time 0.');
  }
}

/** An entry that is said to be seen and is no number, or whose mask says neither; −1 where there is none. */
function firstBadEntry({ mask, values }: Ragged): number {
  const entries = mask.length;
  let sum = 0;
  for (let i = 0; i < entries; i++) {
    const seen = mask[i];
    if (seen === 1) sum += values[i];
    else if (seen !== 0) return i;
  }
  // A sum of floats in a double is finite if, and only if, all of them are.
  return Number.isFinite(sum) ? -1 : mask.findIndex((seen, i) => seen === 1 && !Number.isFinite(values[i]));
}

export function allFinite(numbers: Float32Array | Float64Array): boolean {
  // Two loops of one kind of array each: one loop over either is several times as slow.
  return numbers instanceof Float32Array ? allFloatsFinite(numbers) : allDoublesFinite(numbers);
}

function allFloatsFinite(numbers: Float32Array): boolean {
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return false;
  return true;
}

function allDoublesFinite(numbers: Float64Array): boolean {
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return false;
  return true;
}

function requireLength(array: { readonly length: number }, length: number, name: string): void {
  require(array.length === length, 'bad-batch', () => `${name} holds ${array.length} entries, not ${length}.`);
}
