import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPathDesk, type PathAsk, type PosteriorSource } from '../../model/coalesce.ts';
import type { Engine } from '../../model/engine/engine.ts';
import { EngineError } from '../../model/engine/engine-error.ts';
import type { Ragged, SolveStatus } from '../../model/latent/batch.ts';
import type { PathAnswers, PathQuery, PathRequest } from '../../model/latent/query.ts';
import { toySpec } from './toy-artifact.ts';

const spec = toySpec();
const L = spec.latentSize;
const [REFUSED, LOST] = [-1, -2];
const unused = () => Promise.reject(new Error('not of this engine'));

/** Answers with numbers that say which draw, time and posterior they are of; its requests are kept. */
function recorder(): Engine & { readonly requests: PathRequest[] } {
  const requests: PathRequest[] = [];
  return {
    spec,
    requests,
    lossAndGradient: unused,
    encode: unused,
    decode: unused,
    answer: async (_, request) => {
      requests.push(request);
      return answerOf(request);
    },
    close: () => {},
  };
}

function answerOf({ context, known, queries }: PathRequest): PathAnswers {
  if (queries.some(({ origin }) => origin === REFUSED)) throw new EngineError('bad-batch', 'refused');
  const firsts = Float32Array.from(
    { length: context.offsets.length - 1 },
    (_, b) => context.values[2 * context.offsets[b]],
  );
  const found = Float32Array.from({ length: firsts.length * L }, (_, i) => firsts[Math.floor(i / L)]);
  const all = Float32Array.of(...found, ...known.mean);
  return {
    posterior: { mean: found, logVariance: found },
    answers: queries.map((query) => {
      const entries = [...query.times].flatMap((t) => [0, 1].flatMap((c) => draws(query).map((e) => t + e + c)));
      const mean = Float32Array.from(entries, (x) => x + all[query.posterior * L]);
      const status = draws(query).map(
        (e): SolveStatus => (query.origin === LOST && e === 7 ? 'non-finite' : 'success'),
      );
      return { mean, scale: mean, status, statistics: { functionEvaluations: query.times.length, steps: 1 } };
    }),
  };
}

const draws = ({ noise }: Pick<PathQuery, 'noise'>) => Array.from({ length: noise.length / L }, (_, k) => noise[k * L]);

function source(value: number): PosteriorSource {
  const context: Ragged = {
    channels: 2,
    offsets: Int32Array.of(0, 1),
    times: Float64Array.of(0),
    values: Float32Array.of(value, 0),
    mask: Uint8Array.of(1, 1),
  };
  return { context, posterior: undefined };
}

/** Draw k has k as its noise. */
function ask(of: PosteriorSource, paths = 2, times = 3, origin = 0): PathAsk {
  const noise = Float32Array.from({ length: paths * L }, (_, i) => Math.floor(i / L));
  return { source: of, origin, times: Float64Array.from({ length: times }, (_, i) => 100 * i), noise };
}

function expected({ times, noise }: PathAsk, value: number): Float32Array {
  return Float32Array.from(
    [...times].flatMap((t) => [0, 1].flatMap((c) => draws({ noise }).map((e) => t + e + c + value))),
  );
}

describe('a desk', () => {
  it('makes one job of all that is asked in a turn, and each window is encoded once', async () => {
    const engine = recorder();
    const desk = createPathDesk(engine, new Float32Array());
    const [a, b] = [source(1000), source(2000)];
    const answers = await Promise.all([desk.ask(ask(a)), desk.ask(ask(b, 40)), desk.ask(ask(a, 1, 7))]);
    expect(answers.map(({ mean }) => mean)).toEqual([
      expected(ask(a), 1000),
      expected(ask(b, 40), 2000),
      expected(ask(a, 1, 7), 1000),
    ]);
    expect(engine.requests.map(({ context, queries }) => [context.offsets.length - 1, queries.length])).toEqual([
      [2, 3],
    ]);
  });

  it('encodes nothing twice: a window that was read is known from then on, and itself forgotten', async () => {
    const engine = recorder();
    const desk = createPathDesk(engine, new Float32Array());
    const known = source(500);
    await desk.ask(ask(known));
    expect(known.context).toBeUndefined();
    const [{ mean }] = await Promise.all([desk.ask(ask(known)), desk.ask(ask(source(3)))]);
    expect(mean).toEqual(expected(ask(known), 500));
    expect(engine.requests[1].context.offsets).toHaveLength(2);
    expect(engine.requests[1].known.mean).toHaveLength(L);
  });

  it('answers at once when nobody else asks: one turn of the event loop, no timer', async () => {
    let turns = 0;
    const turn = async () => {
      turns += 1;
    };
    await createPathDesk(recorder(), new Float32Array(), { turn }).ask(ask(source(1)));
    expect(turns).toBe(1);
  });

  it('joins what was cut, however it was cut: draws, times, statuses and counts', async () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 9 }));
    const check = async (asked: [number, number][], work: number) => {
      const desk = createPathDesk(recorder(), new Float32Array(), { work });
      const asks = asked.map(([paths, times], i) => ask(source(1000 * i), paths, times, LOST));
      const answers = await Promise.all(asks.map((of) => desk.ask(of)));
      answers.forEach(({ mean, scale, status, statistics }, i) => {
        expect(mean).toEqual(expected(asks[i], 1000 * i));
        expect(scale).toEqual(mean);
        const lost = asks[i].times.length > 0 ? [7] : [];
        expect(status.flatMap((of, k) => (of === 'success' ? [] : [k]))).toEqual(lost.filter((k) => k < asked[i][0]));
        expect(statistics.functionEvaluations).toBe(asks[i].times.length);
      });
    };
    const asked = fc.array(sizes, { minLength: 1, maxLength: 6 });
    await fc.assert(fc.asyncProperty(asked, fc.integer({ min: 1, max: 3_000_000 }), check), { numRuns: 30 });
  });

  it('cuts a query of very many rows: no job of more than 65,536 rows times paths', async () => {
    const engine = recorder();
    const big = ask(source(1), 32, 2500);
    const { mean } = await createPathDesk(engine, new Float32Array()).ask(big);
    expect(mean).toEqual(expected(big, 1));
    const rows = engine.requests.map(({ queries }) =>
      queries.reduce((sum, q) => sum + (q.times.length * q.noise.length) / L, 0),
    );
    expect(rows.length).toBeGreaterThan(1);
    expect(Math.max(...rows)).toBeLessThanOrEqual(65_536);
  });

  it('lets a small query pass a large one: it waits for one job, not for all', async () => {
    const engine = recorder();
    const desk = createPathDesk(engine, new Float32Array(), { work: 1 });
    const large = desk.ask(ask(source(1), 3200));
    await new Promise((resolve) => setImmediate(resolve));
    await desk.ask(ask(source(2), 1));
    expect(engine.requests.length).toBeLessThan(10);
    await large;
    expect(engine.requests.length).toBeGreaterThan(100);
  });

  it('lets only the one hear of an error who caused it, and goes on', async () => {
    const desk = createPathDesk(recorder(), new Float32Array());
    const outcomes = await Promise.allSettled([
      desk.ask(ask(source(1))),
      desk.ask(ask(source(2), 300, 1000, REFUSED)),
      desk.ask(ask(source(3))),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await desk.ask(ask(source(4)))).mean).toEqual(expected(ask(source(4)), 4));
  });
});
