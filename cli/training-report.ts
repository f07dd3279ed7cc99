/**
 * What a trainer tells the process that watches it: to its parent as a message, to its own log and metrics where it runs
 * alone. Plain data.
 */
export type TrainingReport =
  | { readonly kind: 'engine'; readonly description: string; readonly gpu: boolean }
  | { readonly kind: 'waiting'; readonly stream: string; readonly observations: number }
  | ({ readonly kind: 'progress'; readonly stream: string } & TrainingNumbers)
  | { readonly kind: 'evaluating'; readonly stream: string }
  | PublishedReport
  | { readonly kind: 'rejected'; readonly stream: string; readonly reasons: readonly string[] }
  | { readonly kind: 'idle'; readonly stream: string };

export interface TrainingNumbers {
  readonly steps: number;
  /** Windows trained on since the report before. */
  readonly windows: number;
  /** Of the newest step, nats per target entry. */
  readonly loss: number;
  /** Mean of the steps since the report before. */
  readonly stepMs: number;
  /** Since the round began, and its length. */
  readonly elapsedMs: number;
  readonly budgetMs: number;
  /** Whether a model of the stream is published already. */
  readonly first: boolean;
}

export interface PublishedReport {
  readonly kind: 'published';
  readonly stream: string;
  readonly version: string;
  readonly steps: number;
  readonly crps: number;
  /** CRPS of the best baseline and its name. */
  readonly baseline?: { readonly name: string; readonly crps: number } | undefined;
}
