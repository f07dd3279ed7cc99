/** Reads a request's body as UTF-8 text within a bound, of a type that the route takes. */
import express, { type Request, type Response } from 'express';
import type { z } from 'zod';
import { Problem } from './problem.ts';

/** What body a route takes. */
export interface BodySpec<B> {
  /** For the document. */
  readonly schema: z.ZodType;
  readonly contentTypes: readonly string[];
  /** @throws Problem */
  parse(text: string, contentType: string): B;
}

/** @throws Problem `unsupported-media-type`, `body-too-large`, `malformed-json`, or what the route's parser says. */
export async function readBody<B>(
  request: Request,
  response: Response,
  { contentTypes, parse }: BodySpec<B>,
  maxBytes: number,
): Promise<B> {
  const type = request.is([...contentTypes]);
  if (typeof type !== 'string') throw unsupported(request, contentTypes);
  const bytes = await readBytes(request, response, maxBytes);
  return parse(decode(bytes), type);
}

function unsupported(request: Request, contentTypes: readonly string[]): Problem {
  const wanted = contentTypes.join(' or ');
  const given = request.headers['content-type'];
  if (given === undefined || request.headers['content-length'] === '0')
    return new Problem('unsupported-media-type', `Send a body with the header Content-Type: ${wanted}.`);
  return new Problem(
    'unsupported-media-type',
    `Send the body as ${wanted}, not ${JSON.stringify(given.slice(0, 80))}.`,
    {
      headers: { Accept: contentTypes.join(', ') },
    },
  );
}

function readBytes(request: Request, response: Response, limit: number): Promise<Uint8Array> {
  const read = express.raw({ type: () => true, limit });
  return new Promise((resolve, reject) => {
    read(request, response, (error?: unknown) => {
      if (error) reject(readFault(error, limit));
      else resolve(request.body instanceof Uint8Array ? request.body : new Uint8Array());
    });
  });
}

function readFault(error: unknown, limit: number): Problem {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : 400;
  if (status === 413)
    return new Problem('body-too-large', `The body is larger than ${limit} bytes; send it in parts.`, { cause: error });
  if (status === 415)
    return new Problem('unsupported-media-type', 'Send the body plain, or compressed with gzip, deflate or br.', {
      cause: error,
    });
  return new Problem('malformed-request', 'The body ended early or could not be decompressed; send it again whole.', {
    cause: error,
  });
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Problem('malformed-json', 'The body is not UTF-8; encode it so.', { cause });
  }
}
