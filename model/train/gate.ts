/** Whether a candidate may take the champion's place: a pure decision with its reasons in words. */
import type { EvaluationRecord } from '../artifact-format.ts';

/** A model's record on windows that both have not seen. */
export interface GateEntry {
  readonly record: Pick<EvaluationRecord, 'extrapolation' | 'interpolation'>;
  /** Windows without a finite answer. */
  readonly failures: number;
}

export interface GateDecision {
  readonly publish: boolean;
  /** Sentences for a log, the deciding one first. */
  readonly reasons: readonly string[];
}

/** How much worse than the incumbent the CRPS may be: newer data in the weights are worth the noise of a score. */
const TOLERANCE = 0.02;
const COVERAGE_RANGE = [0.5, 0.99] as const;

export function decide(candidate: GateEntry, incumbent: GateEntry | undefined, tolerance = TOLERANCE): GateDecision {
  const { failures, record } = candidate;
  if (failures > 0) return refuse(`${failures} held-out windows had no finite answer`);
  if (!Number.isFinite(record.extrapolation.crps)) return refuse('its CRPS is not finite');
  if (!incumbent) return accept('there is no champion yet', ...remarks(candidate));
  if (incumbent.failures > 0) return accept(`the champion has no finite answer in ${incumbent.failures} windows`);
  return compare(candidate, incumbent, tolerance);
}

/** Forecasts after the data weigh as much as those within. */
function compare(candidate: GateEntry, incumbent: GateEntry, tolerance: number): GateDecision {
  const [mine, theirs] = [combinedCrps(candidate), combinedCrps(incumbent)];
  if (theirs === 0 && mine === 0) return accept('there was nothing to compare on', ...remarks(candidate));
  const change = mine / theirs - 1;
  const sentence = `CRPS ${mine.toPrecision(4)} against the champion’s ${theirs.toPrecision(4)} (${signed(change)})`;
  return change <= tolerance
    ? accept(
        change <= 0 ? `better: ${sentence}` : `within the tolerance of ${signed(tolerance)}: ${sentence}`,
        ...remarks(candidate),
      )
    : refuse(`worse by more than ${signed(tolerance)}: ${sentence}`);
}

function combinedCrps({ record: { extrapolation, interpolation } }: GateEntry): number {
  const counted = [extrapolation, interpolation].filter((s) => s.count > 0);
  return counted.reduce((sum, s) => sum + s.crps, 0) / (counted.length || 1);
}

function remarks({ record }: GateEntry): string[] {
  const coverage = record.extrapolation.coverage['0.8'];
  const [least, most] = COVERAGE_RANGE;
  const odd = record.extrapolation.count > 0 && coverage !== undefined && (coverage < least || coverage > most);
  return odd ? [`its 80 % interval covers ${Math.round(100 * coverage)} %`] : [];
}

function signed(share: number): string {
  return `${share >= 0 ? '+' : '−'}${Math.abs(100 * share).toFixed(1)} %`;
}

function accept(...reasons: string[]): GateDecision {
  return { publish: true, reasons };
}

function refuse(...reasons: string[]): GateDecision {
  return { publish: false, reasons };
}
