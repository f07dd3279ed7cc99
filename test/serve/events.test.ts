import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openEmbeddedLog } from '../../ingest/log/embedded.ts';
import type { EventLog, LogRecord } from '../../ingest/log/event-log.ts';
import { createEventAppender } from '../../serve/event-appender.ts';
import { createMetrics } from '../../serve/metrics.ts';
import { problemSchema } from '../../serve/schemas/problem.ts';
import { serveParts, spec, T0, type TestServer } from './fakes.ts';

const answerSchema = z.object({
  accepted: z.int(),
  refused: z.array(z.object({ index: z.int(), reason: z.string(), detail: z.string() })),
});

let folder: string;
let log: EventLog;
let server: TestServer;
const records: LogRecord[] = [];
const metrics = createMetrics({ defaults: false });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'odecast-events-'));
  log = openEmbeddedLog({ path: folder, clock: () => T0 });
  await log.ensureTopics([{ topic: spec.topic }]);
  await log.consume({
    topic: spec.topic,
    group: 'test',
    onBatch: async (batch) => void records.push(...batch.records),
  });
  server = await serveParts({ metrics, appendEvents: createEventAppender({ streams: [spec], log, metrics }) });
});
afterAll(async () => {
  await server.close();
  await log.close();
  rmSync(folder, { recursive: true });
});

const event = (series: string, values: object = { flow: 1.5 }) => ({ series, time: T0, values });

async function send(body: unknown, contentType = 'application/json') {
  const response = await server.post('/v1/streams/pumps/events', body, { 'content-type': contentType });
  return { status: response.status, json: await response.json() };
}

/** Waits for so many new records on the topic and gives them as they were sent. */
async function newOnTheLog(count: number): Promise<[key: string, event: unknown][]> {
  await expect.poll(() => records.length).toBe(count);
  return records.splice(0).map(({ key, value }) => [key, JSON.parse(Buffer.from(value ?? []).toString())]);
}

describe('POST /v1/streams/{stream}/events', () => {
  it('takes one event', async () => {
    const { status, json } = await send(event('a'));
    expect([status, json]).toEqual([200, { accepted: 1, refused: [] }]);
    expect(await newOnTheLog(1)).toEqual([['a', event('a')]]);
  });

  it('takes a list, refuses what is wrong in it by its place, and keeps the order of the rest', async () => {
    const { status, json } = await send([event('b'), event('c', { speed: 1 }), { series: 'd' }, event('a')]);
    const { accepted, refused } = answerSchema.parse(json);
    expect([status, accepted]).toEqual([200, 2]);
    expect(refused.map(({ index, reason }) => [index, reason])).toEqual([
      [1, 'unknown-channel'],
      [2, 'no-time'],
    ]);
    expect((await newOnTheLog(2)).map(([series]) => series)).toEqual(['b', 'a']);
    expect(await metrics.text()).toContain('odecast_events_total{stream="pumps",outcome="unknown-channel"} 1');
  });

  it('takes NDJSON, a line at a time', async () => {
    const lines = [
      JSON.stringify(event('a')),
      '{"series": ',
      '{"series": "b", "series": "c"}',
      JSON.stringify(event('b')),
      '',
    ];
    const { json } = await send(lines.join('\r\n'), 'application/x-ndjson');
    const { accepted, refused } = answerSchema.parse(json);
    expect(accepted).toBe(2);
    expect(refused.map(({ index, reason }) => [index, reason])).toEqual([
      [1, 'malformed-json'],
      [2, 'duplicate-field'],
    ]);
    expect((await newOnTheLog(2)).map(([series]) => series)).toEqual(['a', 'b']);
  });

  it('refuses with a problem what holds no good event at all', async () => {
    const { status, json } = await send([event('a', {}), 7]);
    const problem = problemSchema.parse(json);
    expect([status, problem.code]).toEqual([422, 'events-refused']);
    expect(answerSchema.parse(problem).refused).toHaveLength(2);
    for (const empty of ['[]']) expect(problemSchema.parse((await send(empty)).json).code).toBe('invalid-request');
    expect(problemSchema.parse((await send('\n', 'application/x-ndjson')).json).code).toBe('events-refused');
    expect(records).toEqual([]);
  });

  it('does not take an infinity for a value that was not observed', async () => {
    const { status, json } = await send('{"series": "a", "time": 1, "values": {"flow": 1e999}}');
    const { code, field } = problemSchema.parse(json);
    expect([status, code, field]).toEqual([422, 'number-out-of-range', '/values/flow']);
  });

  it('knows its streams', async () => {
    const response = await server.post('/v1/streams/none/events', event('a'));
    expect(problemSchema.parse(await response.json()).code).toBe('unknown-stream');
  });

  it('says so when the log does not take the events', async () => {
    await log.close();
    const { status, json } = await send(event('a'));
    expect([status, problemSchema.parse(json).code]).toEqual([503, 'log-unavailable']);
  });
});
