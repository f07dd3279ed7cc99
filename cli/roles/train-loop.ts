/**
 * Training without an end: the streams take turns, each turn is a round of steps, an evaluation, a gate and perhaps a
 * publication. What it needs is handed in, so that a test runs it in milliseconds.
 *
 *   waiting ──enough observations──▶ training ──round over──▶ evaluating ──gate──▶ published | rejected
 *      ▲                                ▲                                                 │
 *      └────────── (per stream) ────────┴──── news, after a rest once the schedule is over ◀┘
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Registry } from '../../model/registry.ts';
import type { RoundProgress, Trainer } from '../../model/train/trainer.ts';
import type { TrainingReport } from '../training-report.ts';

export interface TrainedStream {
  readonly name: string;
  readonly trainer: Trainer;
  readonly firstRoundMs: number;
  readonly roundMs: number;
  /** Least time between two rounds once the learning-rate schedule is over. */
  readonly restMs: number;
  readonly observations: () => number;
  /** Called when a round of so many ms begins. */
  readonly onRound: (budgetMs: number) => void;
  /** Keeps the trainer's checkpoint where a restart finds it. */
  readonly save: (checkpoint: Uint8Array) => void;
}

export interface TrainLoopParts {
  readonly streams: readonly TrainedStream[];
  readonly registry: Pick<Registry, 'alias' | 'publish'>;
  readonly report: (report: TrainingReport) => void;
  readonly signal: AbortSignal;
  /** ms from any start, never back. */
  readonly monotonic: () => number;
}

/** How often a stream without enough observations, or without news, is looked at again. */
const LOOK_AGAIN_MS = 500;
const DIVERGED = 'steps in a row had no finite gradient; the weights went back to the last good ones';

interface Turn {
  readonly stream: TrainedStream;
  /** Monotonic time before which the stream has no turn. */
  due: number;
  /** Whether the learning-rate schedule is over: from then on only news are worth a round. */
  converged: boolean;
}

/** Resolves when the signal aborts; rejects only if a log or a disk fails. */
export async function runTrainLoop(parts: TrainLoopParts): Promise<void> {
  const turns: Turn[] = parts.streams.map((stream) => ({ stream, due: 0, converged: false }));
  while (!parts.signal.aborted) {
    const now = parts.monotonic();
    const ready = turns.filter((turn) => turn.due <= now);
    for (const turn of ready) await takeTurn(parts, turn);
    if (ready.length === 0) await rest(LOOK_AGAIN_MS / 2, parts.signal);
  }
}

async function takeTurn(parts: TrainLoopParts, turn: Turn): Promise<void> {
  const { stream } = turn;
  if (parts.signal.aborted) return;
  if (turn.converged && !stream.trainer.hasNews()) return pause(parts, turn, { kind: 'idle', stream: stream.name });
  const published = parts.registry.alias(stream.name, 'champion') !== undefined;
  const budgetMs = published ? stream.roundMs : stream.firstRoundMs;
  stream.onRound(budgetMs);
  const progress = await stream.trainer.round({ budgetMs, signal: parts.signal });
  if (progress.status === 'waiting')
    return pause(parts, turn, { kind: 'waiting', stream: stream.name, observations: stream.observations() });
  turn.converged = progress.progress >= 1;
  turn.due = parts.monotonic() + (turn.converged ? stream.restMs : 0);
  await concludeRound(parts, stream, progress);
}

function pause({ report, monotonic }: TrainLoopParts, turn: Turn, why: TrainingReport): void {
  turn.due = monotonic() + LOOK_AGAIN_MS;
  report(why);
}

async function concludeRound(parts: TrainLoopParts, stream: TrainedStream, progress: RoundProgress): Promise<void> {
  if (progress.roundSteps === 0) return;
  // First: whoever stops or kills the trainer while it evaluates loses no step.
  stream.save(stream.trainer.checkpoint());
  if (progress.status === 'diverged') parts.report({ kind: 'rejected', stream: stream.name, reasons: [DIVERGED] });
  if (progress.status === 'trained') await proposeModel(parts, stream, progress);
}

async function proposeModel(
  { registry, report, signal }: TrainLoopParts,
  { name, trainer }: TrainedStream,
  progress: RoundProgress,
): Promise<void> {
  report({ kind: 'evaluating', stream: name });
  const { artifact, decision } = await trainer.propose(registry.alias(name, 'champion'));
  if (signal.aborted) return;
  if (!decision.publish) return report({ kind: 'rejected', stream: name, reasons: decision.reasons });
  await registry.publish(artifact);
  const { evaluation, version } = artifact.header;
  const [best] = Object.entries(evaluation.baselines).sort(([, a], [, b]) => a.crps - b.crps);
  const baseline = best ? { name: best[0], crps: best[1].crps } : undefined;
  report({
    kind: 'published',
    stream: name,
    version,
    steps: progress.steps,
    crps: evaluation.extrapolation.crps,
    baseline,
  });
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
