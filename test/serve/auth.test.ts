import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthConfig, Scope } from '../../serve/app-parts.ts';
import { problemSchema } from '../../serve/schemas/problem.ts';
import { serveParts, T0, type TestServer } from './fakes.ts';

const key = (name: string, scopes: Scope[]) => ({
  name,
  sha256: createHash('sha256').update(`key-${name}`).digest('hex'),
  scopes,
});
const auth: AuthConfig = {
  keys: [key('reader', ['read']), key('writer', ['write']), key('boss', ['read', 'write', 'admin'])],
  anonymous: false,
};
const bearer = (name: string) => ({ authorization: `Bearer key-${name}` });
const query = { stream: 'pumps', series: 'pump-7', times: [T0] };
const event = { series: 'a', time: T0, values: { flow: 1 } };

const code = async (response: Promise<Response>) => problemSchema.parse(await (await response).json()).code;
const status = async (response: Promise<Response>) => (await response).status;

describe('with keys', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await serveParts({ auth });
  });
  afterAll(() => server.close());

  it('asks for a key, and says how', async () => {
    const response = await server.post('/v1/forecast', query);
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    const wrong = await server.post('/v1/forecast', query, { authorization: 'Bearer nope' });
    expect([wrong.status, wrong.headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"']);
    expect(await code(server.get('/v1/streams', { authorization: 'Basic a2V5' }))).toBe('unauthorised');
  });

  it('lets each scope do its own and nothing else', async () => {
    const tries = (name: string) =>
      Promise.all([
        status(server.post('/v1/forecast', query, bearer(name))),
        status(server.post('/v1/streams/pumps/events', event, bearer(name))),
        status(server.post('/v1/streams/pumps/models/v1/promote', '', bearer(name))),
      ]);
    expect(await tries('reader')).toEqual([200, 403, 403]);
    expect(await tries('writer')).toEqual([403, 200, 403]);
    expect(await tries('boss')).toEqual([200, 200, 200]);
    expect(await code(server.get('/v1/streams', bearer('writer')))).toBe('forbidden');
  });

  it('leaves probes and the document open, and measurements not', async () => {
    for (const path of ['/healthz', '/readyz', '/openapi.json', '/docs'])
      expect(await status(server.get(path))).toBe(200);
    expect(await status(server.get('/metrics'))).toBe(401);
  });

  it('lets a request without a key read where anonymous is allowed', async () => {
    const open = await serveParts({ auth: { ...auth, anonymous: true } });
    expect(await status(open.post('/v1/forecast', query))).toBe(200);
    expect(await code(open.post('/v1/streams/pumps/events', event))).toBe('forbidden');
    await open.close();
  });
});

describe('without keys', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await serveParts();
  });
  afterAll(() => server.close());

  it('refuses names that are not this machine’s, as a rebound name would be', async () => {
    const as = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const options = { port: server.port, host: '127.0.0.1', path: '/healthz', headers: { host } };
        httpRequest(options, (response) => resolve(response.resume().statusCode))
          .on('error', reject)
          .end();
      });
    expect(await as('evil.example')).toBe(403);
    expect(await as(`localhost:${server.port}`)).toBe(200);
    expect(await as('[::1]:80')).toBe(200);
  });

  it('refuses changes that a page of another site asks for', async () => {
    const roll = (origin: string) => server.post('/v1/streams/pumps/models/v1/promote', '', { origin });
    expect(await code(roll('https://evil.example'))).toBe('cross-origin');
    expect(await code(roll('null'))).toBe('cross-origin');
    expect(await status(roll(server.url))).toBe(200);
  });
});
