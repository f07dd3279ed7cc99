/** Schemas that several routes share, and the sentences that their faults are told in. */
import { z } from 'zod';
import { FIRST_TIME, LAST_TIME, parseDuration, parseIsoTime } from '../time.ts';

/** A time as it was asked for, and what it means. */
export interface AskedTime {
  readonly asked: string | number;
  readonly ms: number;
}

const TIME_HELP = 'ISO 8601 with "Z" or an offset, like "2026-11-21T22:00:00.250Z", or milliseconds since the epoch';

/** An object that refuses names that it does not know and says which it does. */
export function knownFields<S extends z.core.$ZodLooseShape>(shape: S) {
  const known = Object.keys(shape).join(', ') || 'none';
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const names = (issue.keys ?? []).map((key) => JSON.stringify(key)).join(', ');
      return `${names} is not known here; known are: ${known}.`;
    },
  });
}

export const timeSchema = z
  .union([z.string(), z.number()], { error: `must be a time: ${TIME_HELP}` })
  .transform((asked, context): AskedTime => {
    const ms = typeof asked === 'number' ? asked : parseIsoTime(asked);
    if (ms !== undefined && ms >= FIRST_TIME && ms <= LAST_TIME) return { asked, ms };
    context.issues.push({
      code: 'custom',
      input: asked,
      message: timeFault(asked, ms),
      params: { problem: 'invalid-time' },
    });
    return z.NEVER;
  })
  .meta({ id: 'Time', description: `A time: ${TIME_HELP}. Fractions of a millisecond are kept.` });

function timeFault(asked: string | number, ms: number | undefined): string {
  const shown = JSON.stringify(asked).slice(0, 60);
  if (ms === undefined) return `${shown} is not a time; write ${TIME_HELP}.`;
  return `${shown} lies outside the years 1 to 9999; times are ${TIME_HELP}.`;
}

/** A time in a query string, where a number is digits. */
export const timeParameter = z
  .string()
  .transform((text) => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text))
  .pipe(timeSchema)
  .meta({ description: `${TIME_HELP}.` });

const DURATION_HELP = 'must be a duration above zero: milliseconds, or like "250ms", "30s", "5m", "2h", "1.5d"';

export const durationSchema = z
  .union([z.string(), z.number()], { error: DURATION_HELP })
  .transform((asked, context): number => {
    const ms = typeof asked === 'number' ? asked : parseDuration(asked);
    if (ms !== undefined && ms > 0 && Number.isFinite(ms)) return ms;
    context.issues.push({
      code: 'custom',
      input: asked,
      message: `${DURATION_HELP}; got ${JSON.stringify(asked).slice(0, 40)}`,
    });
    return z.NEVER;
  })
  .meta({ id: 'Duration', description: 'A duration: milliseconds, or like "250ms", "30s", "5m", "2h", "1.5d".' });

/** A duration in a query string, where a number is digits. */
export const durationParameter = z
  .string()
  .transform((text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : text))
  .pipe(durationSchema);

/** A whole number in a query string. */
export const countParameter = (max: number, preset: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from 1 to ${max}`)
    .transform(Number)
    .pipe(z.int().min(1).max(max))
    .optional()
    .transform((count) => count ?? preset);

export const streamParams = z.object({ stream: z.string().meta({ description: 'Name of the stream' }) });
export const seriesParams = streamParams.extend({ series: z.string().meta({ description: 'Name of the series' }) });

/** A time in an answer that was not asked for. */
export const isoTime = z.string().meta({ description: 'ISO 8601, UTC' });
