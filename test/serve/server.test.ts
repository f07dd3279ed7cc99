import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createApp } from '../../serve/app.ts';
import { ListenError, listen } from '../../serve/server.ts';
import { fakeForecaster, fakeParts, fixedModel, limits, liveModel, serveParts, T0, type TestServer } from './fakes.ts';

let server: TestServer | undefined;
afterEach(() => server?.close(0));

const query = { stream: 'pumps', series: 'pump-7', times: [T0] };

/** A forecaster that answers when it is told to. */
function held() {
  const gates: (() => void)[] = [];
  const forecaster = fakeForecaster({ before: () => new Promise((resolve) => gates.push(resolve)) });
  const open = () => {
    for (const gate of gates.splice(0)) gate();
  };
  return { gates, open, models: fixedModel(liveModel(forecaster)) };
}

const failure = async (host: string, port: number) => {
  const parts = await fakeParts();
  const error = await listen(createApp(parts), { host, port, auth: parts.auth }).catch((e: unknown) => e);
  return error instanceof ListenError ? [error.code, error.message] : error;
};

describe('listen', () => {
  it('says in one sentence that a port is taken', async () => {
    server = await serveParts();
    expect(await failure('127.0.0.1', server.port)).toEqual([
      'port-taken',
      `Port ${server.port} of 127.0.0.1 is taken by another program; stop it, or choose another port with ODECAST_PORT.`,
    ]);
  });

  it('says that a host is not of this machine', async () => {
    const parts = await fakeParts({ auth: { keys: [], anonymous: true } });
    const started = listen(createApp(parts), { host: '203.0.113.7', port: 0, auth: parts.auth });
    await expect(started).rejects.toMatchObject({ code: 'host-unknown' });
  });

  it('does not open everything to the network without keys', async () => {
    expect(await failure('0.0.0.0', 0)).toEqual(['unprotected', expect.stringContaining('auth.keys')]);
  });
});

describe('shedding', () => {
  it('refuses at once what is beyond the bound, keeps probes answering, and takes new work after', async () => {
    const { gates, open, models } = held();
    server = await serveParts({ models, limits: { ...limits, concurrency: 3 } });
    const running = [1, 2, 3].map(() => server?.post('/v1/forecast', query));
    await expect.poll(() => gates.length).toBe(3);
    const shed = await server.post('/v1/forecast', query);
    expect([shed.status, shed.headers.get('retry-after')]).toEqual([503, '1']);
    const counted = 'odecast_forecast_requests_total{outcome="overloaded"} 1';
    expect(await (await server.get('/metrics')).text()).toContain(counted);
    expect((await server.get('/healthz')).status).toBe(200);
    open();
    const answers = await Promise.all(running);
    expect(answers.map((answer) => answer?.status)).toEqual([200, 200, 200]);
    const after = server.post('/v1/forecast', query);
    await expect.poll(() => gates.length).toBe(1);
    open();
    expect((await after).status).toBe(200);
  });

  it('gives no place to a client that has not sent its whole request', async () => {
    server = await serveParts({ limits: { ...limits, concurrency: 2 } });
    const head =
      'POST /v1/forecast HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{';
    const slow = await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const socket = connect(server?.port ?? 0, '127.0.0.1');
        await once(socket, 'connect');
        socket.write(head);
        return socket;
      }),
    );
    // By then the server has read what the slow ones sent.
    expect((await server.get('/healthz')).status).toBe(200);
    expect((await server.post('/v1/forecast', query)).status).toBe(200);
    for (const socket of slow) socket.destroy();
  });
});

describe('close', () => {
  it('finishes what is in work and takes nothing new', async () => {
    const { gates, open, models } = held();
    server = await serveParts({ models });
    const running = server.post('/v1/forecast', query);
    await expect.poll(() => gates.length).toBe(1);
    const closed = server.close(5000);
    await expect(server.get('/healthz')).rejects.toThrow();
    open();
    expect((await running).status).toBe(200);
    await closed;
    await server.close();
  });

  it('forces what does not finish in time', async () => {
    const { gates, models } = held();
    server = await serveParts({ models });
    const running = server.post('/v1/forecast', query);
    await expect.poll(() => gates.length).toBe(1);
    const started = performance.now();
    await Promise.all([server.close(100), expect(running).rejects.toThrow()]);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('is not held up by idle or half-sent connections', async () => {
    server = await serveParts();
    await server.get('/healthz');
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      'POST /v1/forecast HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    const started = performance.now();
    await server.close(200);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

/** What arrives until the connection ends, in order or not. */
async function everythingFrom(socket: Socket): Promise<string> {
  let received = '';
  socket.on('data', (part) => {
    received += part;
  });
  socket.on('error', () => {}).resume();
  await new Promise((resolve) => socket.once('close', resolve));
  return received;
}

describe('slow clients', () => {
  const timeouts = { requestMs: 200, silenceMs: 400 };
  const head = 'Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n';

  it.each([
    ['headers', 'POST /v1/forecast HTTP/1.1\r\nHost: local'],
    ['a body', `POST /v1/forecast HTTP/1.1\r\n${head}\r\n{`],
    ['nothing at all', ''],
  ])('that never finish sending %s are let go', async (_name, sent) => {
    server = await serveParts({}, timeouts);
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume().write(sent);
    await closed;
  });

  it('that do not read their answer are let go before it is through', async () => {
    server = await serveParts({ limits: { ...limits, samples: 1000 } }, timeouts);
    // Some 18 MB, more than the buffers of both ends hold.
    const body = JSON.stringify({
      ...query,
      times: undefined,
      horizon: '1h',
      points: 490,
      samples: 1000,
      returnSamples: true,
    });
    const socket = connect(server.port, '127.0.0.1').setEncoding('latin1');
    socket.write(`POST /v1/forecast HTTP/1.1\r\n${head.replace('100', String(body.length))}\r\n${body}`);
    await once(socket, 'readable');
    await new Promise((resolve) => setTimeout(resolve, 4 * timeouts.silenceMs));
    const received = await everythingFrom(socket);
    expect(received).toContain('200 OK');
    expect(received.length).toBeLessThan(Number(/Content-Length: (\d+)/.exec(received)?.[1]));
  });
});

describe('headers', () => {
  it('keeps pages to this origin’s own scripts and says no server name', async () => {
    server = await serveParts();
    const { headers } = await server.get('/healthz');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('strict-transport-security')).toBeNull();
  });
});
