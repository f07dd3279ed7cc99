/**
 * Who may do what: bearer keys with scopes. Only the keys' SHA-256 is known here; hashes are compared in constant time.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import type { AuthConfig, Scope } from './app-parts.ts';
import { Problem } from './problem.ts';

/** @returns what throws Problem `unauthorised` or `forbidden` where a request may not do what needs the scope. */
export function createAuthoriser({ keys, anonymous }: AuthConfig): (request: Request, scope: Scope) => void {
  const known = keys.map(({ sha256, scopes }) => ({ hash: Buffer.from(sha256, 'hex'), scopes }));
  if (known.length === 0) return () => {};
  return (request, scope) => {
    const scopes = scopesOf(known, request.headers.authorization, anonymous);
    if (!scopes.includes(scope))
      throw new Problem(
        'forbidden',
        `This needs a key with the scope "${scope}"; yours has: ${scopes.join(', ') || 'none'}.`,
      );
  };
}

interface KnownKey {
  readonly hash: Buffer;
  readonly scopes: readonly Scope[];
}

function scopesOf(known: readonly KnownKey[], header: string | undefined, anonymous: boolean): readonly Scope[] {
  if (header === undefined) {
    if (anonymous) return ['read'];
    throw unauthorised('Send a key in the header Authorization: Bearer <key>.');
  }
  const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
  if (token === undefined) throw unauthorised('Write the header as Authorization: Bearer <key>.');
  const hash = createHash('sha256').update(token).digest();
  // Every key is compared, so that the time tells nothing of which one was near.
  const matching = known.filter((key) => timingSafeEqual(key.hash, hash));
  if (matching.length === 0)
    throw unauthorised('The key is not known here; check it, or ask for a new one.', 'invalid_token');
  return matching.flatMap(({ scopes }) => scopes);
}

/** RFC 6750: the challenge names the fault where a key was given. */
function unauthorised(detail: string, error?: string): Problem {
  const challenge = error === undefined ? 'Bearer' : `Bearer error="${error}"`;
  return new Problem('unauthorised', detail, { headers: { 'WWW-Authenticate': challenge } });
}
