/** A numerical failure is a status; a caller's mistake is a sentence; neither touches a neighbour. */
import { expect, it } from 'vitest';
import { unsupported } from '../../../../model/engine/capabilities.ts';
import { EngineError } from '../../../../model/engine/engine-error.ts';
import type { TrainingBatch } from '../../../../model/latent/batch.ts';
import { parameterLayout } from '../../../../model/latent/layout.ts';
import { createRandom } from '../../../../model/latent/random.ts';
import {
  type DecoderSpec,
  type EncoderSpec,
  GRADIENT_MODES,
  type ModelSpec,
  SOLVER_METHODS,
} from '../../../../model/latent/spec.ts';
import { createSpec, randomBatch, randomParameters } from '../problems.ts';
import { randomRequest } from './decode-cases.ts';
import type { Subject } from './under-test.ts';

/** Random parameters with those of one block beyond all measure. */
function excessive(spec: ModelSpec, block: string): Float32Array {
  const parameters = randomParameters(spec, createRandom(51));
  for (const { name, offset, size } of parameterLayout(spec).blocks) {
    if (name === block) parameters.fill(3e38, offset, offset + size);
  }
  return parameters;
}

/** Dynamics that leave f32 within a few steps. */
const exploding = (spec: ModelSpec) => excessive(spec, `dynamics.${spec.dynamics.depth}.weight`);

/** Of the first sample; the others have none. */
function twoRows({ channels }: ModelSpec, samples: number) {
  const entries = 2 * channels.length;
  const offsets = new Int32Array(samples + 1).fill(2, 1);
  return { offsets, values: new Float32Array(entries), mask: new Uint8Array(entries) };
}

/** Of a sample of two times. */
function rowsOf(rows: Float32Array, sample: number, { channels }: ModelSpec): Float32Array {
  return rows.subarray(2 * sample * channels.length, 2 * (sample + 1) * channels.length);
}

const METHODS = ['rk4', 'reversible-heun', 'dopri5', 'tsit5'] as const;

export function failureCases(subject: Subject): void {
  const methods = METHODS.filter((method) => subject.runs(createSpec({}, { method })));

  it.for(methods)('%s: parameters that explode give a status, an infinite loss and no gradient', async (method) => {
    const spec = createSpec({}, { method });
    const batch: TrainingBatch = randomBatch(spec, createRandom(52));
    const engine = await subject.open(spec);
    const result = await engine.lossAndGradient(exploding(spec), batch);
    expect(result.status).not.toBe('success');
    expect(result.loss).toBe(Number.POSITIVE_INFINITY);
    expect(result.gradient.every((g) => g === 0)).toBe(true);
    const decoded = await engine.decode(exploding(spec), randomRequest(spec, 53));
    expect(decoded.status[0]).not.toBe('success');
    expect(decoded.mean.subarray(0, 5 * spec.channels.length).every(Number.isNaN)).toBe(true);
  });

  it('NaN in the parameters is a status as well', async () => {
    const spec = createSpec();
    const parameters = randomParameters(spec, createRandom(54)).fill(Number.NaN, 0, 3);
    const engine = await subject.open(spec);
    const result = await engine.lossAndGradient(parameters, randomBatch(spec, createRandom(54)));
    expect(result.status).toBe('non-finite');
    expect(result.loss).toBe(Number.POSITIVE_INFINITY);
  });

  it.for(methods)('%s: a z₀ without numbers fails alone, its neighbours are answered', async (method) => {
    const spec = createSpec({}, { method });
    const parameters = randomParameters(spec, createRandom(55));
    const request = randomRequest(spec, 55, [2, 2, 2]);
    request.z0[spec.latentSize] = Number.NaN;
    const decoded = await (await subject.open(spec)).decode(parameters, request);
    expect(decoded.status).toEqual(['success', 'non-finite', 'success']);
    expect(decoded.mean.subarray(0, 4).every(Number.isFinite)).toBe(true);
    expect(decoded.scale.subarray(8).every((s) => s > 0)).toBe(true);
  });

  it.for(['decoder.hidden.weight', 'decoder.output.weight'])(
    '%s beyond all measure gives numbers or a status',
    async (block) => {
      const spec = createSpec();
      const engine = await subject.open(spec);
      const { status, mean, scale } = await engine.decode(excessive(spec, block), randomRequest(spec, 59, [2, 2, 2]));
      const finite = status.map((_, b) => [mean, scale].every((rows) => rowsOf(rows, b, spec).every(Number.isFinite)));
      expect(status).toEqual(finite.map((yes) => (yes ? 'success' : 'non-finite')));
      if (block === 'decoder.output.weight') expect(finite).toContain(false);
    },
  );

  it('a time beyond all reason ends in max-steps, not in a hang', async () => {
    const spec = createSpec();
    const request = { ...randomRequest(spec, 56, [1, 1]), times: Float64Array.of(0.5, 1e9) };
    const engine = await subject.open(spec);
    const decoded = await engine.decode(randomParameters(spec, createRandom(56)), request);
    expect(decoded.status).toEqual(['success', 'max-steps']);
  });

  it('what does not fit the spec is refused with a sentence', async () => {
    const spec = createSpec();
    const engine = await subject.open(spec);
    const batch = randomBatch(spec, createRandom(57));
    const parameters = randomParameters(spec, createRandom(57));
    await expect(engine.lossAndGradient(parameters.slice(1), batch)).rejects.toThrow(/parameters/);
    for (const times of [Float64Array.of(0.5, 0.25), Float64Array.of(0, Number.NaN), Float64Array.of(-0.5, 0.25)]) {
      const targets = { ...batch.targets, ...twoRows(spec, batch.origins.length), times };
      await expect(engine.lossAndGradient(parameters, { ...batch, targets })).rejects.toThrow(/targets\.times/);
    }
    await expect(engine.encode(parameters, { ...batch.context, channels: 1 })).rejects.toThrow(/channels/);
    const empty = { ...batch.context, offsets: Int32Array.from(batch.context.offsets).fill(0, 0, 2) };
    await expect(engine.encode(parameters, empty)).rejects.toThrow(/Sample 0 has no context/);
    const { noise } = batch;
    await expect(engine.lossAndGradient(parameters, { ...batch, beta: Number.NaN })).rejects.toThrow(/beta/);
    const holed = { ...batch, noise: noise.map((epsilon, i) => (i === 1 ? Number.NaN : epsilon)) };
    await expect(engine.lossAndGradient(parameters, holed)).rejects.toThrow(/noise/);
    engine.close();
    engine.close();
    await expect(engine.lossAndGradient(parameters, batch)).rejects.toThrow(/closed/);
  });

  it.for([Number.NaN, Number.POSITIVE_INFINITY])('%d among the observed values is refused', async (bad) => {
    const spec = createSpec();
    const engine = await subject.open(spec);
    const batch = randomBatch(spec, createRandom(58));
    const parameters = randomParameters(spec, createRandom(58));
    for (const name of ['context', 'targets'] as const) {
      const at = batch[name].mask.indexOf(1);
      const values = batch[name].values.map((value, i) => (i === at ? bad : value));
      const holed = { ...batch, [name]: { ...batch[name], values } };
      await expect(engine.lossAndGradient(parameters, holed)).rejects.toThrow(`${name}.values`);
    }
  });

  it('a spec that it says it cannot run is refused before anything starts, with the reason', async () => {
    const engine = await subject.load();
    for (const spec of everySpec()) {
      const refusal = unsupported(subject.claims.capabilities, spec);
      if (refusal === undefined) engine.open(spec).close();
      else expect(() => engine.open(spec)).toThrow(new EngineError('unsupported-spec', refusal));
    }
  });
}

const ENCODERS: readonly EncoderSpec[] = [
  { kind: 'gru', units: 2, clock: 'gap' },
  { kind: 'ode-rnn', units: 2, clock: 'gap', drift: { units: 2, steps: 1 } },
];

const DECODERS: readonly DecoderSpec[] = [
  { units: 2, likelihood: 'gaussian' },
  { units: 2, likelihood: 'student-t', degreesOfFreedom: 3 },
];

function everySpec(): ModelSpec[] {
  const solvers = SOLVER_METHODS.flatMap((method) => GRADIENT_MODES.map((gradient) => ({ method, gradient })));
  return [
    ...ENCODERS.map((encoder) => createSpec({ encoder })),
    ...DECODERS.map((decoder) => createSpec({ decoder })),
    ...solvers.map((solver) => createSpec({}, solver)),
  ];
}
