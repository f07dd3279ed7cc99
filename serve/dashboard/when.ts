/** Reads a timestamp as a person writes it: `now + 20 s`, `last − 3 d`, an ISO 8601 time, or ms since the epoch. Pure. */
import { parseIsoTime } from '../time.ts';

export interface Anchors {
  /** The clock, ms since the epoch. */
  readonly now: number;
  /** Time of the series' last event, if it has one. */
  readonly last: number | undefined;
}

export type When =
  | { readonly ok: true; readonly time: number; readonly literal: boolean }
  | { readonly ok: false; readonly detail: string };

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  sec: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
  w: 604_800_000,
  y: 31_557_600_000,
};

const EXAMPLES = 'Write for example “now + 20 s”, “last + 3 d”, 2026-11-22T08:00:00Z, or milliseconds since 1970.';
const RELATIVE = /^(now|last)?((?:\s*[+-]\s*\d+(?:\.\d+)?\s*[a-z]+)*)$/;
const TERM = /([+-])\s*(\d+(?:\.\d+)?)\s*([a-z]+)/g;

/** `literal` is true for an instant that does not depend on the anchors. */
export function parseWhen(text: string, anchors: Anchors): When {
  const trimmed = text.trim().toLowerCase().replaceAll('−', '-');
  if (trimmed === '') return { ok: false, detail: EXAMPLES };
  if (/^-?\d+(\.\d+)?$/.test(trimmed)) return { ok: true, time: Number(trimmed), literal: true };
  const relative = RELATIVE.exec(trimmed);
  if (relative) return parseRelative(relative[1] ?? 'now', relative[2], anchors);
  return parseIso(text.trim());
}

function parseRelative(name: string, terms: string, anchors: Anchors): When {
  const base = name === 'last' ? anchors.last : anchors.now;
  if (base === undefined) return { ok: false, detail: 'This series has no last event yet: write “now” instead.' };
  let time = base;
  for (const [, sign, amount, unit] of terms.matchAll(TERM)) {
    if (!(unit in UNITS)) return { ok: false, detail: `“${unit}” is no unit of time: use ms, s, min, h, d, w or y.` };
    time += (sign === '-' ? -1 : 1) * Number(amount) * UNITS[unit];
  }
  return { ok: true, time, literal: false };
}

/** A time without a zone is taken as UTC, like everywhere on the page. */
function parseIso(text: string): When {
  const spaced = text.toUpperCase().replace(/^(\d{4}-\d\d-\d\d) +(?=\d)/, '$1T');
  const time = parseIsoTime(spaced) ?? parseIsoTime(`${spaced}Z`);
  return time === undefined ? { ok: false, detail: EXAMPLES } : { ok: true, time, literal: true };
}
