/** What the project promised, beside what was measured. The bench prints both and tunes neither. */
import { markdownTable } from '../report.ts';

export interface Goal {
  readonly what: string;
  readonly goal: string;
  readonly measured: string;
  /** Undefined: could not be measured here. */
  readonly met: boolean | undefined;
}

export function goalTable(goals: readonly Goal[]): string {
  const rows = goals.map(({ what, goal, measured, met }) => [what, goal, measured, verdict(met)]);
  return markdownTable([['goal', 'promised', 'measured', 'met'], ...rows]);
}

const verdict = (met: boolean | undefined): string => (met === undefined ? 'not measured' : met ? 'yes' : '**no**');
