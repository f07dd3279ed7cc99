/**
 * What a caller did wrong. A numerical failure is never one of these: it is a status in the solution.
 * The code names the argument, the message says what to do about it.
 */
export const ODE_ERROR_CODES = [
  'bad-y0',
  'bad-span',
  'bad-save-at',
  'bad-tolerance',
  'bad-step',
  'bad-grid',
  'bad-max-steps',
  'bad-tableau',
  'bad-method',
  'bad-field',
  'bad-cotangents',
  'bad-gradient',
  'bad-event',
] as const;

export type OdeErrorCode = (typeof ODE_ERROR_CODES)[number];

export class OdeError extends Error {
  readonly code: OdeErrorCode;

  constructor(code: OdeErrorCode, message: string) {
    super(message);
    this.name = 'OdeError';
    this.code = code;
  }
}

/** Throws unless `condition` holds. */
export function ensure(condition: boolean, code: OdeErrorCode, message: () => string): asserts condition {
  if (!condition) throw new OdeError(code, message());
}
