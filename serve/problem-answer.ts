/** Turns whatever was thrown into a problem, and a problem into an answer. */
import type { ErrorRequestHandler, Express, Request, Response } from 'express';
import { ModelError } from '../model/errors.ts';
import type { AppParts } from './app-parts.ts';
import { Problem, type ProblemBody } from './problem.ts';

/** An error that is not the caller's shows nothing of itself: it is `internal`, and its cause goes to the log. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof ModelError) return fromModel(error);
  if (error instanceof URIError)
    return new Problem('malformed-request', 'The address holds a broken % escape; encode it as UTF-8.');
  return new Problem(
    'internal',
    'The server failed and has logged why; ask again, and tell its operator if it stays so.',
    {
      cause: error,
    },
  );
}

function fromModel(error: ModelError): Problem {
  if (error.code === 'history-empty') return new Problem('no-observations', `${error.message}.`, { cause: error });
  if (error.code === 'history-invalid')
    return new Problem('invalid-request', `${error.message}.`, { field: '/history', cause: error });
  if (error.code === 'query-invalid') return new Problem('invalid-request', `${error.message}.`, { cause: error });
  return new Problem(
    'internal',
    'The model failed and the log tells why; ask again, and tell its operator if it stays so.',
    {
      cause: error,
    },
  );
}

/** The last handlers of an app: what no route took is not found, and what was thrown is answered as a problem. */
export function answerProblems(app: Express, { logger }: Pick<AppParts, 'logger'>): void {
  app.use((request) => {
    throw new Problem('not-found', `There is nothing at ${request.path.slice(0, 200)}; /docs lists what there is.`);
  });
  const handler: ErrorRequestHandler = (error, request, response, _next) => {
    const problem = toProblem(error);
    if (problem.code === 'internal') logger.error({ err: error, path: request.path }, 'a request failed');
    if (response.headersSent) response.destroy();
    else sendProblem(request, response, problem);
  };
  app.use(handler);
}

function sendProblem(request: Request, response: Response, problem: Problem): void {
  response.status(problem.status).set(problem.headers()).type('application/problem+json');
  response.send(JSON.stringify(problemBody(request, problem)));
}

export function problemBody(request: Request, problem: Problem): ProblemBody {
  return problem.body(request.originalUrl.split('?')[0]);
}
