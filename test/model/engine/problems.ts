/** Specs and batches of every awkward kind, small enough for the oracle. */
import type { Ragged, TrainingBatch } from '../../../model/latent/batch.ts';
import { parameterLayout } from '../../../model/latent/layout.ts';
import type { Random } from '../../../model/latent/random.ts';
import type {
  DecoderSpec,
  EncoderSpec,
  GradientMode,
  ModelSpec,
  SolverMethod,
  SolverSpec,
} from '../../../model/latent/spec.ts';

const DAY_MS = 86_400_000;

/** 2026 in ms: the size of number that f32 cannot hold. */
const ORIGIN_MS = 1_795_298_400_250;

export function createSpec(
  changes: Partial<Omit<ModelSpec, 'solver'>> = {},
  solver: Partial<SolverSpec> = {},
): ModelSpec {
  return {
    channels: ['pressure', 'flow'],
    latentSize: 3,
    encoder: { kind: 'gru', units: 5, clock: 'gap' },
    dynamics: { units: 6, depth: 1, periodsMs: [] },
    decoder: { units: 4, likelihood: 'gaussian' },
    timescaleMs: DAY_MS,
    ...changes,
    solver: { method: 'rk4', knotSpacing: 0.25, rtol: 1e-6, atol: 1e-8, gradient: 'backprop', ...solver },
  };
}

type PickOne = <T>(choices: readonly T[]) => T;

/** Anything that a spec can say, but for the adaptive methods, which agree with the oracle to their tolerance only. */
export function randomSpec(random: Random): ModelSpec {
  const pick: PickOne = (choices) => choices[random.int(choices.length)];
  return createSpec(
    {
      channels: Array.from({ length: 1 + random.int(3) }, (_, i) => `channel ${i}`),
      latentSize: 1 + random.int(3),
      encoder: randomEncoder(random, pick),
      dynamics: {
        units: 1 + random.int(5),
        depth: 1 + random.int(3),
        periodsMs: pick([[], [DAY_MS], [DAY_MS, 7 * DAY_MS]]),
      },
      decoder: randomDecoder(random, pick),
    },
    { ...randomMethod(pick), knotSpacing: pick([0.125, 0.3, 0.5]) },
  );
}

function randomEncoder(random: Random, pick: PickOne): EncoderSpec {
  const recurrent = { units: 1 + random.int(6), clock: pick(['gap', 'elapsed'] as const) };
  if (random.int(2) === 0) return { kind: 'gru', ...recurrent };
  return { kind: 'ode-rnn', ...recurrent, drift: { units: 1 + random.int(5), steps: 1 + random.int(3) } };
}

function randomDecoder(random: Random, pick: PickOne): DecoderSpec {
  const units = 1 + random.int(5);
  if (random.int(2) === 0) return { units, likelihood: 'gaussian' };
  return { units, likelihood: 'student-t', degreesOfFreedom: pick([2.5, 4, 30]) };
}

function randomMethod(pick: PickOne): { method: SolverMethod; gradient: GradientMode } {
  const method = pick(['euler', 'midpoint', 'rk4', 'reversible-heun'] as const);
  const exact = ['checkpointed', 'backprop'] as const;
  return { method, gradient: pick(method === 'reversible-heun' ? [...exact, 'reversible'] : exact) };
}

/** Weights large enough for every tanh and sigmoid to bend. */
export function randomParameters(spec: ModelSpec, random: Random, size = 0.5): Float32Array {
  return Float32Array.from({ length: parameterLayout(spec).size }, () => size * random.normal());
}

export interface RaggedShape {
  /** Rows of each sample. */
  readonly lengths: readonly number[];
  readonly from: number;
  readonly to: number;
  /** Chance of an entry to be observed. */
  readonly observed: number;
}

export function randomRagged(spec: ModelSpec, random: Random, { lengths, from, to, observed }: RaggedShape): Ragged {
  const channels = spec.channels.length;
  const offsets = Int32Array.from([0, ...lengths.map((_, b) => lengths.slice(0, b + 1).reduce((a, n) => a + n, 0))]);
  const times = lengths.flatMap((n) =>
    Array.from({ length: n }, () => from + (to - from) * random.uniform()).sort((a, b) => a - b),
  );
  const mask = Uint8Array.from({ length: times.length * channels }, () => (random.uniform() < observed ? 1 : 0));
  const values = Float32Array.from(mask, (m) => (m === 1 ? random.normal() : 0));
  return { channels, offsets, times: Float64Array.from(times), values, mask };
}

/** A context starts at model time 0, where its origin is. */
function startingAtZero(ragged: Ragged): Ragged {
  const times = ragged.times.slice();
  for (const start of ragged.offsets.subarray(0, -1)) times[start] = 0;
  return { ...ragged, times };
}

/** One sample with a single observation in its context, one with no targets, one of each length between. */
export function randomBatch(spec: ModelSpec, random: Random, batch = 4, draws = 1 + random.int(3)): TrainingBatch {
  const lengths = Array.from({ length: batch }, (_, b) => (b === 0 ? 1 : 1 + random.int(7)));
  const targets = Array.from({ length: batch }, (_, b) => (b === 1 ? 0 : 1 + random.int(6)));
  return {
    context: startingAtZero(randomRagged(spec, random, { lengths, from: 0, to: 1, observed: 0.7 })),
    targets: randomRagged(spec, random, { lengths: targets, from: 0, to: 1.9, observed: 0.7 }),
    origins: Float64Array.from({ length: batch }, () => ORIGIN_MS + DAY_MS * 30 * random.uniform()),
    noise: Float32Array.from({ length: draws * batch * spec.latentSize }, () => random.normal()),
    beta: 0.5,
    bound: random.int(2) === 0 ? 'elbo' : 'importance-weighted',
  };
}
