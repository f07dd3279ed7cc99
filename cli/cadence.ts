/** How often a file's series are observed, and from that how long a window and a horizon are natural, if nobody says. */
import type { ObservationStore } from '../ingest/observation-store.ts';
import { CliError } from './errors.ts';
import { FILE_STREAM } from './file-store.ts';

const SERIES_LOOKED_AT = 200;
/** A window of so many typical gaps, a horizon of so many; but neither more than a share of the longest series. */
const WINDOW_GAPS = 60;
const HORIZON_GAPS = 20;
const WINDOW_SHARE = 0.3;
const HORIZON_SHARE = 0.1;

/** @returns ms */
export function naturalSpans(store: ObservationStore): { window: number; horizon: number } {
  const series = store.listSeries(FILE_STREAM, { limit: SERIES_LOOKED_AT });
  const gaps = series.filter((s) => s.observations > 1).map((s) => (s.lastTime - s.firstTime) / (s.observations - 1));
  if (gaps.length === 0)
    throw new CliError('bad-file', 'No series of the file has two observations: there is nothing to learn from.');
  const gap = gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)];
  const longest = Math.max(...series.map((s) => s.lastTime - s.firstTime));
  return {
    window: Math.min(WINDOW_GAPS * gap, WINDOW_SHARE * longest),
    horizon: Math.min(HORIZON_GAPS * gap, HORIZON_SHARE * longest),
  };
}
