/** What a sample is answered does not depend on who else asks. */
import { expect, it } from 'vitest';
import type { DecodeRequest, Ragged } from '../../../../model/latent/batch.ts';
import { createRandom } from '../../../../model/latent/random.ts';
import type { ModelSpec } from '../../../../model/latent/spec.ts';
import { createSpec, randomBatch, randomParameters } from '../problems.ts';
import { randomRequest } from './decode-cases.ts';
import { distance, type Subject } from './under-test.ts';

/** One sample of a request, with some of its times. */
function alone(spec: ModelSpec, request: DecodeRequest, b: number, keep: (i: number) => boolean): DecodeRequest {
  const times = request.times.subarray(request.offsets[b], request.offsets[b + 1]).filter((_, i) => keep(i));
  return {
    z0: request.z0.slice(b * spec.latentSize, (b + 1) * spec.latentSize),
    origins: request.origins.slice(b, b + 1),
    offsets: Int32Array.of(0, times.length),
    times,
  };
}

function contextOf({ channels, offsets, times, values, mask }: Ragged, b: number): Ragged {
  const [from, to] = [offsets[b], offsets[b + 1]];
  return {
    channels,
    offsets: Int32Array.of(0, to - from),
    times: times.slice(from, to),
    values: values.slice(from * channels, to * channels),
    mask: mask.slice(from * channels, to * channels),
  };
}

/** More samples than any vector has lanes, of very different lengths. */
const MANY = Array.from({ length: 37 }, (_, b) => (7 * b) % 11);

const ENCODERS = {
  gru: { kind: 'gru', units: 5, clock: 'gap' },
  'ode-rnn': { kind: 'ode-rnn', units: 5, clock: 'gap', drift: { units: 6, steps: 2 } },
} as const;

/** Posteriors of random contexts in one batch, and a way to have one of them encoded alone. */
async function encodeTogether(subject: Subject, kind: keyof typeof ENCODERS, seed: number, samples: number) {
  const random = createRandom(seed);
  const spec = createSpec({ encoder: ENCODERS[kind] });
  const engine = await subject.open(spec);
  const parameters = randomParameters(spec, random);
  const { context } = randomBatch(spec, random, samples);
  const together = await engine.encode(parameters, context);
  const encodeAlone = (b: number) => engine.encode(parameters, contextOf(context, b));
  return { l: spec.latentSize, together, encodeAlone };
}

export function independenceCases(subject: Subject): void {
  it('with fixed steps an answer depends neither on neighbours nor on other times asked (1e-6)', async () => {
    const spec = createSpec({ dynamics: { units: 6, depth: 2, periodsMs: [86_400_000] } });
    const engine = await subject.open(spec);
    const parameters = randomParameters(spec, createRandom(41));
    const request = randomRequest(spec, 41, [5, 3, 8, 7, 2, 9, 4]);
    const together = await engine.decode(parameters, request);
    const thinned = alone(spec, request, 2, (i) => i % 3 === 0);
    const single = await engine.decode(parameters, thinned);
    const d = spec.channels.length;
    const rows = [0, 3, 6].map((i) => request.offsets[2] + i);
    const expected = rows.flatMap((row) => Array.from(together.mean.subarray(row * d, (row + 1) * d)));
    expect(distance(single.mean, expected)).toBeLessThan(1e-6);
  });

  it.for(['gru', 'ode-rnn'] as const)(
    '%s: a posterior does not depend on neighbours with longer contexts (1e-6)',
    async (kind) => {
      const { l, together, encodeAlone } = await encodeTogether(subject, kind, 42, 6);
      const single = await encodeAlone(2);
      expect(distance(single.mean, together.mean.subarray(2 * l, 3 * l))).toBeLessThan(1e-6);
    },
  );

  if (!subject.claims.bitIndependent) return;

  it.for(['euler', 'rk4', 'reversible-heun', 'dopri5', 'tsit5'] as const)(
    '%s: a path alone and among 37 has the same bits',
    async (method) => {
      const spec = createSpec({ dynamics: { units: 6, depth: 2, periodsMs: [86_400_000] } }, { method });
      const engine = await subject.open(spec);
      const parameters = randomParameters(spec, createRandom(43));
      const request = randomRequest(spec, 43, MANY);
      const together = await engine.decode(parameters, request);
      for (const b of [0, 1, 16, 36]) {
        const single = await engine.decode(
          parameters,
          alone(spec, request, b, () => true),
        );
        const rows = (size: number) => [request.offsets[b] * size, request.offsets[b + 1] * size] as const;
        for (const [part, size] of [
          ['latent', spec.latentSize],
          ['mean', spec.channels.length],
          ['scale', spec.channels.length],
        ] as const)
          expect(single[part]).toEqual(together[part].slice(...rows(size)));
        expect(single.statistics.evaluationsByTrajectory?.[0]).toBe(together.statistics.evaluationsByTrajectory?.[b]);
      }
    },
  );

  it.for(['gru', 'ode-rnn'] as const)('%s: a posterior alone and among 37 has the same bits', async (kind) => {
    const { l, together, encodeAlone } = await encodeTogether(subject, kind, 44, 37);
    for (const b of [0, 5, 36]) {
      const single = await encodeAlone(b);
      expect(single.mean).toEqual(together.mean.slice(b * l, (b + 1) * l));
      expect(single.logVariance).toEqual(together.logVariance.slice(b * l, (b + 1) * l));
    }
  });
}
