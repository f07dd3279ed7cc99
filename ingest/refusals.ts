/**
 * Why an event is refused: one table, from which the parser, the dead letters, the metrics and the answers over HTTP
 * take their code and their sentence.
 */
export const REFUSALS = {
  'not-json': 'The event is not JSON: send one object, {"series": …, "time": …, "values": {…}}.',
  'not-an-object': 'The event is not an object: send {"series": …, "time": …, "values": {…}}.',
  'no-series': 'The event has no series: give "series" as a text that is not empty.',
  'bad-series': 'The series is not usable as a name: give well-formed Unicode of at most 512 characters.',
  'no-time': 'The event has no time: give "time" as ISO 8601 with "Z" or an offset, or as ms since the epoch.',
  'bad-time': 'The time is not understood: give ISO 8601 with "Z" or an offset, or a number of ms since the epoch.',
  'time-out-of-range':
    'The time lies outside the range that the stream accepts: check its unit (ms, not s) and its clock.',
  'no-values': 'The event carries no observed value: give "values" with a number for at least one channel.',
  'bad-values': 'The values are not an object: give "values" as {"<channel>": number or null}.',
  'unknown-channel':
    'The event carries a channel that the stream does not have: correct it or add it to the configuration.',
  'bad-value': 'A value is neither a number nor null: send numbers as numbers, and null for what was not observed.',
  'non-finite-value': 'A value is not finite: send null for what was not observed.',
  'too-large':
    'The event is larger than the stream accepts: send fewer channels or shorten the series, or raise maxEventBytes.',
} as const;

export type RefusalCode = keyof typeof REFUSALS;

export interface Refusal {
  readonly ok: false;
  readonly code: RefusalCode;
  /** One sentence that says what to do. */
  readonly message: string;
  /** The part of the event that is wrong, e.g. `values.pressure`. */
  readonly field?: string;
}

export function refuse(code: RefusalCode, field?: string): Refusal {
  return field === undefined
    ? { ok: false, code, message: REFUSALS[code] }
    : { ok: false, code, message: `${REFUSALS[code]} (${field})`, field };
}
