/**
 * Every way in which a request can fail, in one table: RFC 9457 problem details with a stable `code`.
 * The OpenAPI document and the page at `/docs` are written from the same table.
 */

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** Seconds for `Retry-After`, where waiting helps. */
  readonly retryAfter?: number;
}

export const PROBLEMS = {
  'malformed-json': { status: 400, title: 'The body is not JSON' },
  'malformed-request': { status: 400, title: 'The request could not be read' },
  unauthorised: { status: 401, title: 'A key is needed' },
  forbidden: { status: 403, title: 'The key does not allow this' },
  'cross-origin': { status: 403, title: 'Another site may not ask this' },
  'not-found': { status: 404, title: 'There is nothing at this address' },
  'unknown-stream': { status: 404, title: 'There is no such stream' },
  'unknown-series': { status: 404, title: 'Nothing was ever observed of this series' },
  'unknown-model': { status: 404, title: 'There is no such version' },
  'no-truth': { status: 404, title: 'The truth of this series is not known' },
  'method-not-allowed': { status: 405, title: 'This address does not take that method' },
  'stale-history': { status: 409, title: 'The newest event is older than allowed' },
  'no-previous-model': { status: 409, title: 'There is no model to go back to' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body has a type that is not understood here' },
  'invalid-request': { status: 422, title: 'A field has a value that cannot be used' },
  'unknown-field': { status: 422, title: 'A field is not known here' },
  'duplicate-field': { status: 422, title: 'A field is given twice' },
  'number-out-of-range': { status: 422, title: 'A number is beyond what can be represented' },
  'invalid-time': { status: 422, title: 'A time cannot be used' },
  'unknown-channel': { status: 422, title: 'The stream has no such channel' },
  'too-many-times': { status: 422, title: 'The query asks for too many timestamps' },
  'too-many-queries': { status: 422, title: 'The batch holds too many queries' },
  'answer-too-large': { status: 422, title: 'The answer would hold too many numbers' },
  'no-observations': { status: 422, title: 'There is no observation to forecast from' },
  'events-refused': { status: 422, title: 'Every event was refused' },
  'too-many-subscribers': { status: 429, title: 'Too many subscribers', retryAfter: 10 },
  internal: { status: 500, title: 'The server failed' },
  'no-model': { status: 503, title: 'There is no model of this stream yet', retryAfter: 5 },
  overloaded: { status: 503, title: 'Too many requests are in work', retryAfter: 1 },
  'closing-down': { status: 503, title: 'The server is closing down', retryAfter: 5 },
  'log-unavailable': { status: 503, title: 'The log did not take the events', retryAfter: 5 },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One of several faults of a request. */
export interface FieldFault {
  readonly field: string;
  readonly detail: string;
}

export interface ProblemOptions {
  /** JSON pointer (RFC 6901) into the body, or `/name` of a parameter. */
  readonly field?: string | undefined;
  /** All faults, where there are several. */
  readonly errors?: readonly FieldFault[] | undefined;
  /** More members of the answer, e.g. the refused events. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** What `application/problem+json` holds. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly field?: string;
  readonly instance: string;
  readonly errors?: readonly FieldFault[];
  readonly [extension: string]: unknown;
}

/** A request's failure: thrown anywhere below a route, answered in one place. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly options: ProblemOptions;

  /** @param detail a sentence for the caller that says what to do. */
  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause });
    this.code = code;
    this.options = options;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  body(instance: string): ProblemBody {
    const { field, errors, extensions } = this.options;
    return {
      type: `/docs#${this.code}`,
      title: PROBLEMS[this.code].title,
      status: this.status,
      detail: this.message,
      code: this.code,
      ...(field === undefined ? {} : { field }),
      instance,
      ...(errors === undefined ? {} : { errors }),
      ...extensions,
    };
  }

  /** The same, its fields pointing below `at`: of a query that is one of several. */
  within(at: string): Problem {
    const { field = '', errors } = this.options;
    const moved = errors?.map((fault) => ({ ...fault, field: at + fault.field }));
    return new Problem(this.code, this.message, { ...this.options, field: at + field, errors: moved });
  }

  headers(): Record<string, string> {
    const kind: ProblemKind = PROBLEMS[this.code];
    const retry = kind.retryAfter === undefined ? {} : { 'Retry-After': String(kind.retryAfter) };
    return { ...retry, ...this.options.headers };
  }
}

/** RFC 6901 pointer of a path of keys. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
