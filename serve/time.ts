/** Times and durations as people write them over HTTP. Event time itself is `ingest`'s: the same text means the same here. */
export { formatTime, parseTime as parseIsoTime } from '../ingest/time.ts';

/** Years 1 to 9999, ms, inclusive: what four digits can write. */
export const FIRST_TIME = -62_135_596_800_000;
export const LAST_TIME = 253_402_300_799_999;

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** ms of `250ms`, `30s`, `5m`, `2h` or `1.5d`; undefined where the text is none, or beyond what can be represented. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  const ms = match === null ? Number.NaN : Number(match[1]) * UNIT_MS[match[2]];
  return Number.isFinite(ms) ? ms : undefined;
}
