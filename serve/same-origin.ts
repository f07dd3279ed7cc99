/**
 * Keeps other web sites out: a page anywhere can make a browser post to this machine, and a name that it controls can be
 * made to point here (DNS rebinding). Where no key protects the server, it answers loopback names only.
 */
import type { Request } from 'express';
import { isLoopback } from './loopback.ts';
import { Problem } from './problem.ts';

/** @throws Problem `cross-origin` */
export function checkOrigin(request: Request, unprotected: boolean): void {
  const { host = '', origin } = request.headers;
  if (unprotected && !isLoopback(hostName(host)))
    throw new Problem(
      'cross-origin',
      `Without keys only loopback is served, not ${JSON.stringify(host.slice(0, 80))}; configure auth.keys, or auth.anonymous.`,
    );
  if (request.method !== 'GET' && request.method !== 'HEAD' && origin !== undefined && originHost(origin) !== host)
    throw new Problem(
      'cross-origin',
      'A page of another site may not change anything here; send the request from a program.',
    );
}

/** `[::1]:8080` → `::1`, `localhost:8080` → `localhost`. */
function hostName(host: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(host);
  return bracketed === null ? host.replace(/:\d*$/, '') : bracketed[1];
}

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
