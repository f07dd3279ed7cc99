/** `POST /v1/streams/{stream}/events`: one event, a JSON array or NDJSON; answered when the good ones are on the log. */
import { z } from 'zod';
import type { AppParts, EventOutcome } from '../app-parts.ts';
import { findStream } from '../forecast-service.ts';
import { parseJson } from '../json-text.ts';
import { Problem } from '../problem.ts';
import { type Reply, type Route, route } from '../route.ts';
import { streamParams } from '../schemas/common.ts';

const NDJSON = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];

const eventSchema = z
  .object({
    series: z.string(),
    time: z.union([z.string(), z.number()]),
    values: z.record(z.string(), z.number().nullable()),
  })
  .meta({ id: 'Event', description: 'One observation; `time` is ISO 8601 or milliseconds since the epoch' });

const refusalSchema = z.object({ index: z.int(), reason: z.string(), detail: z.string() });

type Refusal = z.output<typeof refusalSchema>;

/** What the body held at one place: an event to check, or why there is none. */
type Item = { readonly event: unknown } | { readonly refused: Omit<Refusal, 'index'> };

export function eventsRoute(parts: AppParts): Route {
  return route<z.output<typeof streamParams>, unknown, readonly Item[]>({
    method: 'post',
    path: '/v1/streams/{stream}/events',
    id: 'sendEvents',
    tag: 'events',
    summary: 'Send events; answered when they are durable on the log',
    scope: 'write',
    params: streamParams,
    body: {
      schema: z.union([eventSchema, z.array(eventSchema)]),
      contentTypes: ['application/json', ...NDJSON],
      parse: (text, type) => (type === 'application/json' ? jsonItems(text) : lineItems(text)),
    },
    answer: {
      description: 'How many were taken; those refused with their place in the body and why',
      schema: z.object({ accepted: z.int(), refused: z.array(refusalSchema) }),
    },
    problems: [
      'malformed-json',
      'unknown-stream',
      'duplicate-field',
      'number-out-of-range',
      'invalid-request',
      'events-refused',
      'log-unavailable',
    ],
    handle: ({ params, body }) => takeEvents(parts, params.stream, body),
  });
}

function jsonItems(text: string): readonly Item[] {
  const value = parseJson(text);
  return (Array.isArray(value) ? value : [value]).map((event: unknown) => ({ event }));
}

/** A bad line is refused by itself: the lines around it are taken. */
function lineItems(text: string): readonly Item[] {
  const lines = text.split(/\r?\n/);
  if (lines[lines.length - 1] === '') lines.pop();
  return lines.map((line): Item => {
    try {
      return { event: parseJson(line) };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { refused: { reason: error.code, detail: error.message } };
    }
  });
}

async function takeEvents(parts: AppParts, stream: string, items: readonly Item[]): Promise<Reply> {
  findStream(parts, stream);
  if (items.length === 0)
    throw new Problem('invalid-request', 'The body holds no event; send at least one as {"series", "time", "values"}.');
  const events = items.flatMap((item) => ('event' in item ? [item.event] : []));
  const outcomes = events.length === 0 ? [] : await append(parts, stream, events);
  const refused = refusals(items, outcomes);
  if (refused.length === items.length) throw allRefused(refused);
  return { json: { accepted: items.length - refused.length, refused } };
}

async function append(parts: AppParts, stream: string, events: readonly unknown[]): Promise<readonly EventOutcome[]> {
  try {
    return await parts.appendEvents(stream, events);
  } catch (cause) {
    parts.logger.error({ err: cause, stream }, 'events could not be appended');
    throw new Problem(
      'log-unavailable',
      'It is not known which of the events were kept; send them all again, none is doubled.',
      {
        cause,
      },
    );
  }
}

function refusals(items: readonly Item[], outcomes: readonly EventOutcome[]): Refusal[] {
  let checked = 0;
  return items.flatMap((item, index): Refusal[] => {
    if ('refused' in item) return [{ index, ...item.refused }];
    const outcome = outcomes[checked++];
    return outcome.accepted ? [] : [{ index, reason: outcome.reason, detail: outcome.detail }];
  });
}

function allRefused(refused: readonly Refusal[]): Problem {
  const [first] = refused;
  const detail = `Nothing was taken. Event ${first.index}: ${first.detail}`;
  return new Problem('events-refused', detail, { extensions: { accepted: 0, refused } });
}
