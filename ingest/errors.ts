/**
 * Every error that `ingest` throws. An event that is refused is not an error but a value: see `refusals.ts`.
 * `retriable` says whether the same call may succeed later without anybody changing anything.
 */
const ERRORS = {
  'unknown-topic': { retriable: false },
  'group-taken': { retriable: false },
  'lease-lost': { retriable: true },
  'key-too-long': { retriable: false },
  'log-closed': { retriable: false },
  'log-unreachable': { retriable: true },
  'log-failed': { retriable: false },
  'store-closed': { retriable: false },
  'folder-unusable': { retriable: false },
  'write-failed': { retriable: true },
  'channels-changed': { retriable: false },
  'bad-observation': { retriable: false },
  'bad-file': { retriable: false },
} as const;

export type IngestErrorCode = keyof typeof ERRORS;

export class IngestError extends Error {
  override readonly name = 'IngestError';
  readonly code: IngestErrorCode;
  readonly retriable: boolean;

  /** @param message one sentence that says what to do. */
  constructor(code: IngestErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retriable = ERRORS[code].retriable;
  }
}
