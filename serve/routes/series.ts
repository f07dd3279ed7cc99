/** `GET /v1/streams/{stream}/series`, paged, and `GET …/{series}`. */
import { z } from 'zod';
import type { ObservationStore, SeriesSummary } from '../../ingest/observation-store.ts';
import type { AppParts } from '../app-parts.ts';
import { findStream, unknownSeries } from '../forecast-service.ts';
import { type Route, route } from '../route.ts';
import { countParameter, knownFields, seriesParams, streamParams } from '../schemas/common.ts';
import { seriesSchema } from '../schemas/streams.ts';
import { formatTime } from '../time.ts';

const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;
const MAX_SCANNED = 10_000;

const pageQuery = knownFields({
  after: z.string().optional().meta({ description: 'The `next` of the page before' }),
  limit: countParameter(MAX_PAGE, DEFAULT_PAGE),
  order: z
    .enum(['name', 'recent'])
    .default('name')
    .meta({ description: 'By name, paged; or those with the newest events first, one page' }),
});

export function seriesListRoute(parts: AppParts): Route {
  return route({
    method: 'get',
    path: '/v1/streams/{stream}/series',
    id: 'listSeries',
    tag: 'streams',
    summary: 'The series of a stream',
    scope: 'read',
    params: streamParams,
    query: pageQuery,
    answer: {
      description: 'A page of series',
      schema: z.object({ stream: z.string(), series: z.array(seriesSchema), next: z.string().nullable() }),
    },
    problems: ['unknown-stream', 'invalid-request', 'unknown-field'],
    handle: ({ params, query }) => ({ json: page(parts, params.stream, query) }),
  });
}

type PageQuery = z.output<typeof pageQuery>;

function page({ streams, store }: AppParts, stream: string, { after, limit, order }: PageQuery) {
  findStream({ streams }, stream);
  if (order === 'recent') return { stream, series: mostRecent(store, stream, limit).map(describe), next: null };
  const found = store.listSeries(stream, { ...(after === undefined ? {} : { after }), limit: limit + 1 });
  const shown = found.slice(0, limit);
  const next = found.length > limit ? shown[shown.length - 1].series : null;
  return { stream, series: shown.map(describe), next };
}

/** Of the first `MAX_SCANNED` series: the store keeps no order by time, and a page must not read millions. */
function mostRecent(store: ObservationStore, stream: string, limit: number): SeriesSummary[] {
  const all = store.listSeries(stream, { limit: MAX_SCANNED });
  return all.sort((a, b) => b.lastTime - a.lastTime || (a.series < b.series ? -1 : 1)).slice(0, limit);
}

export function seriesRoute(parts: AppParts): Route {
  return route({
    method: 'get',
    path: '/v1/streams/{stream}/series/{series}',
    id: 'getSeries',
    tag: 'streams',
    summary: 'What is known of one series',
    scope: 'read',
    params: seriesParams,
    answer: { description: 'The series', schema: seriesSchema },
    problems: ['unknown-stream', 'unknown-series'],
    handle: ({ params }) => ({ json: describe(findSeries(parts, params)) }),
  });
}

/** @throws Problem `unknown-stream` or `unknown-series` */
export function findSeries(
  parts: Pick<AppParts, 'streams' | 'store'>,
  { stream, series }: { readonly stream: string; readonly series: string },
): SeriesSummary {
  findStream(parts, stream);
  const summary = parts.store.series(stream, series);
  if (summary === undefined) throw unknownSeries(stream, series);
  return summary;
}

function describe({ series, observations, firstTime, lastTime }: SeriesSummary): z.output<typeof seriesSchema> {
  return { series, observations, firstTime: formatTime(firstTime), lastTime: formatTime(lastTime) };
}
