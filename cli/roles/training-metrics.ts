/** What a trainer reports, as metrics of the process that hears it. */
import type { TrainingProgress } from '../../serve/app-parts.ts';
import type { Metrics } from '../../serve/metrics.ts';
import type { TrainingReport } from '../training-report.ts';

export function recordTraining(metrics: Metrics, report: TrainingReport): void {
  if (report.kind !== 'progress') return;
  const { stream, loss, stepMs, windows } = report;
  metrics.set('training_loss', loss, { stream });
  metrics.observe('training_step_duration_seconds', stepMs / 1000, { stream });
  metrics.count('training_windows_total', { stream }, windows);
}

const CURVE_POINTS = 200;

/** The newest state of each stream's training, for the API: [step, loss] is thinned by halves as it grows. */
export function createTrainingBoard(): {
  record(report: TrainingReport): void;
  of(stream: string): TrainingProgress | undefined;
} {
  const board = new Map<string, TrainingProgress>();
  const change = (stream: string, edit: Partial<TrainingProgress>) =>
    board.set(stream, { ...(board.get(stream) ?? EMPTY), ...edit });
  return {
    record: (report) => {
      if (report.kind === 'waiting' || report.kind === 'idle') change(report.stream, { state: report.kind });
      if (report.kind === 'progress') change(report.stream, progressOf(board.get(report.stream) ?? EMPTY, report));
    },
    of: (stream) => board.get(stream),
  };
}

const EMPTY: TrainingProgress = { state: 'waiting', steps: 0, windows: 0, lossCurve: [] };

function progressOf(before: TrainingProgress, report: Extract<TrainingReport, { kind: 'progress' }>): TrainingProgress {
  const { steps, windows, loss, elapsedMs, budgetMs } = report;
  const curve = Number.isFinite(loss) ? [...before.lossCurve, [steps, loss] as const] : before.lossCurve;
  const lossCurve = curve.length > CURVE_POINTS ? curve.filter((_, i) => i % 2 === 1) : curve;
  return {
    state: 'training',
    steps,
    windows: before.windows + windows,
    lossCurve,
    remainingMs: Math.max(0, budgetMs - elapsedMs),
  };
}
