/** What a caller of an engine did wrong, or what the machine lacks. A numerical failure is never one of these. */
export const ENGINE_ERROR_CODES = [
  'bad-batch',
  'bad-parameters',
  'closed',
  'no-engine',
  'unsupported-spec',
  'worker-died',
] as const;

export type EngineErrorCode = (typeof ENGINE_ERROR_CODES)[number];

export class EngineError extends Error {
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string) {
    super(message);
    this.name = 'EngineError';
    this.code = code;
  }
}

/** Throws unless `condition` holds. */
export function require(condition: boolean, code: EngineErrorCode, message: () => string): asserts condition {
  if (!condition) throw new EngineError(code, message());
}
