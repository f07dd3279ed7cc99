import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { observationsSchema, seriesSchema, streamSchema, truthSchema } from '../../serve/schemas/streams.ts';
import { filledStore, HOUR, memoryStore, observation, serveParts, spec, T0, type TestServer } from './fakes.ts';

let server: TestServer;
beforeAll(async () => {
  const store = await filledStore();
  for (const i of [1, 2, 3]) await store.put('pumps', [observation(`new ${i}/ü`, T0 + i * HOUR, i, null)]);
  server = await serveParts({
    store,
    truth: (_stream, series) => (series === 'pump-7' ? (ms) => [(ms - T0) / HOUR, Number.NaN] : undefined),
    training: () => ({ state: 'training', steps: 7, windows: 224, lossCurve: [[1, 3]], remainingMs: 500 }),
  });
});
afterAll(() => server.close());

const get = async <T>(path: string, schema: z.ZodType<T>): Promise<T> =>
  schema.parse(await (await server.get(`/v1/streams${path}`)).json());
const seriesPage = z.object({ series: z.array(seriesSchema), next: z.string().nullable() });

describe('streams', () => {
  it('tells channels, counts, freshness, model and training', async () => {
    const { streams } = await get('', z.object({ streams: z.array(streamSchema) }));
    expect(streams).toHaveLength(1);
    expect(streams[0]).toMatchObject({
      name: 'pumps',
      channels: ['pressure', 'flow'],
      series: 4,
      observations: 14,
      lastEventTime: '2026-11-22T01:00:00.000Z',
      freshnessMs: 60_000 - 3 * HOUR,
      model: { version: 'v1', alias: 'champion' },
      training: { state: 'training', steps: 7 },
    });
    expect(await get('/pumps', streamSchema)).toEqual(streams[0]);
  });

  it('tells of a stream without anything yet', async () => {
    const empty = await serveParts({ store: memoryStore() });
    const answer = streamSchema.parse(await (await empty.get('/v1/streams/pumps')).json());
    expect(answer).toMatchObject({ observations: 0, lastEventTime: null, freshnessMs: null, training: null });
    await empty.close();
  });
});

describe('series', () => {
  it('pages by name', async () => {
    const first = await get('/pumps/series?limit=3', seriesPage);
    expect(first.series.map(({ series }) => series)).toEqual(['new 1/ü', 'new 2/ü', 'new 3/ü']);
    const rest = await get(`/pumps/series?limit=3&after=${encodeURIComponent(first.next ?? '')}`, seriesPage);
    expect(rest.series.map(({ series }) => series)).toEqual(['pump-7']);
    expect(rest.next).toBeNull();
  });

  it('gives those with the newest events first where that is asked', async () => {
    const { series } = await get('/pumps/series?order=recent&limit=2', seriesPage);
    expect(series.map((s) => s.series)).toEqual(['new 3/ü', 'new 2/ü']);
  });

  it('tells of one, whatever its name', async () => {
    const one = await get(`/pumps/series/${encodeURIComponent('new 2/ü')}`, seriesSchema);
    expect(one).toMatchObject({ series: 'new 2/ü', observations: 1, lastTime: '2026-11-22T00:00:00.000Z' });
  });
});

describe('observations', () => {
  const path = '/pumps/series/pump-7/observations';

  it('gives them as they were sent, within a range', async () => {
    const page = await get(`${path}?from=${T0 - HOUR}&to=2026-11-21T22:00:00Z`, observationsSchema);
    expect(page.observations).toEqual([
      { time: '2026-11-21T21:00:00.000Z', values: { pressure: 9, flow: null } },
      { time: '2026-11-21T22:00:00.000Z', values: { pressure: 10, flow: 20 } },
    ]);
    expect(page.next).toBeNull();
  });

  it.each(['oldest', 'newest'])('pages from the %s without losing or doubling any', async (keep) => {
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = `?keep=${keep}&limit=4${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const page: z.output<typeof observationsSchema> = await get(path + query, observationsSchema);
      const times = page.observations.map(({ time }) => time);
      seen.push(...(keep === 'oldest' ? times : times.reverse()));
      cursor = page.next;
    }
    const all = Array.from({ length: 11 }, (_, i) => new Date(T0 - i * HOUR).toISOString());
    expect(seen).toEqual(keep === 'newest' ? all : all.reverse());
  });
});

describe('truth', () => {
  it('is told of simulated series, null where it is not defined', async () => {
    const answer = await get(`/pumps/series/pump-7/truth?times=${T0},2026-11-21T23:30:00Z`, truthSchema);
    expect(answer.times).toEqual([T0, '2026-11-21T23:30:00Z']);
    expect(answer.channels).toEqual({ pressure: [0, 1.5], flow: [null, null] });
    const grid = await get(`/pumps/series/pump-7/truth?from=${T0}&to=${T0 + HOUR}&step=30m`, truthSchema);
    expect(grid.channels.pressure).toEqual([0, 0.5, 1]);
  });

  it('is no address at all where nothing is simulated', async () => {
    const real = await serveParts();
    expect((await real.get(`/v1/streams/${spec.name}/series/pump-7/truth?times=0`)).status).toBe(404);
    await real.close();
  });
});

describe('probes', () => {
  it('is ready or says why not', async () => {
    const waiting = await serveParts({ readiness: () => ({ ready: false, reasons: ['no model of pumps yet'] }) });
    const response = await waiting.get('/readyz');
    expect([response.status, await response.json()]).toEqual([
      503,
      { ready: false, reasons: ['no model of pumps yet'] },
    ]);
    expect((await waiting.get('/healthz')).status).toBe(200);
    await waiting.close();
  });
});
