/** What ingest must know of a stream; the configuration (`cli/config.ts`) holds it and more. */
export interface StreamSpec {
  readonly name: string;
  /** The topic that its events are on; by default the stream's name. */
  readonly topic: string;
  /** The channels, in the order of columns everywhere. */
  readonly channels: readonly string[];
  /** What to do with an event that carries an unknown channel. */
  readonly unknownChannels: 'refuse' | 'ignore';
  /** Accepted event times, ms since the epoch. */
  readonly acceptedTimes: { readonly from: number; readonly to: number };
  /** Largest accepted event in bytes. */
  readonly maxEventBytes: number;
  readonly retention: { readonly maxAgeMs?: number | undefined; readonly maxPerSeries?: number | undefined };
}
