/**
 * The open connections of a server and which of them carry a request. Node's `closeIdleConnections` passes over those on
 * which no request has come yet, such as a browser's spare ones, and a closing server would wait for their time-out.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export interface Connections {
  /** Drops every connection on which no request is in work. */
  closeIdle(): void;
}

export function trackConnections(server: Server): Connections {
  /** Requests in work on each connection. */
  const open = new Map<Socket, number>();
  const add = (socket: Socket, by: number) => {
    const inWork = open.get(socket);
    if (inWork !== undefined) open.set(socket, inWork + by);
  };
  server.on('connection', (socket: Socket) => {
    open.set(socket, 0);
    socket.once('close', () => open.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    add(socket, 1);
    response.once('close', () => add(socket, -1));
  });
  return {
    closeIdle: () => {
      for (const [socket, inWork] of open) if (inWork === 0) socket.destroySoon();
    },
  };
}
