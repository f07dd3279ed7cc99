/**
 * What is said of a series where its model has nothing more to say: location and scale of the series' own history, shrunk
 * to the stream's. As wide as the series has ever been, so it is the honest end of every forecast.
 */
import type { Window } from '../ingest/window.ts';
import type { Normalisation } from './artifact-format.ts';
import { shrunk } from './normalise.ts';

export interface LongRun {
  readonly mean: number;
  readonly scale: number;
}

/** As if so many observations of the stream had been seen too. */
const SHRINKAGE = 10;

/** [D] from one sample of a history (possibly empty). */
export function longRunOf(history: Window, { channels }: Normalisation): LongRun[] {
  return channels.map((channel, c) => {
    const { location, scale } = shrunk(history, 0, c, channel, SHRINKAGE);
    // A history that has been quiet may still become what the stream is; the stream's scale is the least.
    return { mean: location, scale: Math.max(scale, channel.scale) };
  });
}
