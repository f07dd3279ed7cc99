/**
 * Every error that a caller of the model can meet, in one table. A numerical failure is not one of them: it is a status
 * in the result.
 */

const MODEL_ERRORS = {
  'artifact-too-large': { retryable: false, advice: 'use a smaller model' },
  'artifact-truncated': { retryable: true, advice: 'fetch the file again' },
  'artifact-foreign': { retryable: false, advice: 'give a file that this program wrote' },
  'artifact-corrupt': { retryable: true, advice: 'fetch the file again' },
  'artifact-invalid': { retryable: false, advice: 'train and publish the model again' },
  'history-empty': { retryable: false, advice: 'send at least one observation first' },
  'history-invalid': { retryable: false, advice: 'correct the observations' },
  'query-invalid': { retryable: false, advice: 'correct the query' },
  'model-mismatch': { retryable: false, advice: 'train a model with the present configuration' },
  'version-unknown': { retryable: false, advice: 'list the versions and choose one of them' },
  'nothing-to-train': { retryable: true, advice: 'wait for more observations' },
  'training-diverged': { retryable: true, advice: 'lower the learning rate' },
} as const;

export type ModelErrorCode = keyof typeof MODEL_ERRORS;

/** `message` says what is wrong and what to do; `retryable` whether the same call may succeed later. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly code: ModelErrorCode;
  readonly retryable: boolean;

  constructor(code: ModelErrorCode, what: string, options?: ErrorOptions) {
    super(`${what}; ${MODEL_ERRORS[code].advice}`, options);
    this.code = code;
    this.retryable = MODEL_ERRORS[code].retryable;
  }
}
