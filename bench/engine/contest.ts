/**
 * A row's contest. First each variant of each contestant is timed for a moment; then the best one of each is timed round by
 * round, next to the others, so that a machine that is busy is busy for all of them. A round's time is that of its fastest call.
 */

import { median } from '../ode/overhead.ts';
import type { Contestant } from './contestant.ts';
import type { Row } from './rows.ts';

export interface Entry {
  readonly peer: string;
  readonly variant: string;
  /** Seconds for one unit of the row's work: the fastest call of each round. */
  readonly rounds: readonly number[];
  /** Calls timed. */
  readonly calls: number;
  readonly check: Readonly<Record<string, number>>;
}

export interface Failure {
  readonly peer: string;
  readonly variant: string;
  readonly failed: string;
}

export interface RowResult {
  readonly row: Row;
  readonly entries: readonly Entry[];
  readonly failures: readonly Failure[];
}

export interface Pace {
  readonly rounds: number;
  /** For each variant at first, and for each contestant a round. */
  readonly trialSeconds: number;
  readonly roundSeconds: number;
}

interface Trial {
  readonly contestant: Contestant;
  readonly variant: string;
  readonly fastest: number;
  readonly check: Readonly<Record<string, number>>;
}

export async function holdContest(row: Row, contestants: readonly Contestant[], pace: Pace): Promise<RowResult> {
  const failures: Failure[] = [];
  const best: Trial[] = [];
  for (const contestant of contestants) {
    const trials = await tryVariants(row, contestant, pace, failures);
    if (trials.length > 0) best.push(trials.reduce((a, b) => (b.fastest < a.fastest ? b : a)));
  }
  const entries = best.map((trial) => ({ trial, rounds: [] as number[], calls: 0 }));
  for (let round = 0; round < pace.rounds; round++) {
    for (const entry of entries) {
      const { contestant, variant } = entry.trial;
      const answer = await contestant.ask({ row: row.id, variant, seconds: pace.roundSeconds });
      if ('failed' in answer) throw new Error(`${contestant.peer}, ${variant}: ${answer.failed}`);
      entry.rounds.push(Math.min(...answer.times) / row.per);
      entry.calls += answer.times.length;
    }
  }
  return { row, failures, entries: entries.map(({ trial, rounds, calls }) => entryOf(trial, rounds, calls)) };
}

const entryOf = ({ contestant, variant, check }: Trial, rounds: readonly number[], calls: number): Entry => ({
  peer: contestant.peer,
  variant,
  rounds,
  calls,
  check,
});

async function tryVariants(row: Row, contestant: Contestant, pace: Pace, failures: Failure[]): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (const variant of contestant.offers[row.id] ?? []) {
    const answer = await contestant.ask({ row: row.id, variant, seconds: pace.trialSeconds });
    if ('failed' in answer) failures.push({ peer: contestant.peer, variant, failed: answer.failed });
    else trials.push({ contestant, variant, fastest: Math.min(...answer.times), check: answer.check });
  }
  return trials;
}

/** How many times faster a is than b: the median over rounds of the quotient within a round. */
export function speedup(a: Entry, b: Entry): number {
  return median(a.rounds.map((time, round) => b.rounds[round] / time));
}

/** The best entry of a family, by the median of its rounds; two versions of a package are one family. */
export function bestOf(result: RowResult, family: string): Entry | undefined {
  const own = result.entries.filter(({ peer }) => peer.split(' ')[0] === family);
  return own.toSorted((a, b) => median(a.rounds) - median(b.rounds))[0];
}

/** Our entry with these kernels. */
export function oursIn(result: RowResult, kernels = 'native'): Entry | undefined {
  return result.entries.find(({ peer }) => peer === `fused ${kernels}`);
}

/** The largest relative distance of a check value from ours; undefined without ours. */
export function disagreement(result: RowResult): { readonly peer: string; readonly distance: number } | undefined {
  const ours = oursIn(result) ?? result.entries.find(({ peer }) => peer.startsWith('fused'));
  if (ours === undefined) return undefined;
  const distances = result.entries.map(({ peer, check }) => ({ peer, distance: distanceOf(check, ours.check) }));
  return distances.reduce((worst, one) => (one.distance > worst.distance ? one : worst));
}

/** A sum that cancels is held against the root of the squares beside it. */
function distanceOf(check: Entry['check'], ours: Entry['check']): number {
  const scale = (name: string) => Math.max(Math.abs(ours[name]), name === 'sum' ? Math.sqrt(ours.squares) : 0);
  const distances = Object.keys(ours).map((name) => Math.abs(check[name] - ours[name]) / scale(name));
  return distances.every((distance) => distance <= Number.MAX_VALUE)
    ? Math.max(...distances)
    : Number.POSITIVE_INFINITY;
}
