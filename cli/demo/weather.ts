/**
 * The real stream that ships: four years of Seattle's daily weather, made irregular by dropping whole days and single
 * values at random with a stated seed. Provenance: `examples/data/README.md`.
 */
import { parse } from 'csv-parse/sync';
import { createRandom } from '../../model/latent/random.ts';

export const WEATHER_SEED = 20261122;
const DROPPED_DAYS = 0.2;
const DROPPED_VALUES = 0.2;

export interface WeatherEvent {
  readonly series: string;
  readonly time: string;
  readonly values: Readonly<Record<string, number>>;
}

/** Events of the CSV's text, in order of time. The same text and seed give the same events. */
export function weatherEvents(csv: string, channels: readonly string[], seed = WEATHER_SEED): WeatherEvent[] {
  const random = createRandom(seed);
  const rows: Record<string, string>[] = parse(csv, { columns: true });
  return rows.flatMap((row) => {
    const keep = random.uniform() >= DROPPED_DAYS;
    const seen = channels.filter(() => random.uniform() >= DROPPED_VALUES);
    if (!keep || seen.length === 0) return [];
    const values = Object.fromEntries(seen.map((channel) => [channel, Number(row[channel])]));
    return [{ series: 'seattle', time: `${row.date}T00:00:00Z`, values }];
  });
}
