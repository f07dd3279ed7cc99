/** Which series to show to a reader who has not chosen one. Pure. */
import type { SeriesInfo } from './answers.ts';

/** A series this far behind the newest event of its stream has ended or pauses. */
export const FRESH_MS = 10_000;
const ENOUGH = 10;

/** Of those with news, the youngest that is known well enough: it has most of its life before it. */
export function mostPromising(series: readonly SeriesInfo[]): string | undefined {
  const newest = Math.max(...series.map(({ lastTime }) => lastTime));
  const fresh = series.filter(({ lastTime }) => lastTime >= newest - FRESH_MS);
  const known = fresh.filter(({ observations }) => observations >= ENOUGH);
  const best = [...(known.length > 0 ? known : fresh)].sort((a, b) => b.firstTime - a.firstTime);
  return best[0]?.series;
}

/** Whether a series has fallen behind the others of its stream. */
export function hasEnded(name: string, series: readonly SeriesInfo[]): boolean {
  const newest = Math.max(...series.map(({ lastTime }) => lastTime));
  const own = series.find((info) => info.series === name)?.lastTime;
  return own === undefined || own < newest - FRESH_MS;
}
