/**
 * Event time: ISO 8601 to milliseconds since the epoch and back. Written by hand because `Date.parse` drops the digits
 * below a millisecond, takes a time without an offset as local time, and accepts shapes that no standard knows.
 */

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)?(Z|z|[+-]\d{2}(?::?\d{2})?)?)?$/;
const DAY = 86_400_000;

export interface TimeOptions {
  /** What a date and time without `Z` or an offset means. Default: it is refused. A date alone is its midnight in UTC. */
  readonly withoutOffset?: 'utc' | 'refuse';
}

/** @returns ms since the epoch with the fraction that was written, or `undefined` where `text` is not a time. */
export function parseTime(text: string, options: TimeOptions = {}): number | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const day = daysFromCivil(Number(match[1]), Number(match[2]), Number(match[3]));
  if (day === undefined) return undefined;
  if (match[4] === undefined) return day * DAY;
  if (match[8] === undefined && options.withoutOffset !== 'utc') return undefined;
  const clock = timeOfDay(match[4], match[5], match[6], match[7]);
  const offset = offsetMs(match[8] ?? 'Z');
  return clock === undefined || offset === undefined ? undefined : day * DAY + clock - offset;
}

/** ISO 8601 in UTC with as many digits of a millisecond as the number carries. */
export function formatTime(ms: number): string {
  const whole = Math.floor(ms);
  const iso = new Date(whole).toISOString();
  const micros = Math.round((ms - whole) * 1000);
  if (micros === 0) return iso;
  if (micros === 1000) return new Date(whole + 1).toISOString();
  return `${iso.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Days since 1970-01-01 of a date in the proleptic Gregorian calendar, counted in eras of 400 years that begin on
 * 1 March, so that the leap day is a year's last (H. Hinnant, "chrono-compatible low-level date algorithms", 2013).
 */
function daysFromCivil(year: number, month: number, day: number): number | undefined {
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function daysInMonth(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && leap ? 29 : DAYS_IN_MONTH[month - 1];
}

/** ms since midnight; a leap second is refused as most clocks refuse it. */
function timeOfDay(hours: string, minutes: string, seconds = '0', fraction?: string): number | undefined {
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds)];
  if (h > 23 || m > 59 || s > 59) return undefined;
  const whole = (h * 3600 + m * 60 + s) * 1000;
  // One division, so that the fraction is the double nearest to what was written.
  return fraction === undefined ? whole : whole + (Number(fraction) * 1000) / 10 ** fraction.length;
}

function offsetMs(text: string): number | undefined {
  if (text === 'Z' || text === 'z') return 0;
  const digits = text.slice(1).replace(':', '').padEnd(4, '0');
  const [h, m] = [Number(digits.slice(0, 2)), Number(digits.slice(2))];
  if (h > 23 || m > 59) return undefined;
  return (text[0] === '-' ? -1 : 1) * (h * 60 + m) * 60_000;
}
