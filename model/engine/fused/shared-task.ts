/**
 * A batch, the parameters and the places for results in memory that all threads see: written once a step, read where it
 * lies. A few numbers at the front say how long each array is; both sides lay the arrays out from them.
 */
import { BOUNDS, type TrainingBatch } from '../../latent/batch.ts';
import { SUMS, type TileResults, type TileTask } from './train-job.ts';

/** What does not change from batch to batch. */
export interface ModelShape {
  /** P */
  readonly parameters: number;
  readonly channels: number;
  readonly latentSize: number;
  /** Samples of a tile. */
  readonly lanes: number;
}

interface BatchShape {
  readonly samples: number;
  readonly contextRows: number;
  readonly targetRows: number;
  readonly draws: number;
}

/** Five integers and two doubles. */
const HEADER_BYTES = 64;
const FIRST_DOUBLE = 4;

/** Lengths by the kind of number, the largest first: so all are aligned. */
function lengthsOf({ parameters, channels, latentSize, lanes }: ModelShape, shape: BatchShape) {
  const { samples, contextRows, targetRows, draws } = shape;
  const tiles = Math.ceil(samples / lanes);
  return {
    doubles: { contextTimes: contextRows, targetTimes: targetRows, origins: samples },
    floats: {
      parameters,
      contextValues: contextRows * channels,
      targetValues: targetRows * channels,
      noise: draws * samples * latentSize,
      gradients: tiles * parameters,
      sums: tiles * SUMS,
    },
    ints: {
      contextOffsets: samples + 1,
      targetOffsets: samples + 1,
      status: draws * samples,
      forward: draws * samples,
      backward: draws * samples,
    },
    bytes: { contextMask: contextRows * channels, targetMask: targetRows * channels },
  };
}

type Lengths = ReturnType<typeof lengthsOf>;

function bytesOf({ doubles, floats, ints, bytes }: Lengths): number {
  const sum = (lengths: Readonly<Record<string, number>>) => Object.values(lengths).reduce((a, b) => a + b, 0);
  return HEADER_BYTES + 8 * sum(doubles) + 4 * (sum(floats) + sum(ints)) + sum(bytes);
}

function arraysOf(memory: SharedArrayBuffer, { doubles, floats, ints, bytes }: Lengths) {
  let next = HEADER_BYTES;
  const carve = <K extends string, A extends { readonly byteLength: number }>(
    lengths: Readonly<Record<K, number>>,
    make: (at: number, length: number) => A,
  ): Record<K, A> => {
    const arrays = {} as Record<K, A>;
    for (const name of Object.keys(lengths) as K[]) {
      arrays[name] = make(next, lengths[name]);
      next += arrays[name].byteLength;
    }
    return arrays;
  };
  return {
    ...carve(doubles, (at, length) => new Float64Array(memory, at, length)),
    ...carve(floats, (at, length) => new Float32Array(memory, at, length)),
    ...carve(ints, (at, length) => new Int32Array(memory, at, length)),
    ...carve(bytes, (at, length) => new Uint8Array(memory, at, length)),
  };
}

type Arrays = ReturnType<typeof arraysOf>;

function shapeOf({ latentSize }: ModelShape, { context, targets, origins, noise }: TrainingBatch): BatchShape {
  const samples = origins.length;
  const draws = noise.length / (samples * latentSize);
  return { samples, contextRows: context.times.length, targetRows: targets.times.length, draws };
}

/** Bytes that a task and its results take. */
export function sharedBytes(model: ModelShape, { batch }: TileTask): number {
  return bytesOf(lengthsOf(model, shapeOf(model, batch)));
}

/** Copies a task into memory of at least `sharedBytes`. */
export function writeShared(
  memory: SharedArrayBuffer,
  model: ModelShape,
  { parameters, batch, weight }: TileTask,
): TileResults {
  const shape = shapeOf(model, batch);
  const bound = BOUNDS.indexOf(batch.bound ?? 'elbo');
  new Int32Array(memory).set([shape.samples, shape.contextRows, shape.targetRows, shape.draws, bound]);
  new Float64Array(memory).set([batch.beta, weight], FIRST_DOUBLE);
  const arrays = arraysOf(memory, lengthsOf(model, shape));
  arrays.parameters.set(parameters);
  arrays.origins.set(batch.origins);
  arrays.noise.set(batch.noise);
  arrays.contextOffsets.set(batch.context.offsets);
  arrays.contextTimes.set(batch.context.times);
  arrays.contextValues.set(batch.context.values);
  arrays.contextMask.set(batch.context.mask);
  arrays.targetOffsets.set(batch.targets.offsets);
  arrays.targetTimes.set(batch.targets.times);
  arrays.targetValues.set(batch.targets.values);
  arrays.targetMask.set(batch.targets.mask);
  return resultsOf(arrays);
}

/** What the other side wrote, where it lies. */
export function readShared(
  memory: SharedArrayBuffer,
  model: ModelShape,
): { readonly task: TileTask; readonly results: TileResults } {
  const [samples, contextRows, targetRows, draws, bound] = new Int32Array(memory, 0, 5);
  const [beta, weight] = new Float64Array(memory, FIRST_DOUBLE * 8, 2);
  const arrays = arraysOf(memory, lengthsOf(model, { samples, contextRows, targetRows, draws }));
  const batch = { ...batchOf(arrays, model), beta, bound: BOUNDS[bound] };
  return { task: { parameters: arrays.parameters, batch, weight }, results: resultsOf(arrays) };
}

function batchOf(arrays: Arrays, { channels }: ModelShape) {
  return {
    context: {
      channels,
      offsets: arrays.contextOffsets,
      times: arrays.contextTimes,
      values: arrays.contextValues,
      mask: arrays.contextMask,
    },
    targets: {
      channels,
      offsets: arrays.targetOffsets,
      times: arrays.targetTimes,
      values: arrays.targetValues,
      mask: arrays.targetMask,
    },
    origins: arrays.origins,
    noise: arrays.noise,
  };
}

function resultsOf({ gradients, sums, status, forward, backward }: Arrays): TileResults {
  return { gradients, sums, status, forward, backward };
}
