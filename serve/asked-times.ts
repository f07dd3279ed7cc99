/** The list of times that a query means: `times`, a grid `from, to, step`, or a `horizon` after the last event. */
import { Problem } from './problem.ts';
import type { AskedTime } from './schemas/common.ts';
import { formatTime, LAST_TIME, parseIsoTime } from './time.ts';

export interface TimeChoice {
  readonly times?: readonly AskedTime[] | undefined;
  readonly from?: AskedTime | undefined;
  readonly to?: AskedTime | undefined;
  /** ms */
  readonly step?: number | undefined;
  /** ms */
  readonly horizon?: number | undefined;
  readonly points?: number | undefined;
}

export interface TimeRules {
  readonly limit: number;
  readonly defaultPoints: number;
}

/** @param lastMs the last event used, from which a horizon counts. */
export function askedTimes(choice: TimeChoice, lastMs: number, rules: TimeRules): readonly AskedTime[] {
  const { times, horizon } = choice;
  if (times !== undefined) return limited(times, rules.limit);
  if (horizon !== undefined) return horizonTimes(choice, horizon, lastMs, rules);
  return gridTimes(choice, rules.limit);
}

const WAYS = 'Ask for times in one way: `times`, or `from`, `to` and `step`, or `horizon` (with `step` or `points`)';

/** Faults that can be told before the last event is known. */
export function checkTimeChoice(choice: TimeChoice): void {
  const { times, from, to, step, horizon, points } = choice;
  const grid = from !== undefined || to !== undefined;
  const ways = [times !== undefined, grid, horizon !== undefined].filter(Boolean).length;
  if (ways === 0) throw new Problem('invalid-request', `${WAYS}.`, { field: '/times' });
  if (ways > 1) throw new Problem('invalid-request', `${WAYS}; not in several at once.`, { field: extraField(choice) });
  if (grid) requireGrid(from, to, step);
  if (times !== undefined && step !== undefined)
    throw new Problem('invalid-request', `${WAYS}; \`step\` has no meaning beside \`times\`.`, { field: '/step' });
  if (points !== undefined && (horizon === undefined || step !== undefined))
    throw new Problem('invalid-request', '`points` goes with `horizon`, and not beside `step`.', { field: '/points' });
}

function extraField({ times, horizon }: TimeChoice): string {
  if (times === undefined) return '/horizon';
  return horizon === undefined ? '/from' : '/horizon';
}

function requireGrid(from?: AskedTime, to?: AskedTime, step?: number): void {
  const missing = Object.entries({ from, to, step }).find(([, value]) => value === undefined);
  if (missing !== undefined)
    throw new Problem('invalid-request', `A grid needs \`from\`, \`to\` and \`step\`; \`${missing[0]}\` is missing.`, {
      field: `/${missing[0]}`,
    });
  if (from !== undefined && to !== undefined && from.ms > to.ms)
    throw new Problem('invalid-request', '`to` lies before `from`; exchange them.', { field: '/to' });
}

function limited(times: readonly AskedTime[], limit: number): readonly AskedTime[] {
  if (times.length > limit) throw tooManyTimes(times.length, limit, '/times');
  return times;
}

function tooManyTimes(count: number, limit: number, field: string): Problem {
  const asked = Number.isSafeInteger(count) ? count : count.toExponential(1);
  return new Problem(
    'too-many-times',
    `${asked} timestamps are asked for; at most ${limit} a query. Ask in parts or widen the step.`,
    { field },
  );
}

/** Share of a step by which rounding may put the end of a grid before its last point. */
const ON_GRID = 1e-9;

/** Times follow the form of `from`: ISO, or numbers where it is one. */
function gridTimes({ from, to, step = Number.NaN }: TimeChoice, limit: number): readonly AskedTime[] {
  if (from === undefined || to === undefined) return [];
  const count = Math.floor((to.ms - from.ms) / step + ON_GRID) + 1;
  if (count > limit) throw tooManyTimes(count, limit, '/step');
  const at = typeof from.asked === 'number' ? asNumber : asIso;
  return Array.from({ length: count }, (_, i) => at(Math.min(from.ms + i * step, to.ms)));
}

function horizonTimes(choice: TimeChoice, horizon: number, last: number, rules: TimeRules): readonly AskedTime[] {
  const points = choice.points ?? rules.defaultPoints;
  const step = choice.step ?? horizon / points;
  const count = choice.step === undefined ? points : Math.floor(horizon / step + ON_GRID);
  if (count > rules.limit) throw tooManyTimes(count, rules.limit, choice.step === undefined ? '/points' : '/step');
  if (count < 1)
    throw new Problem('invalid-request', '`step` is longer than `horizon`; shorten it.', { field: '/step' });
  if (last + horizon > LAST_TIME)
    throw new Problem('invalid-time', 'The horizon ends after the year 9999; shorten it.', { field: '/horizon' });
  return Array.from({ length: count }, (_, i) => asIso(last + (i + 1) * step));
}

function asNumber(ms: number): AskedTime {
  return { asked: ms, ms };
}

/** The time that is written is the one that is computed at, so that asking for it again gives the same. */
function asIso(ms: number): AskedTime {
  const asked = formatTime(ms);
  return { asked, ms: parseIsoTime(asked) ?? ms };
}
