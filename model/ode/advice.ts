/** One sentence for a person whose solve failed: what the status means and what to try. */
import type { Ending } from './integrate.ts';
import type { Method } from './method.ts';
import type { Statistics } from './problem.ts';

const STIFF = 'The field looks stiff: try kvaerno5 or rodas4.';

/** Six digits: a sentence is read by people; the exact time is in the solution. */
const readable = (t: number | undefined): string => String(Number(t?.toPrecision(6)));

/** What a method cannot do, whatever the tolerance. */
const damped = ({ name }: Method): string =>
  `${name} is not stable on a damped field: under a controller its steps shrink for ever. Give fixed steps, or another method and checkpointed().`;

export function adviceFor(
  { status, failedAt }: Ending,
  { looksStiff, newtonFailures }: Readonly<Statistics>,
  method: Method,
): string | undefined {
  const at = `at t = ${readable(failedAt)}`;
  switch (status) {
    case 'success':
      return looksStiff ? STIFF : undefined;
    case 'max-steps':
      if (method.carriesSlope) return `All steps were spent ${at}. ${damped(method)}`;
      return `All steps were spent ${at}. ${looksStiff ? STIFF : 'Allow more maxSteps, or loosen rtol and atol.'}`;
    case 'min-step':
      return `No step above minStep is accurate enough ${at}: ${looksStiff ? STIFF : 'the solution may blow up or not be unique there, or the field may jump: give its jumps.'}`;
    case 'non-finite':
      if (newtonFailures > 0) {
        return `Newton's method did not converge in the step from t = ${readable(failedAt)}: it is too long. Give shorter steps, or an adaptive controller, which finds their length.`;
      }
      return `The field or the solution is not finite just after t = ${readable(failedAt)}: it may blow up there, or a fixed step may be too long.`;
  }
}
