/** `GET …/series/{series}/observations?from&to&limit`: as they were sent, paged from either end. */
import { z } from 'zod';
import type { Window } from '../../ingest/window.ts';
import type { AppParts } from '../app-parts.ts';
import { findStream } from '../forecast-service.ts';
import { type Route, route } from '../route.ts';
import { countParameter, knownFields, seriesParams, timeParameter } from '../schemas/common.ts';
import { observationsSchema } from '../schemas/streams.ts';
import { formatTime } from '../time.ts';
import { findSeries } from './series.ts';

const MAX_PAGE = 10_000;
const DEFAULT_PAGE = 1000;

const rangeQuery = knownFields({
  from: timeParameter.optional(),
  to: timeParameter.optional(),
  limit: countParameter(MAX_PAGE, DEFAULT_PAGE),
  keep: z
    .enum(['oldest', 'newest'])
    .default('oldest')
    .meta({ description: 'Which end the first page is of; pages go on from there' }),
  cursor: timeParameter.optional().meta({ description: 'The `next` of the page before' }),
});

type Range = z.output<typeof rangeQuery>;

export function observationsRoute(parts: AppParts): Route {
  return route({
    method: 'get',
    path: '/v1/streams/{stream}/series/{series}/observations',
    id: 'listObservations',
    tag: 'streams',
    summary: 'The observations of a series',
    scope: 'read',
    params: seriesParams,
    query: rangeQuery,
    answer: { description: 'A page of observations', schema: observationsSchema },
    problems: ['unknown-stream', 'unknown-series', 'invalid-request', 'invalid-time', 'unknown-field'],
    handle: ({ params, query }) => {
      const { channels } = findStream(parts, params.stream).spec;
      findSeries(parts, params);
      return { json: { ...params, ...page(readRange(parts, params, query), channels, query) } };
    },
  });
}

/** One more than the page holds, so that it is known whether another follows. */
function readRange({ store }: AppParts, { stream, series }: z.output<typeof seriesParams>, range: Range): Window {
  const { keep, cursor, limit } = range;
  const after = keep === 'oldest' ? cursor?.ms : undefined;
  const before = keep === 'newest' ? cursor?.ms : undefined;
  const from = Math.max(range.from?.ms ?? -Infinity, after ?? -Infinity);
  const to = Math.min(range.to?.ms ?? Infinity, before ?? Infinity);
  // The cursor's own observation was on the page before; the store's bounds are inclusive.
  const window = store.window(stream, series, {
    ...bounds(from, to),
    limit: limit + (cursor === undefined ? 1 : 2),
    keep,
  });
  return cursor === undefined ? window : withoutTime(window, cursor.ms);
}

function bounds(from: number, to: number): { from?: number; to?: number } {
  return { ...(from === -Infinity ? {} : { from }), ...(to === Infinity ? {} : { to }) };
}

function withoutTime(window: Window, time: number): Window {
  if (window.times[0] === time) return rows(window, 1, window.times.length);
  if (window.times[window.times.length - 1] === time) return rows(window, 0, window.times.length - 1);
  return window;
}

function rows(window: Window, start: number, end: number): Window {
  const { channels, times, values, mask } = window;
  const [a, b] = [start * channels, end * channels];
  const offsets = Int32Array.of(0, end - start);
  return {
    channels,
    offsets,
    times: times.subarray(start, end),
    values: values.subarray(a, b),
    mask: mask.subarray(a, b),
  };
}

function page(window: Window, channels: readonly string[], { keep, limit }: Range) {
  const found = window.times.length;
  const more = found > limit;
  const shown =
    keep === 'oldest' ? rows(window, 0, Math.min(limit, found)) : rows(window, Math.max(0, found - limit), found);
  const end = keep === 'oldest' ? shown.times[shown.times.length - 1] : shown.times[0];
  return {
    observations: Array.from(shown.times, (time, i) => ({
      time: formatTime(time),
      values: valuesOf(shown, channels, i),
    })),
    // The very number: what ISO drops below a microsecond would show an observation twice.
    next: more ? String(end) : null,
  };
}

function valuesOf({ values, mask }: Window, channels: readonly string[], i: number): Record<string, number | null> {
  const at = (c: number) => i * channels.length + c;
  return Object.fromEntries(channels.map((name, c) => [name, mask[at(c)] === 1 ? values[at(c)] : null]));
}
