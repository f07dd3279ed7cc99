/** Numbers and times as people read them. All instants are shown in UTC, as the API answers them. Pure. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365.25 * DAY;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Units of a duration with the length from which each is used. */
const UNITS: readonly (readonly [number, number, string])[] = [
  [2 * YEAR, YEAR, 'y'],
  [2 * DAY, DAY, 'd'],
  [2 * HOUR, HOUR, 'h'],
  [2 * MINUTE, MINUTE, 'min'],
  [SECOND, SECOND, 's'],
  [0, 1, 'ms'],
];

/** About three significant digits, never in scientific notation unless it would be absurd otherwise. */
export function formatValue(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return minus(value.toExponential(2));
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3;
  const text = minus(value.toFixed(digits));
  return /^−0(\.0+)?$/.test(text) ? text.slice(1) : text;
}

export function formatCount(value: number): string {
  return value.toLocaleString('en-GB').replaceAll(',', ' ');
}

export function formatPercent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** A length of time, e.g. `12.5 s`, `3 d`. */
export function formatDuration(ms: number): string {
  const [, unit, name] = UNITS.find(([from]) => Math.abs(ms) >= from) ?? UNITS[UNITS.length - 1];
  const amount = Math.abs(ms) / unit;
  const digits = amount < 10 && amount % 1 >= 0.05 && name !== 'ms' ? 1 : 0;
  return `${amount.toFixed(digits)} ${name}`;
}

/** A time as its distance from a named one, e.g. `now + 12 s`. */
export function formatOffset(ms: number, from: string): string {
  if (Math.abs(ms) < 1) return from;
  return `${from} ${ms < 0 ? '−' : '+'} ${formatDuration(ms)}`;
}

/** An instant with as much detail as a range of `spanMs` can tell apart. */
export function formatInstant(time: number, spanMs: number): string {
  const iso = safeIso(time);
  const [day, clock] = [iso.slice(0, -14), iso.slice(-13, -1)];
  if (spanMs > 60 * DAY) return day;
  if (spanMs > 2 * HOUR) return `${day} ${clock.slice(0, 5)}`;
  if (spanMs > 2 * SECOND) return `${day} ${clock.slice(0, 8)}`;
  return `${day} ${clock}`;
}

/**
 * Labels of an axis of times whose ticks are `step` apart: each tick says what differs from its neighbour, and the
 * first one, or the first of a new day or year, says also what all share, on a second line.
 */
export function formatTicks(times: readonly number[], step: number): string[] {
  let shared = '';
  return times.map((time) => {
    const [tick, context] = tickParts(time, step);
    const label = context === shared || context === '' ? tick : `${tick}\n${context}`;
    shared = context;
    return label;
  });
}

function tickParts(time: number, step: number): [string, string] {
  const iso = safeIso(time);
  const date = new Date(time);
  const month = MONTHS[date.getUTCMonth()];
  const year = String(date.getUTCFullYear());
  const day = `${date.getUTCDate()} ${month}`;
  if (step >= 0.9 * YEAR) return [year, ''];
  if (step >= 27 * DAY) return [month, year];
  if (step >= DAY) return [day, year];
  const clock = iso.slice(-13, -1);
  const digits = step >= MINUTE ? 5 : step >= SECOND ? 8 : 12;
  return [clock.slice(0, digits), `${day} ${year}`];
}

function safeIso(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? '-9999-01-01T00:00:00.000Z' : date.toISOString();
}

function minus(text: string): string {
  return text.replace('-', '−');
}
