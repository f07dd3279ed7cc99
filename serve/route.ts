/**
 * A route as a value: where it is, what it takes, what it answers, how it can fail, and what it does. One generic piece
 * of code mounts every route (`app.ts`) and one documents it (`openapi.ts`).
 */
import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { Scope } from './app-parts.ts';
import type { Problem, ProblemCode } from './problem.ts';
import { type BodySpec, readBody } from './read-body.ts';
import { knownFields } from './schemas/common.ts';
import { validate } from './validation.ts';

export interface AnswerSpec {
  readonly description: string;
  readonly schema: z.ZodType;
  /** Default `application/json`. */
  readonly contentType?: string;
}

export interface Exchange<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly request: Request;
  readonly response: Response;
}

/** JSON to send, or undefined where the handler wrote the response itself. */
export type Reply = { readonly status?: number; readonly json: unknown } | undefined;

export interface RouteDefinition<P, Q, B> {
  readonly method: 'get' | 'post';
  /** As OpenAPI writes it: `/v1/streams/{stream}`. */
  readonly path: string;
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly scope: Scope | 'open';
  /** Not counted among the requests in work: an event stream, or a probe that must answer under load. */
  readonly unlimited?: boolean;
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly body?: BodySpec<B>;
  readonly answer: AnswerSpec;
  /** Other answers than 200, by status. */
  readonly otherAnswers?: Readonly<Record<number, AnswerSpec>>;
  /** Problems of this route's own; those of every route are added where it is mounted and documented. */
  readonly problems: readonly ProblemCode[];
  handle(exchange: Exchange<P, Q, B>): Promise<Reply> | Reply;
  /** Told of each request that is answered with a problem, also one that `handle` never saw. */
  readonly onProblem?: (problem: Problem) => void;
}

/** How a server takes requests in. */
export interface Reception {
  readonly maxBodyBytes: number;
  /** Counts a request among those in work, once it has come whole: a slow sender takes nobody's place. */
  readonly enter: () => () => void;
}

/** For routes whose requests are not counted. */
export const uncounted = () => () => {};

export type Route = Omit<RouteDefinition<never, never, never>, 'handle' | 'body' | 'params' | 'query'> & {
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: Omit<BodySpec<never>, 'parse'>;
  respond(request: Request, response: Response, reception: Reception): Promise<void>;
};

/** Parameters of a route that takes none: any are refused by name. */
const noParameters = knownFields({});

/** Joins validation, handling and sending; hides the types of the parts from the tables that hold routes. */
export function route<P = unknown, Q = unknown, B = undefined>(definition: RouteDefinition<P, Q, B>): Route {
  const { handle, params, query, body } = definition;
  return {
    ...definition,
    async respond(request, response, { maxBodyBytes, enter }) {
      // A part that a definition leaves out has the default of its type parameter, which nothing reads.
      const exchange = {
        params: (params && validate(params, request.params)) as P,
        query: validate<unknown>(query ?? noParameters, { ...request.query }) as Q,
        body: (body && (await readBody(request, response, body, maxBodyBytes))) as B,
        request,
        response,
      };
      const leave = enter();
      try {
        send(response, await handle.call(definition, exchange));
      } finally {
        leave();
      }
    },
  };
}

function send(response: Response, reply: Reply): void {
  if (reply === undefined) return;
  response
    .status(reply.status ?? 200)
    .type('application/json')
    .send(JSON.stringify(reply.json));
}
