/**
 * The kernels' jobs as this side packs them: the twin, name by name, of model/kernels/job.h (a test compares the two). A
 * descriptor is a row of cells of four bytes, each an integer or a float; offsets count in cells from the arena's start.
 */

export const OPERATIONS = ['special', 'train', 'encode', 'decode', 'solve', 'quantile', 'query'] as const;

export type Operation = (typeof OPERATIONS)[number];

export function operationCode(operation: Operation): number {
  return OPERATIONS.indexOf(operation);
}

/** What `Kernels.run` gives back. */
export const DONE = 0;
export const NO_ROOM = -2;

/** Names of a descriptor's cells in their order; a name with a dot before it holds a float. */
export type Cells = readonly string[];

/** What of a descriptor says which model it is. */
export const MODEL_CELLS: Cells = [
  'channels',
  'latent',
  'encoder_kind',
  'encoder_units',
  'drift_units',
  'drift_steps',
  'drift_tableau_at',
  'dynamics_units',
  'dynamics_depth',
  'periods',
  'rates_at',
  'decoder_units',
  'likelihood',
  '.degrees',
  '.log_normaliser',
  'method',
  'gradient',
  'tableau_at',
  'max_steps',
  '.spacing',
  '.rtol',
  '.atol',
  'parameters_at',
];

const CONTEXT: Cells = ['samples', 'offsets_at', 'values_at', 'mask_at', 'clock_at', 'gaps_at'];

const SCRATCH: Cells = ['at', 'cells', 'needed'];

const within = (part: string, cells: Cells): Cells =>
  cells.map((name) => (name.startsWith('.') ? `.${part}.${name.slice(1)}` : `${part}.${name}`));

export const TRAIN_JOB: Cells = [
  ...within('model', MODEL_CELLS),
  ...within('context', CONTEXT),
  'target_offsets_at',
  'target_left_at',
  'target_u_at',
  'target_values_at',
  'target_mask_at',
  'turns_at',
  'noise_at',
  'draws',
  'bound',
  '.beta',
  '.weight',
  'gradient_at',
  'sums_at',
  'status_at',
  'forward_at',
  'backward_at',
  ...within('scratch', SCRATCH),
];

export const ENCODE_JOB: Cells = [
  ...within('model', MODEL_CELLS),
  ...within('context', CONTEXT),
  'mean_at',
  'log_variance_at',
  ...within('scratch', SCRATCH),
];

export const DECODE_JOB: Cells = [
  ...within('model', MODEL_CELLS),
  'samples',
  'z0_at',
  'turns_at',
  'offsets_at',
  'left_at',
  'u_at',
  'latent_at',
  'mean_at',
  'scale_at',
  'status_at',
  'evaluations_at',
  ...within('scratch', SCRATCH),
];

export const QUANTILE_JOB: Cells = [
  'rows',
  'components',
  'levels',
  'means_at',
  'scales_at',
  'weights_at',
  'weights_step',
  'tails_at',
  'probits_at',
  'out_at',
  ...within('scratch', SCRATCH),
];

export const SOLVE_JOB: Cells = [
  'latent',
  'units',
  'depth',
  'parameters_at',
  'tableau_at',
  'method',
  'gradient',
  'steps',
  'max_steps',
  '.spacing',
  '.rtol',
  '.atol',
  'samples',
  'z0_at',
  'backward',
  'end_at',
  'z_gradient_at',
  'gradient_at',
  'status_at',
  'forward_at',
  'backward_at',
  ...within('scratch', SCRATCH),
];

/** K paths of one query; a table of these lies in the arena. */
export const QUERY_CELLS = [
  'posterior',
  'draws',
  'rows',
  'noise_at',
  'turns_at',
  'left_at',
  'u_at',
  'mean_at',
  'scale_at',
] as const satisfies Cells;

export const QUERY_JOB: Cells = [
  ...within('model', MODEL_CELLS),
  ...within('context', CONTEXT),
  'mean_at',
  'log_variance_at',
  'queries_at',
  'paths',
  'query_of_at',
  'draw_of_at',
  'status_at',
  'evaluations_at',
  ...within('scratch', SCRATCH),
];

/** Values by name, nested as the structs are; a struct within may be given as `packCells` has packed it. */
export interface CellValues {
  readonly [name: string]: number | CellValues | Int32Array;
}

interface Memory {
  readonly ints: Int32Array;
  readonly floats: Float32Array;
}

/** Writes a descriptor. @throws RangeError for a name without a value that fits it: a mistake of the caller's. */
export function writeCells(memory: Memory, at: number, cells: Cells, values: CellValues, path = ''): void {
  for (const field of fieldsOf(cells)) {
    const value = values[field.name];
    if (field.cells !== undefined) writeStruct(memory, at + field.at, field.cells, value, `${path}${field.name}`);
    else if (typeof value === 'number') (field.float ? memory.floats : memory.ints)[at + field.at] = value;
    else throw new RangeError(`A job's cell ${path}${field.name} has no value.`);
  }
}

function writeStruct(
  memory: Memory,
  at: number,
  cells: Cells,
  value: CellValues[string] | undefined,
  path: string,
): void {
  if (value === undefined || typeof value === 'number') throw new RangeError(`A job's struct ${path} has no values.`);
  if (value instanceof Int32Array) memory.ints.set(packed(cells, value, path), at);
  else writeCells(memory, at, cells, value, `${path}.`);
}

function packed(cells: Cells, value: Int32Array, path: string): Int32Array {
  if (value.length === cells.length) return value;
  throw new RangeError(`A job's struct ${path} has ${value.length} cells instead of ${cells.length}.`);
}

/** A struct that many descriptors have: its floats are carried by their bits. */
export function packCells(cells: Cells, values: CellValues): Int32Array {
  const ints = new Int32Array(cells.length);
  writeCells({ ints, floats: new Float32Array(ints.buffer) }, 0, cells, values);
  return ints;
}

/** A cell, or a struct of cells that follow one another. */
interface Field {
  readonly name: string;
  /** From the descriptor's start. */
  readonly at: number;
  readonly float: boolean;
  readonly cells?: string[];
}

/** Names taken apart once: jobs are written ten thousand times a second. */
const TAKEN_APART = new WeakMap<Cells, readonly Field[]>();

function fieldsOf(cells: Cells): readonly Field[] {
  const known = TAKEN_APART.get(cells);
  if (known !== undefined) return known;
  const fields = takenApart(cells);
  TAKEN_APART.set(cells, fields);
  return fields;
}

function takenApart(cells: Cells): Field[] {
  const fields: Field[] = [];
  cells.forEach((cell, at) => {
    const float = cell.startsWith('.');
    const [name, ...inner] = (float ? cell.slice(1) : cell).split('.');
    if (inner.length === 0) {
      fields.push({ name, at, float });
      return;
    }
    if (fields.at(-1)?.name !== name) fields.push({ name, at, float: false, cells: [] });
    fields.at(-1)?.cells?.push(`${float ? '.' : ''}${inner.join('.')}`);
  });
  return fields;
}
