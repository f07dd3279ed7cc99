/** What a person at a terminal did wrong, or what their machine refuses: one clear sentence, no stack. */

export type CliErrorCode =
  | 'bad-config'
  | 'no-config'
  | 'bad-option'
  | 'bad-file'
  | 'data-folder'
  | 'data-in-use'
  | 'port'
  | 'no-broker'
  | 'no-model'
  | 'not-built';

export class CliError extends Error {
  readonly code: CliErrorCode;
  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.code = code;
  }
}

/** The code of a system call's failure (`EACCES`, `EADDRINUSE`, …), if the error is one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
