/** Listens for an app and closes in good order: no new work, event streams ended, requests finished, then force. */
import { createServer, type Server } from 'node:http';
import type { App } from './app.ts';
import type { AuthConfig } from './app-parts.ts';
import { type Connections, trackConnections } from './connections.ts';
import { isLoopback } from './loopback.ts';

export interface Timeouts {
  /** A client has this long to send its request, headers and body. */
  readonly requestMs: number;
  /** A connection over which nothing moves either way is dropped; heartbeats of event streams keep theirs. */
  readonly silenceMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = { requestMs: 30_000, silenceMs: 60_000 };

const KEEP_ALIVE_MS = 10_000;
/** How often a closing server lets idle connections go. */
const SWEEP_MS = 20;

export type ListenErrorCode = 'port-taken' | 'port-forbidden' | 'host-unknown' | 'unprotected';

/** Why the server cannot listen, in one sentence for the person who started it. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: ListenErrorCode;

  constructor(code: ListenErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly auth: AuthConfig;
  /** Default `DEFAULT_TIMEOUTS`. */
  readonly timeouts?: Timeouts;
}

export interface RunningServer {
  /** For people and for clients on this machine: `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
  /** Finishes requests in work, for `graceMs` (default 3000) at most. Idempotent. */
  close(graceMs?: number): Promise<void>;
}

/** @throws ListenError */
export async function listen(app: App, { host, port, auth, timeouts }: ListenOptions): Promise<RunningServer> {
  if (!isLoopback(host) && auth.keys.length === 0 && !auth.anonymous) throw unprotected(host);
  const server = boundedServer(app, timeouts ?? DEFAULT_TIMEOUTS);
  const connections = trackConnections(server);
  await bind(server, host, port);
  const bound = boundPort(server, port);
  let closing: Promise<void> | undefined;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    close: (graceMs = 3000) => {
      closing ??= closeServer(server, connections, app, graceMs);
      return closing;
    },
  };
}

/** No client, however slow, holds a connection for ever. */
function boundedServer(app: App, { requestMs, silenceMs }: Timeouts): Server {
  const options = {
    requestTimeout: requestMs,
    headersTimeout: requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: requestMs / 4,
  };
  const server = createServer(options, app.handler);
  server.timeout = silenceMs;
  return server;
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    // Not once: a later error, such as no file handle for a new connection, must find a listener too, and rejects nothing.
    server.on('error', (error) => reject(listenError(error, host, port)));
    server.listen(port, host, resolve);
  });
}

function boundPort(server: Server, port: number): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

function closeServer(server: Server, connections: Connections, app: App, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const sweep = setInterval(() => connections.closeIdle(), SWEEP_MS);
    const force = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(force);
      resolve();
    });
    app.close();
  });
}

function unprotected(host: string): ListenError {
  return new ListenError(
    'unprotected',
    `Listening on ${host} would open everything to the network; configure auth.keys, or allow it with auth.anonymous, or listen on 127.0.0.1.`,
  );
}

function listenError(error: Error, host: string, port: number): Error {
  const at = `${host}:${port}`;
  switch ('code' in error ? error.code : undefined) {
    case 'EADDRINUSE':
      return new ListenError(
        'port-taken',
        `Port ${port} of ${host} is taken by another program; stop it, or choose another port with ODECAST_PORT.`,
        { cause: error },
      );
    case 'EACCES':
      return new ListenError(
        'port-forbidden',
        `This user may not listen on ${at}; choose a port from 1024 on with ODECAST_PORT.`,
        { cause: error },
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ListenError(
        'host-unknown',
        `${host} is not an address of this machine; set ODECAST_HOST to one that is, such as 127.0.0.1.`,
        { cause: error },
      );
    default:
      return error;
  }
}
